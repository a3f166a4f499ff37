"""Checks of streams whose rows have rows of the same kind below them: no list too many, and no way round for ever.

That each level is read is what the checks of full reads require.
"""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy

from .comparing import differences, succeeded
from .description import Stream, description_of
from .model import Check, NotApplicable, Problem, Subject
from .rows import MARK, records_of, without
from .running import World


def _trees(subject: Subject) -> list[Stream]:
    """Return the streams that follow trees of rows. Raises `NotApplicable` without any."""
    found = [one for one in description_of(subject).children if one.recursion is not None]
    if not found:
        raise NotApplicable("No stream follows rows below rows.")
    return found


def _leaves(subject: Subject) -> Iterator[Problem]:
    fit = [one for one in _trees(subject) if one.recursion and one.recursion.flag is not None]
    if not fit:
        raise NotApplicable("No row says whether any are below it.")
    for stream in fit:
        world = World(subject)
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read", run)
        # Only rows with others below them have a list.
        unknown = [one.request.path for one in world.api.served if one.status == 404]
        if unknown:
            yield Problem(
                f"{stream.name}: {len(unknown)} lists were asked for below rows that say they have none, such as "
                f"{unknown[0]}."
            )


def _circles(subject: Subject) -> Iterator[Problem]:
    for stream in _trees(subject):
        world = World(subject)
        lists = world.api.rows[stream.name]
        below = next((one for one in lists if one.above is not None and one.rows), None)
        if below is None or below.above is None:
            continue
        # The row that the list hangs below comes again in it, as a shortcut does.
        shortcut = {**deepcopy(below.above.rows[0]), MARK: "again"}
        below.rows.append(shortcut)
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read of rows that lead in a circle", run)
        if run.code != 0:
            # Going round takes thousands of requests: seen once is enough.
            return
        yield from differences(
            f"{stream.name}, whose rows lead in a circle",
            run.records(stream.name),
            records_of(lists),
        )
        asked = Counter(
            (one.collection, one.start) for one in world.api.lists_of(stream.name) if one.rows
        )
        again = [key for key, times in asked.items() if times > 1]
        if again:
            yield Problem(f"{stream.name}: {len(again)} pages were asked for more than once.")


def _gone_row(subject: Subject) -> Iterator[Problem]:
    for stream in _trees(subject):
        world = World(subject)
        lists = world.api.rows[stream.name]
        gone = next((one for one in lists if one.above is not None and one.rows), None)
        if gone is None:
            continue
        world.api.rows[stream.name] = left = without(lists, gone)
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read after a row was deleted", run)
        yield from differences(
            f"{stream.name} without the rows below one", run.records(stream.name), records_of(left)
        )


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "leaves-are-not-asked",
            "Nothing is asked for below a row that says it has no rows below it.",
            _leaves,
        ),
        (
            "circles-of-rows-end",
            "Rows that lead back to a list above are left after one round.",
            _circles,
        ),
        (
            "a-gone-row-takes-only-its-own",
            "A row that is gone takes the rows below it along, and no others.",
            _gone_row,
        ),
    )
]
