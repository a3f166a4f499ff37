"""That a state never says less than was read, nor goes back, for any parent."""

# <feature incremental>
from typing import Any

import pytest

from src.state import comparable
from tests.conftest import World, config_json, of_type
from tests.mock_api import STREAMS, moment, value_at

# <feature incremental.time>
TIMED = [
    name
    for name, stream in STREAMS.items()
    if stream["incremental"] and stream["incremental"]["cursor_format"] not in ("integer", "string")
]
# </feature>
# <feature children.incremental>
CHILDREN = [name for name, stream in STREAMS.items() if stream["parent"] and stream["incremental"]]
# </feature>


def saved(world: World, stream: str, state: Any = None, **config: Any) -> Any:
    """Read what changed in a stream since a state; return the state that is saved at the end."""
    files: dict[str, Any] = {
        "catalog": {"streams": [{"stream": {"name": stream}, "sync_mode": "incremental"}]}
    }
    if state is not None:
        descriptor = {"name": stream}
        files["state"] = [
            {"type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": state}}
        ]
    if config:
        files["config"] = config
    code, messages = world.run("read", **files)
    assert code == 0
    return of_type(messages, "STATE")[-1]["stream"]["stream_state"]


def test_times_of_every_zone_are_compared_as_moments() -> None:
    early = comparable("2024-01-01T01:30:00+02:00", "date_time")
    late = comparable("2024-01-01T00:00:00Z", "date_time")
    assert early == comparable("2023-12-31T23:30:00Z", "date_time")
    assert isinstance(early, int)
    assert isinstance(late, int)
    assert early < late


# <feature incremental.time>


@pytest.mark.parametrize("stream", TIMED)
def test_old_rows_that_come_again_do_not_move_the_state_back(world: World, stream: str) -> None:
    state = saved(world, stream)
    form = STREAMS[stream]["incremental"]
    for collection in world.api.rows[stream]:
        times = [
            moment(value_at(row, form["cursor_field"]), form["cursor_format"])
            for row in collection["rows"]
        ]
        collection["rows"] = [
            row for row, at in zip(collection["rows"], times, strict=True) if at < max(times)
        ]
    again = saved(world, stream, state, **config_json(lookback_days=60))
    assert again == state


# </feature>
# <feature children.incremental>


@pytest.mark.parametrize("stream", CHILDREN)
def test_every_parent_has_a_state_of_its_own(world: World, stream: str) -> None:
    state = saved(world, stream)
    lists = [collection for collection in world.api.rows[stream] if collection["rows"]]
    assert len(state["states"]) == len(lists)


# </feature>
# </feature>
