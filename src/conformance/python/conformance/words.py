"""Checks of what answers say about pages beside the next one: that no more follow, how many rows there are."""

from collections.abc import Iterator
from typing import Any

from .comparing import differences, succeeded
from .description import Stream, description_of
from .model import Check, NotApplicable, Problem, Subject
from .paths import put
from .rows import LARGEST_PAGE, cursor_of, grow, records_of, step_cursor
from .running import World

_LARGEST = 1_000
"""Rows of a page that this server is asked to make."""


def _no_more(subject: Subject) -> Iterator[Problem]:
    fit = [
        stream
        for stream in description_of(subject).roots
        if stream.paging.has_more_path is not None and stream.paging.next_path is not None
    ]
    if not fit:
        raise NotApplicable("No answer says that no more follow and names a next page.")
    for stream in fit:
        world = World(subject)
        world.api.names_beyond = True
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read", run)
        count = len(world.api.rows[stream.name][0].rows)
        beyond = [one for one in world.api.lists_of(stream.name) if one.start == count]
        if beyond:
            yield Problem(
                f"{stream.name}: it goes on although the answer says that no more follow."
            )


def _totals(subject: Subject) -> Iterator[Problem]:
    fit = [
        stream
        for stream in description_of(subject).roots
        if stream.paging.total_path is not None
        and stream.paging.kind in ("page", "offset")
        and (stream.paging.page_size or 0) <= _LARGEST
    ]
    if not fit:
        raise NotApplicable("No answer counts the rows of a list.")
    for stream in fit:
        # Only a page as large as asked for may be followed by others although its total says that it is all.
        size = stream.paging.page_size or LARGEST_PAGE
        world = World(
            subject, rows=grow(description_of(subject), lengths={stream.name: 2 * size + 1})
        )
        world.api.page_size = size
        world.api.counts_page_only = True
        _at_one_moment(stream, world.api.rows[stream.name][0].rows)
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read with a total of the first page", run)
        yield from differences(
            f"{stream.name}, whose total counts the first page only",
            run.records(stream.name),
            records_of(world.api.rows[stream.name]),
        )


def _at_one_moment(stream: Stream, rows: list[Any]) -> None:
    """Let all rows stand in one window of time."""
    by = stream.incremental
    if by is None or by.cursor_field in {*stream.primary_key, stream.paging.last_record_field}:
        return
    for row in rows:
        put(row, by.cursor_field, step_cursor(by, 0, cursor_of(stream, row)))


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "no-more-is-heeded",
            "Where an answer says that no more follow, none is asked for.",
            _no_more,
        ),
        (
            "a-total-of-the-page-ends-nothing",
            "A total that counts the first page only does not end the read.",
            _totals,
        ),
    )
]
