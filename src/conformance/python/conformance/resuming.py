"""Checks of the state of a read: what it promises has come, and a read that broke off goes on from it."""

from collections.abc import Iterator
from typing import Any

from .comparing import differences, succeeded, text_of
from .description import Description, Incremental, Stream, description_of, typical
from .incremental import append_rows, incremental_streams, last_state, read_on
from .model import Check, NotApplicable, Problem, Subject
from .paths import put
from .rows import cursor_of, grow, records_in, records_of, step_cursor
from .running import World
from .states import at, cursors_in

_MOST = 4
"""Streams that a check looks at which reads each of them many times, or long."""

_MANY = 2_400
"""Rows of a long list."""

_KEPT = 2_000
"""Records that may come before the first state."""


def _some(description: Description) -> list[tuple[Stream, Incremental]]:
    found = {stream.name: by for stream, by in incremental_streams(description)}
    streams = [description.streams[name] for name in found]
    return [(stream, found[stream.name]) for stream in typical(streams, _MOST)]


def _broken_off(subject: Subject) -> Iterator[Problem]:
    """Whatever page fails: the state that is left and a second read together lose nothing."""
    for stream, by in _some(description_of(subject)):
        name = stream.name
        for page in range(3 if stream.is_paged else 1):
            for since in (False, True):
                yield from _resumed(subject, stream, by, page, since=since)
        world = World(subject)
        world.api.fail(status=500, times=999, stream=name)
        run = read_on(world, name)
        if not run.states(name):
            yield Problem(f"{name}: a read that fails leaves no state.")


def _resumed(
    subject: Subject, stream: Stream, by: Incremental, page: int, *, since: bool
) -> Iterator[Problem]:
    name, world = stream.name, World(subject)
    state = None
    before: list[dict[str, Any]] = []
    if since:
        first = read_on(world, name)
        state, before = last_state(first, name), first.records(name)
        append_rows(stream, by, world.api.rows[name], ahead=1)
        append_rows(stream, by, world.api.rows[name], ahead=1)
    world.api.fail(status=500, times=999, stream=name, page=page)
    broken = read_on(world, name, state)
    world.api.faults.clear()
    after = last_state(broken, name) if broken.states(name) else state
    rest = read_on(world, name, after)
    yield from succeeded(f"{name}: the read after one that failed", rest)
    yield from differences(
        f"{name}: a read that fails on page {page + 1} and the next one together",
        [*before, *broken.records(name), *rest.records(name)],
        records_of(world.api.rows[name]),
        more_allowed=True,
    )


def _state_after_records(subject: Subject) -> Iterator[Problem]:
    for stream, by in incremental_streams(description_of(subject)):
        name, world = stream.name, World(subject)
        run = read_on(world, name)
        due: dict[str, list[Any]] = {}
        for collection in world.api.rows[name]:
            due[text_of(collection.partition)] = [
                (cursor_of(stream, row), text_of(record))
                for row, record in zip(collection.rows, records_in(collection), strict=True)
            ]
        seen: set[str] = set()
        for message in run.messages:
            if message["type"] == "RECORD":
                seen.add(text_of(message["record"]["data"]))
            if message["type"] != "STATE":
                continue
            for key, cursor in cursors_in(by, message["state"]["stream"]["stream_state"]).items():
                early = [
                    text
                    for at_row, text in due.get(key, [])
                    if at_row is not None and at(by, at_row) < at(by, cursor) and text not in seen
                ]
                if early:
                    yield Problem(
                        f"{name}: a state says {cursor!r} before {len(early)} older records came."
                    )
                    break


def _checkpoints(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    looked = False
    for stream, by in _some(description):
        windows = by.end_param is not None and by.max_window_days is not None
        if stream.parent is None and not windows:
            continue
        looked = True
        length = _MANY if stream.parent is None else _MANY // 4
        world = World(subject, rows=grow(description, lengths={stream.name: length}))
        world.api.page_size = 500
        rows = world.api.rows[stream.name]
        for collection in rows:
            count = len(collection.rows)
            for index, row in enumerate(collection.rows):
                if windows and by.cursor_field not in stream.primary_key:
                    step = index * 4 // count
                    put(row, by.cursor_field, step_cursor(by, step, cursor_of(stream, row)))
        # Windows need a beginning.
        start: dict[str, Any] = (
            {} if stream.parent is not None else {"start_date": "2024-01-01T00:00:00Z"}
        )
        run = read_on(world, stream.name, config=description.configuration(**start))
        positions = [m["type"] for m in run.messages if m["type"] in ("RECORD", "STATE")]
        count = positions.count("RECORD")
        if count > _KEPT and "STATE" not in positions[: count - 100]:
            yield Problem(
                f"{stream.name}: a read of {count} records writes its state only at the end."
            )
    if not looked:
        raise NotApplicable("No stream has parts after which a state is safe before the end.")


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "a-failed-read-loses-nothing",
            "After a failure the state left loses no row.",
            _broken_off,
        ),
        (
            "state-comes-after-its-records",
            "A state comes only after all records up to it.",
            _state_after_records,
        ),
        ("long-reads-are-checkpointed", "A long read writes its state on the way.", _checkpoints),
    )
]
