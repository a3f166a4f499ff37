"""Checks of what an incremental read asks the API for: changes only, on every page, in windows without gaps."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

from .comparing import differences, succeeded
from .cursors import DAY, comparable
from .description import Incremental, description_of
from .incremental import append_rows, incremental_streams, last_state, read_on
from .model import Check, NotApplicable, Problem, Subject
from .paths import put
from .rows import cursor_of
from .running import World
from .states import at, cursors_in, newest


def _filter_sent(subject: Subject) -> Iterator[Problem]:
    fit = [
        (s, by) for s, by in incremental_streams(description_of(subject)) if by.param is not None
    ]
    if not fit:
        raise NotApplicable("The API can't filter by any cursor.")
    for stream, by in fit:
        name, world = stream.name, World(subject)
        state = last_state(read_on(world, name), name)
        known = {number for number, one in enumerate(world.api.rows[name]) if one.rows}
        append_rows(stream, by, world.api.rows[name], ahead=1)
        before = len(world.api.served)
        # Several pages of news: each of them is asked for with the filter.
        world.api.page_size = 1
        read_on(world, name, state)
        for one in world.api.served[before:]:
            asked = one.start is not None and one.stream == name and one.collection in known
            if asked and one.window[0] is None:
                page = "the second read" if one.start == 0 else "a later page of it"
                yield Problem(f"{name}: {page} does not ask for changes only.")
                break
            oldest = min((at(by, one) for one in cursors_in(by, state).values()), default=None)
            if asked and oldest is not None and asks_too_much(by, one.window[0], oldest):
                yield Problem(
                    f"{name}: the second read asks for what changed since {one.window[0]!r}, with the state {state!r}."
                )
                break


def asks_too_much(by: Incremental, since: Any, oldest: Any) -> bool:
    """Say whether a filter of time begins days before the oldest moment that is wanted."""
    if since is None or by.cursor_format in ("integer", "string"):
        return False
    try:
        return bool(comparable(since, by.param_format) < oldest - 2 * DAY)
    except (ValueError, TypeError):
        return True


def _zones(subject: Subject) -> Iterator[Problem]:
    """Put the newest row into a zone whose clocks are behind: as text it is older than others."""
    fit = [
        (stream, by)
        for stream, by in incremental_streams(description_of(subject))
        if by.cursor_format == "date_time"
        and by.cursor_field not in {*stream.primary_key, stream.paging.last_record_field}
    ]
    looked = False
    for stream, by in fit:
        name, world = stream.name, World(subject)
        # A list that has rows of several moments.
        collection = max(world.api.rows[name], key=lambda each: len(each.rows))
        last = max(at(by, cursor_of(stream, row)) for row in collection.rows)
        # Some other row stays the newest one for whoever takes no notice of zones.
        row = min(collection.rows, key=lambda row: at(by, cursor_of(stream, row)))
        if not str(cursor_of(stream, row)).endswith("Z"):
            continue
        looked = True
        moment = datetime.fromtimestamp(last + 3600, tz=timezone(timedelta(hours=-9)))
        put(row, by.cursor_field, moment.isoformat())
        first = read_on(world, name)
        second = read_on(world, name, last_state(first, name))
        yield from succeeded(f"{name}: the read with times of several zones", second)
        yield from differences(
            f"{name}, second read, whose newest row has the time {moment.isoformat()}",
            second.records(name),
            newest(stream, world.api.rows[name]),
        )
    if not looked:
        raise NotApplicable("No cursor is a time with a zone.")


def _windows(subject: Subject) -> Iterator[Problem]:
    fit = [
        (stream, by)
        for stream, by in incremental_streams(description_of(subject))
        if by.end_param is not None
    ]
    if not fit:
        raise NotApplicable("No list is asked for by windows of time.")
    description = description_of(subject)
    for stream, by in fit:
        name, world = stream.name, World(subject)
        config = description.configuration(start_date="2024-01-01T00:00:00Z")
        read_on(world, name, config=config)
        asked: dict[int, set[tuple[float, float]]] = {}
        for one in world.api.lists_of(name):
            if None not in one.window:
                since, until = (float(comparable(edge, by.param_format)) for edge in one.window)
                asked.setdefault(one.collection, set()).add((since, until))
        for windows in asked.values():
            for (_, end), (start, _) in pairwise(sorted(windows)):
                if start > end:
                    yield Problem(
                        f"{name}: between two windows of time {start - end:.0f} seconds are left out."
                    )
                    break


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "the-filter-is-sent",
            "Where the API can filter, it is asked for changes only.",
            _filter_sent,
        ),
        (
            "zones-are-told-apart",
            "Times of several zones are compared as moments, not as text.",
            _zones,
        ),
        (
            "windows-leave-no-gap",
            "Windows of time follow on each other without a gap.",
            _windows,
        ),
    )
]
