"""That an incremental read brings what changed, all of it, and remembers how far it came."""

import json
from typing import Any

import pytest

from tests.conftest import World, config_json, in_any_order, of_type
from tests.mock_api import STREAMS, collections, expected_records, moment, value_at

INCREMENTAL = [name for name, stream in STREAMS.items() if stream["incremental"] is not None]
# <feature incremental.param>
FILTERED = [name for name in INCREMENTAL if STREAMS[name]["incremental"]["param"] is not None]
# </feature>
# <feature incremental.time>
TIMED = [
    name
    for name in INCREMENTAL
    if STREAMS[name]["incremental"]["cursor_format"] not in ("integer", "string")
]
# </feature>
# <feature parents.incremental>
WITH_CHILDREN = [
    (name, stream["parent"]) for name, stream in STREAMS.items() if stream["parent"] in INCREMENTAL
]
# </feature>


class Result:
    """What a read brought."""

    def __init__(self, code: int, messages: list[dict[str, Any]]) -> None:
        self.code = code
        self.records = [record["data"] for record in of_type(messages, "RECORD")]
        self.states = [one["stream"]["stream_state"] for one in of_type(messages, "STATE")]
        self.errors = [one["error"] for one in of_type(messages, "TRACE") if one["type"] == "ERROR"]


def read(
    world: World, *streams: str, state: Any = None, mode: str = "incremental", **more: Any
) -> Result:
    """Read streams; the state is that of the first one."""
    catalog = {"streams": [{"stream": {"name": name}, "sync_mode": mode} for name in streams]}
    files = {"catalog": catalog, **more}
    if state is not None:
        saved = {"stream_descriptor": {"name": streams[0]}, "stream_state": state}
        files["state"] = [{"type": "STREAM", "stream": saved}]
    return Result(*world.run("read", **files))


def at(stream: str, record: Any) -> Any:
    """A record's cursor as something to compare."""
    incremental = STREAMS[stream]["incremental"]
    return moment(value_at(record, incremental["cursor_field"]), incremental["cursor_format"])


def newest(stream: str) -> list[dict[str, Any]]:
    """The records of the newest moment of each list."""
    found = []
    for collection in collections(stream):
        records = [{**collection["columns"], **row} for row in collection["rows"]]
        last = max((at(stream, record) for record in records), default=None)
        found += [record for record in records if at(stream, record) == last]
    return found


@pytest.mark.parametrize("stream", INCREMENTAL)
def test_a_second_read_brings_the_last_moment_again_and_no_more(world: World, stream: str) -> None:
    first = read(world, stream)
    assert in_any_order(first.records) == in_any_order(expected_records(stream))
    second = read(world, stream, state=first.states[-1])
    assert in_any_order(second.records) == in_any_order(newest(stream))
    assert second.states[-1] == first.states[-1]
    assert (first.code, second.code) == (0, 0)


@pytest.mark.parametrize("stream", INCREMENTAL)
def test_what_comes_later_is_read_next_time(world: World, stream: str) -> None:
    lists = world.api.rows[stream]
    complete = [list(collection["rows"]) for collection in lists]
    for collection, rows in zip(lists, complete, strict=True):
        last = max((at(stream, row) for row in rows), default=None)
        collection["rows"] = [row for row in rows if at(stream, row) != last]
    first = read(world, stream)
    for collection, rows in zip(lists, complete, strict=True):
        collection["rows"] = rows
    second = read(world, stream, state=first.states[-1])
    assert set(in_any_order(newest(stream))) <= set(in_any_order(second.records))
    together = {*in_any_order(first.records), *in_any_order(second.records)}
    assert together == set(in_any_order(expected_records(stream)))


# <feature incremental.param>


@pytest.mark.parametrize("stream", FILTERED)
def test_the_api_is_asked_for_changes_only(world: World, stream: str) -> None:
    state = read(world, stream).states[-1]
    world.api.requests.clear()
    read(world, stream, state=state)
    param = STREAMS[stream]["incremental"]["param"]
    paths = [collection["path"] for collection in world.api.rows[stream] if collection["rows"]]
    asked = [one for one in world.api.lists if one.url.path.endswith(tuple(paths))]
    starts = [one for one in asked if "_next" not in one.url.params]
    assert starts
    for request in starts:
        sent = dict(request.url.params) if request.method == "GET" else json.loads(request.content)
        assert param in sent


# </feature>


@pytest.mark.parametrize("stream", INCREMENTAL)
def test_a_failed_read_does_not_move_the_state(world: World, stream: str) -> None:
    state = read(world, stream).states[-1]
    lists = world.api.rows[stream]
    lists[0]["rows"] = [*lists[0]["rows"], *lists[0]["rows"][:2]]
    world.api.fail(status=400, times=99, path=lists[0]["path"])
    fresh = read(world, stream)
    assert (fresh.code, fresh.records, fresh.states[-1]) == (1, [], {})
    again = read(world, stream, state=state)
    assert (again.code, again.states[-1]) == (1, state)


# <feature paging.any>


@pytest.mark.parametrize("stream", INCREMENTAL)
def test_a_read_that_breaks_off_keeps_the_state_that_is_safe(world: World, stream: str) -> None:
    if STREAMS[stream]["parent"] is None and STREAMS[stream]["paging"]["kind"] != "none":
        # <feature incremental.end>
        if STREAMS[stream]["incremental"]["end_param"] is not None:
            return
        # </feature>
        world.api.fail(status=422, times=99, skip=1)
        broken = read(world, stream)
        assert broken.records
        assert (broken.code, broken.states[-1]) == (1, {})


# </feature>


@pytest.mark.parametrize("stream", INCREMENTAL)
def test_a_full_refresh_takes_no_notice_of_the_state(world: World, stream: str) -> None:
    state = read(world, stream).states[-1]
    full = read(world, stream, state=state, mode="full_refresh")
    assert in_any_order(full.records) == in_any_order(expected_records(stream))


@pytest.mark.parametrize("stream", INCREMENTAL)
def test_a_record_without_cursor_is_kept(world: World, stream: str) -> None:
    state = read(world, stream).states[-1]
    row = world.api.rows[stream][0]["rows"][0]
    *above, last = STREAMS[stream]["incremental"]["cursor_field"]
    value_at(row, above)[last] = None
    result = read(world, stream, state=state)
    without = [one for one in result.records if value_at(one, [*above, last]) is None]
    assert (result.code, len(without)) == (0, 1)


@pytest.mark.parametrize("stream", INCREMENTAL)
def test_an_unreadable_state_is_refused(world: World, stream: str) -> None:
    name = ".".join(STREAMS[stream]["incremental"]["cursor_field"])
    result = read(world, stream, state={name: {"not": "a cursor"}})
    if STREAMS[stream]["incremental"]["cursor_format"] != "string":
        assert result.code == 1
        assert result.errors[0]["failure_type"] == "config_error"


# <feature incremental.time>


@pytest.mark.parametrize("stream", TIMED)
def test_the_start_date_bounds_the_read(world: World, stream: str) -> None:
    records = expected_records(stream)
    late = [one for one in records if at(stream, one) >= moment("2024-01-02", "date_time")]
    start = {"start_date": "2024-01-02"}
    assert in_any_order(world.read(stream, **start)) == in_any_order(late)


@pytest.mark.parametrize("stream", TIMED)
def test_the_look_back_reads_older_records_again(world: World, stream: str) -> None:
    state = read(world, stream).states[-1]
    again = read(world, stream, state=state, config=config_json(lookback_days=1000))
    assert in_any_order(again.records) == in_any_order(expected_records(stream))


# </feature>
# <feature parents.incremental>


@pytest.mark.parametrize(("child", "parent"), WITH_CHILDREN)
def test_children_do_not_depend_on_the_state_of_their_parent(
    world: World, child: str, parent: str
) -> None:
    state = read(world, parent).states[-1]
    result = read(world, parent, child, state=state)
    both = [*newest(parent), *expected_records(child)]
    assert in_any_order(result.records) == in_any_order(both)


# </feature>
