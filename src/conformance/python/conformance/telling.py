"""Checks of what a connector says on the way: whatever it has to say, standard output holds messages only."""

from collections.abc import Iterator

from .description import Description, description_of
from .model import Check, Problem, Subject
from .paths import put
from .protocol import faults_of
from .rows import LARGEST_PAGE, without
from .running import Run, World


def _situations(subject: Subject) -> Iterator[tuple[str, Run]]:
    """Yield reads in which something is odd that a careful connector tells."""
    description = description_of(subject)
    for stream in description.roots:
        if stream.paging.kind in ("page", "offset"):
            world = World(subject)
            world.api.ignores_page = True
            yield f"{stream.name}: a page that comes again", world.read(stream.name)
        if stream.is_paged:
            world = World(subject)
            world.api.fail(
                status=404, times=999, page=-(-_length(world, stream.name) // LARGEST_PAGE)
            )
            yield f"{stream.name}: no page beyond the last one", world.read(stream.name)
        world = World(subject)
        world.api.fail(status=500, times=2, stream=stream.name)
        world.api.fail(status=429, headers={"Retry-After": "2"}, stream=stream.name)
        yield f"{stream.name}: failures that pass", world.read(stream.name)
    for stream in description.children:
        world = World(subject)
        if world.api.rows[stream.name]:
            lists = world.api.rows[stream.name]
            world.api.rows[stream.name] = without(lists, lists[0])
        yield f"{stream.name}: a parent that is gone", world.read(stream.name)
        yield (
            f"{stream.name}: a parent without a key",
            _without_key(subject, description, stream.name),
        )


def _length(world: World, name: str) -> int:
    return len(world.api.rows[name][0].rows)


def _without_key(subject: Subject, description: Description, name: str) -> Run:
    world = World(subject)
    parent = description.streams[name].parent or ""
    for collection in world.api.rows[parent]:
        for row in collection.rows[:1]:
            for path in description.streams[parent].primary_key:
                put(row, path, None)
    return world.read(name)


def _messages_only(subject: Subject) -> Iterator[Problem]:
    for what, run in _situations(subject):
        for number, line in enumerate(run.lines, 1):
            for fault in faults_of(line):
                yield Problem(f"{what}: line {number} of standard output {fault}.")


CHECKS: list[Check] = [
    Check(
        "data.only-messages-are-printed",
        "data",
        "Whatever is odd on the way is told in messages, not as text on standard output.",
        _messages_only,
    )
]
