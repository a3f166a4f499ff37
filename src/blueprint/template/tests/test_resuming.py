"""That a full read which broke off goes on where it was, and that one which ended begins anew."""

import asyncio
from typing import Any

import pytest

from src.connector import Selection
from src.protocol import Output
from src.records import parsed
from tests.conftest import World, in_any_order, of_type
from tests.mock_api import LARGEST_PAGE, STREAMS, Fault, expected_records

RESUMABLE = [
    name
    for name, stream in STREAMS.items()
    if not stream["parent"] and not stream["incremental"] and stream["paging"]["kind"] != "none"
]


def read(
    world: World, stream: str, state: Any = None
) -> tuple[int, list[dict[str, Any]], dict[str, Any] | None]:
    """Read a stream in full; return the exit code, its records and its last state."""
    files: dict[str, Any] = {
        "catalog": {"streams": [{"stream": {"name": stream}, "sync_mode": "full_refresh"}]}
    }
    if state is not None:
        descriptor = {"name": stream}
        files["state"] = [
            {"type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": state}}
        ]
    code, messages = world.run("read", **files)
    records = [message["data"] for message in of_type(messages, "RECORD")]
    states = of_type(messages, "STATE")
    return code, records, states[-1]["stream"]["stream_state"] if states else None


def broken_off(world: World, stream: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Read until the second page fails; return what came, and the state."""
    world.api.fail(status=400, path=world.api.rows[stream][0]["path"], skip=1)
    code, records, state = read(world, stream)
    assert code == 1
    assert len(records) == LARGEST_PAGE
    assert state is not None
    return records, state


@pytest.mark.parametrize("stream", RESUMABLE)
def test_a_full_read_goes_on_at_the_page_that_failed(world: World, stream: str) -> None:
    first, state = broken_off(world, stream)
    asked = len(world.api.lists)
    code, rest, ended = read(world, stream, state)
    assert code == 0
    assert in_any_order(first + rest) == in_any_order(expected_records(stream))
    assert len(world.api.lists) - asked < -(-len(expected_records(stream)) // LARGEST_PAGE) + 1
    assert ended == {"__ab_no_cursor_state_message": True}


@pytest.mark.parametrize("stream", RESUMABLE)
def test_a_read_that_ended_begins_anew(world: World, stream: str) -> None:
    _, _, ended = read(world, stream)
    code, again, _ = read(world, stream, ended)
    assert code == 0
    assert in_any_order(again) == in_any_order(expected_records(stream))


@pytest.mark.parametrize("stream", RESUMABLE)
def test_a_page_that_is_gone_means_to_begin_anew(world: World, stream: str) -> None:
    _, state = broken_off(world, stream)
    world.api.faults = [Fault(status=410, path=world.api.rows[stream][0]["path"])]
    code, records, _ = read(world, stream, state)
    assert code == 0
    assert in_any_order(records) == in_any_order(expected_records(stream))


@pytest.mark.parametrize("stream", RESUMABLE)
@pytest.mark.parametrize("state", [{"next_page": 7}, {"next_page": {"params": []}}, {"x": 1}])
def test_a_state_of_another_kind_means_to_begin(world: World, stream: str, state: Any) -> None:
    code, records, _ = read(world, stream, state)
    assert code == 0
    assert in_any_order(records) == in_any_order(expected_records(stream))


class _Full(Output):
    """A destination that takes one page and no more."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.taken: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []

    def records(self, stream: str, records: Any) -> None:
        """Take a page, or stop the read."""
        if self.taken:
            raise BrokenPipeError
        self.taken.extend(map(parsed, records))

    def state(self, stream: str, state: Any, records: int) -> None:
        """Keep a state."""
        self.states.append(state)


@pytest.mark.parametrize("stream", RESUMABLE)
def test_a_page_that_was_not_written_is_read_again(world: World, stream: str) -> None:
    output = _Full()
    reading = world.connector().sync([Selection(stream)], {}, output)
    with pytest.raises(BrokenPipeError):
        asyncio.run(reading)
    code, rest, _ = read(world, stream, output.states[-1])
    assert code == 0
    assert in_any_order(output.taken + rest) == in_any_order(expected_records(stream))
