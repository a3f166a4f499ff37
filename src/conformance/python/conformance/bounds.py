"""Checks of what happens where a connector's own bounds are reached.

A connector gives a list up after so many pages that no check could serve them. So its bound is lowered: the default of
each argument `max_pages` in its package. That is the one place where the data face is known by more than what it shows.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from .description import description_of
from .model import Check, NotApplicable, Problem, Subject
from .reading import failed
from .rows import LARGEST_PAGE
from .running import World, module

_ARGUMENT = "max_pages"

_PAGES = 2
"""What the bound is lowered to; every list of this server has more pages."""


def _bounded(subject: Subject) -> list[FunctionType]:
    """Return the functions of the connector with a bound of pages. Raises `NotApplicable` without any."""
    module("src.__main__", subject.directory)
    members = [
        value
        for name, each in list(sys.modules.items())
        if name == "src" or name.startswith("src.")
        for value in vars(each).values()
    ]
    found = [
        value
        for value in members
        if isinstance(value, FunctionType) and _ARGUMENT in (value.__kwdefaults__ or {})
    ]
    if not found:
        raise NotApplicable(
            f"No function of the connector has an argument {_ARGUMENT} with a default."
        )
    return list(dict.fromkeys(found))


@contextmanager
def _lowered(functions: list[FunctionType]) -> Iterator[None]:
    kept: list[dict[str, Any]] = [dict(one.__kwdefaults__ or {}) for one in functions]
    for one, defaults in zip(functions, kept, strict=True):
        one.__kwdefaults__ = {**defaults, _ARGUMENT: _PAGES}
    try:
        yield
    finally:
        for one, defaults in zip(functions, kept, strict=True):
            one.__kwdefaults__ = defaults


def _without_end(subject: Subject) -> Iterator[Problem]:
    fit = [
        stream
        for stream in description_of(subject).roots
        # Windows of time have few pages each.
        if stream.is_paged and not (stream.incremental and stream.incremental.end_param)
    ]
    if not fit:
        raise NotApplicable("No list has pages.")
    with _lowered(_bounded(subject)):
        for stream in fit:
            world = World(subject)
            run = world.read(stream.name)
            count = len(run.records(stream.name))
            if len(world.api.rows[stream.name][0].rows) <= _PAGES * LARGEST_PAGE:
                continue
            yield from failed(
                f"{stream.name}: a list that goes on after all the pages that are ever read",
                run,
                stream.name,
            )
            if count > _PAGES * LARGEST_PAGE:
                yield Problem(f"{stream.name}: {count} records come of {_PAGES} pages.")


CHECKS: list[Check] = [
    Check(
        "data.lists-without-end-are-an-error",
        "data",
        "A list with more pages than are ever read is an error, not cut without a word.",
        _without_end,
    ),
]
