"""Checks of child streams: one read for each row of the parent, whatever the parent's own state."""

from collections.abc import Iterator
from copy import deepcopy

from .comparing import differences, succeeded
from .description import description_of
from .incremental import last_state, read_on
from .model import Check, NotApplicable, Problem, Subject
from .reading import failed, streams_for
from .rows import records_of, without
from .running import World, saved_state


def _parents_twice(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    # Where the last row names the next page no row can come twice.
    fit = [
        stream
        for stream in description.children
        if description.streams[stream.parent or ""].paging.last_record_field is None
    ]
    for stream in streams_for(description, fit, "No stream has a parent that may come twice."):
        world = World(subject)
        expected = records_of(world.api.rows[stream.name])
        for each in world.api.rows[stream.parent or ""]:
            each.rows.extend(deepcopy(each.rows[:2]))
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read", run)
        yield from differences(
            f"{stream.name} whose parents are listed twice", run.records(stream.name), expected
        )


def _gone_parent(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    for stream in streams_for(description, description.children, "No stream has a parent."):
        world = World(subject)
        lists = world.api.rows[stream.name]
        world.api.rows[stream.name] = without(lists, lists[0])
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read after a parent was deleted", run)
        expected = records_of(world.api.rows[stream.name])
        yield from differences(
            f"{stream.name} without one parent", run.records(stream.name), expected
        )


def _refused_child(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    for stream in streams_for(description, description.children, "No stream has a parent."):
        for status in (400, 403):
            # Those of one parent, and those of all.
            for times in (1, 999):
                world = World(subject)
                world.api.fail(status=status, times=times, stream=stream.name)
                run = world.read(stream.name)
                yield from failed(
                    f"{stream.name}: children refused with {status}", run, stream.name
                )


def _found_nowhere(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    for stream in streams_for(description, description.children, "No stream has a parent."):
        world = World(subject)
        if not world.api.rows[stream.name]:
            continue
        world.api.fail(status=404, times=9_999, stream=stream.name)
        run = world.read(stream.name)
        # One that is gone is passed over; where all are, the address is wrong.
        yield from failed(
            f"{stream.name}: children that are found for none of {len(world.api.rows[stream.name])} parents",
            run,
            stream.name,
        )


def _children_of_incremental(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    fit = [
        stream
        for stream in description.children
        if any(
            description.streams[one].incremental
            for one in description.chain(stream.name) - {stream.name}
        )
    ]
    if not fit:
        raise NotApplicable("No child has a parent that is read incrementally.")
    for stream in fit:
        parent = stream.parent or ""
        world = World(subject)
        parents = read_on(world, parent)
        state = saved_state(parent, last_state(parents, parent) or {})
        both = world.read(parent, stream.name, mode="incremental", state=state)
        yield from succeeded(f"{parent} and {stream.name}: the read from the parent's state", both)
        yield from differences(
            f"{stream.name} after its parent was read before",
            both.records(stream.name),
            records_of(world.api.rows[stream.name]),
        )


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "children-come-once",
            "Each child comes once, however often its parent is listed.",
            _parents_twice,
        ),
        (
            "a-gone-parent-is-passed-over",
            "A parent that is gone does not end the read.",
            _gone_parent,
        ),
        (
            "refused-children-are-an-error",
            "Children that are refused are an error.",
            _refused_child,
        ),
        (
            "children-found-nowhere-are-an-error",
            "Children that are found for no parent at all are an error.",
            _found_nowhere,
        ),
        (
            "children-do-not-share-the-state",
            "Children do not depend on their parent's state.",
            _children_of_incremental,
        ),
    )
]
