"""Checks of incremental reads: nothing is lost between two reads, whatever comes in between."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from .comparing import differences, keys_of, succeeded, text_of
from .cursors import DAY, FIRST_MOMENT, cursor_at
from .description import Description, Incremental, Stream, description_of
from .model import Check, NotApplicable, Problem, Subject
from .paths import put, value_at
from .rows import MARK, Collection, cursor_of, records_in, records_of, varied
from .running import Run, World, saved_state
from .states import at, cursors_in, newest

_MODE = "incremental"


def incremental_streams(description: Description) -> list[tuple[Stream, Incremental]]:
    """Return the streams that can be read incrementally. Raises `NotApplicable` where there are none."""
    found = [
        (stream, stream.incremental)
        for stream in description.streams.values()
        if stream.incremental is not None
    ]
    if not found:
        raise NotApplicable("No stream can be read incrementally.")
    return found


def read_on(world: World, name: str, state: Any = None, **more: Any) -> Run:
    """Read a stream incrementally, from a state on if one is given."""
    files = dict(more)
    if state is not None:
        files["state"] = saved_state(name, state)
    return world.read(name, mode=_MODE, **files)


def last_state(run: Run, name: str) -> Any:
    """Return the newest state that a read left of a stream, None without any."""
    states = run.states(name)
    return states[-1] if states else None


def _second_read(subject: Subject) -> Iterator[Problem]:
    for stream, by in incremental_streams(description_of(subject)):
        name, world = stream.name, World(subject)
        first = read_on(world, name)
        yield from succeeded(f"{name}: the first read", first)
        yield from differences(
            f"{name}, first read", first.records(name), records_of(world.api.rows[name])
        )
        state = last_state(first, name)
        if not state:
            yield Problem(f"{name}: the first read left no state: {state!r}.")
            continue
        second = read_on(world, name, state)
        yield from succeeded(f"{name}: the second read", second)
        yield from differences(
            f"{name}, second read without anything new",
            second.records(name),
            newest(stream, world.api.rows[name]),
        )
        yield from not_lowered(name, by, state, last_state(second, name))


def not_lowered(name: str, by: Incremental, before: Any, after: Any) -> Iterator[Problem]:
    """Yield where a later state is behind an earlier one, or has forgotten a partition of it."""
    if after is None:
        yield Problem(f"{name}: the second read left no state.")
        return
    old, new = cursors_in(by, before), cursors_in(by, after)
    for key, cursor in old.items():
        if key not in new:
            yield Problem(f"{name}: the second read forgot the cursor of {key}.")
        elif at(by, new[key]) < at(by, cursor):
            yield Problem(f"{name}: the cursor went back from {cursor!r} to {new[key]!r}.")


def _boundary(subject: Subject) -> Iterator[Problem]:
    for stream, by in incremental_streams(description_of(subject)):
        name, world = stream.name, World(subject)
        state = last_state(read_on(world, name), name)
        added = append_rows(stream, by, world.api.rows[name], ahead=0)
        second = read_on(world, name, state)
        yield from succeeded(f"{name}: the second read", second)
        yield from differences(
            f"{name}: rows that came later with the cursor of the last moment",
            second.records(name),
            added,
            more_allowed=True,
        )


def append_rows(
    stream: Stream, by: Incremental, collections: list[Collection], ahead: int
) -> list[dict[str, Any]]:
    """Add a row to each list, so many moments after its newest one; return the records that these are."""
    added = []
    for number, collection in enumerate(collections):
        dated = [row for row in collection.rows if cursor_of(stream, row) is not None]
        if not dated:
            continue
        last = max(dated, key=lambda row: at(by, cursor_of(stream, row)))
        row = deepcopy(last)
        serial = 90_000 + number
        keys = {*stream.primary_key, stream.paging.last_record_field or ()} - {()}
        # A cursor that is the key as well is never the same in two rows.
        steps = max(ahead, 1) if by.cursor_field in keys else ahead
        put(row, by.cursor_field, _moved(by, cursor_of(stream, last), steps))
        for path in keys - {by.cursor_field}:
            put(row, path, varied(value_at(row, path), serial))
        if MARK in row:
            row[MARK] = serial
        collection.rows.append(row)
        added += records_in(Collection("", {}, {}, collection.columns, [row]))
    return added


def _moved(by: Incremental, cursor: Any, steps: int) -> Any:
    """Return the cursor of a moment that is so many steps of a whole day or number later."""
    if steps == 0:
        return cursor
    if by.cursor_format == "integer":
        moved: Any = int(cursor) + steps
        return str(moved) if isinstance(cursor, str) else moved
    if by.cursor_format == "string":
        return f"{cursor}{steps:03d}"
    days = (at(by, cursor) - FIRST_MOMENT.timestamp()) / DAY
    return cursor_at(by.cursor_format, days + steps, cursor, 0)


def _later_rows(subject: Subject) -> Iterator[Problem]:
    for stream, by in incremental_streams(description_of(subject)):
        name, world = stream.name, World(subject)
        state = last_state(read_on(world, name), name)
        added = append_rows(stream, by, world.api.rows[name], ahead=2)
        second = read_on(world, name, state)
        yield from differences(
            f"{name}: newer rows", second.records(name), added, more_allowed=True
        )
        third = read_on(world, name, last_state(second, name))
        yield from differences(
            f"{name}: the third read, without anything new",
            third.records(name),
            newest(stream, world.api.rows[name]),
        )


def _equals_full(subject: Subject) -> Iterator[Problem]:
    """Rows are added and changed between two reads; by key both together are what a full read brings."""
    for stream, by in incremental_streams(description_of(subject)):
        name, world = stream.name, World(subject)
        first = read_on(world, name)
        collections = world.api.rows[name]
        append_rows(stream, by, collections, ahead=1)
        movable = not {by.cursor_field} & {*stream.primary_key, stream.paging.last_record_field}
        for collection in collections:
            if movable and collection.rows:
                row = collection.rows[0]
                latest = max(
                    (at(by, cursor_of(stream, one)), index)
                    for index, one in enumerate(collection.rows)
                )
                put(row, by.cursor_field, cursor_of(stream, collection.rows[latest[1]]))
                row["x_changed"] = True
        second = read_on(world, name, last_state(first, name))
        full = world.read(name)
        kept: dict[str, str] = {}
        for run in (first, second):
            records = run.records(name)
            texts = [text_of(record) for record in records]
            kept.update(zip(_whole_keys(stream, records), texts, strict=True))
        wanted = dict(
            zip(
                _whole_keys(stream, full.records(name)),
                [text_of(record) for record in full.records(name)],
                strict=True,
            )
        )
        lost = [key for key, text in wanted.items() if kept.get(key) != text]
        if lost:
            yield Problem(
                f"{name}: {len(lost)} of {len(wanted)} rows differ between a full read and two "
                f"incremental ones, such as {lost[0]}."
            )


def _whole_keys(stream: Stream, records: list[dict[str, Any]]) -> list[str]:
    """Return keys that are unique across parents too: a key may count within its parent only."""
    columns = [name for each in stream.fixture[:1] for name in each["columns"]]
    return [
        text_of([key, *[record.get(name) for name in columns]])
        for key, record in zip(keys_of(stream, records), records, strict=True)
    ]


def _future(subject: Subject) -> Iterator[Problem]:
    for stream, by in incremental_streams(description_of(subject)):
        name, world = stream.name, World(subject)
        state = last_state(read_on(world, name), name)
        if not isinstance(state, dict) or by.name not in state:
            continue
        future = {**state, by.name: _moved(by, state[by.name], 500)}
        run = read_on(world, name, future)
        yield from succeeded(f"{name}: the read from a state in the future", run)
        older = [one for one in run.records(name) if cursor_of(stream, one) is not None]
        if older:
            yield Problem(f"{name}: {len(older)} older rows came with a state in the future.")
        yield from not_lowered(name, by, future, last_state(run, name))


def _null_cursor(subject: Subject) -> Iterator[Problem]:
    for stream, by in incremental_streams(description_of(subject)):
        if by.cursor_field in {*stream.primary_key, stream.paging.last_record_field}:
            continue
        name, world = stream.name, World(subject)
        collection = next(one for one in world.api.rows[name] if len(one.rows) > 2)
        put(collection.rows[1], by.cursor_field, None)
        without = [row for row in records_in(collection) if cursor_of(stream, row) is None]
        first = read_on(world, name)
        yield from succeeded(f"{name}: the read of a row without cursor", first)
        yield from differences(
            f"{name} with a row without cursor",
            first.records(name),
            records_of(world.api.rows[name]),
        )
        second = read_on(world, name, last_state(first, name))
        yield from succeeded(f"{name}: the second read of a row without cursor", second)
        yield from differences(
            f"{name}: the row without cursor in the second read",
            second.records(name),
            without,
            more_allowed=True,
        )


def _full_refresh(subject: Subject) -> Iterator[Problem]:
    for stream, _ in incremental_streams(description_of(subject)):
        name, world = stream.name, World(subject)
        state = last_state(read_on(world, name), name)
        full = world.read(name, state=saved_state(name, state))
        yield from differences(
            f"{name}: a full refresh with a state",
            full.records(name),
            records_of(world.api.rows[name]),
        )


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "a-second-read-brings-news-only",
            "A second read brings the last moment again and nothing older.",
            _second_read,
        ),
        (
            "boundary-ticks-come-again",
            "Rows that come later with the last cursor are read next time.",
            _boundary,
        ),
        ("later-rows-are-read-next-time", "Newer rows are read next time, once.", _later_rows),
        (
            "incremental-equals-full",
            "Two incremental reads give by key what a full one gives.",
            _equals_full,
        ),
        (
            "a-future-state-is-no-error",
            "A state in the future brings no older rows and no error.",
            _future,
        ),
        (
            "rows-without-cursor-are-kept",
            "A row without cursor is kept and ends nothing.",
            _null_cursor,
        ),
        (
            "full-refresh-ignores-the-state",
            "A full refresh takes no notice of a state.",
            _full_refresh,
        ),
    )
]
