"""Checks of tables that come as a list of lists, the first of which names the columns."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from .comparing import succeeded
from .description import Stream, description_of
from .model import Check, NotApplicable, Problem, Subject
from .paths import Path
from .rows import records_of
from .running import World


def _tables(subject: Subject) -> list[Stream]:
    """Return the streams that are read from tables. Raises `NotApplicable` without any."""
    found = [one for one in description_of(subject).streams.values() if one.shape == "table"]
    if not found:
        raise NotApplicable("No stream is read from a table.")
    return found


def _columns_apart(subject: Subject) -> Iterator[Problem]:
    for stream in _tables(subject):
        world = World(subject)
        world.api.alters[stream.name] = partial(_with_twins, path=stream.record_path)
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read of a table with columns of one name", run)
        found = run.records(stream.name)
        for record in records_of(world.api.rows[stream.name]):
            kept = next((one for one in found if record.items() <= one.items()), None)
            if kept is None:
                yield Problem(
                    f"{stream.name}: where a name of a column comes twice, cells are lost, such as some of "
                    f"{str(record)[:160]}"
                )
                break
            beside = [value for name, value in kept.items() if name not in record]
            lost = [one for one in _TWINS if one not in beside]
            if lost:
                yield Problem(f"{stream.name}: cells without a name of their own are lost: {lost}.")
                break


_TWINS = ("below a name that comes again", "below a name that comes a third time", "below no name")


def _with_twins(body: Any, path: Path) -> Any:
    """Add columns to each table of an answer: two with the first one's name, and one without any."""
    if not path:
        if body:
            head, *rows = body
            return [
                [*head, head[0], head[0], ""],
                *[[*row, *_TWINS] if row else row for row in rows],
            ]
        return body
    key, *rest = path
    if key == "*":
        return [_with_twins(one, tuple(rest)) for one in body]
    return {**body, key: _with_twins(body[key], tuple(rest))} if key in body else body


CHECKS: list[Check] = [
    Check(
        "data.columns-of-one-name-are-kept-apart",
        "data",
        "Each cell of a table has a column of its own, also where names are missing or come twice.",
        _columns_apart,
    ),
]
