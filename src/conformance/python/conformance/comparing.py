"""How what a read brought is held against what it must bring, and how that is said."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from .description import Stream
from .model import Problem
from .paths import value_at
from .running import Run

_SHOWN = 3


def text_of(record: Any) -> str:
    """Return a record as text that is equal for equal records."""
    return json.dumps(record, sort_keys=True, default=str)


def bag(records: Iterable[Any]) -> Counter[str]:
    """Return how often each record is there."""
    return Counter(text_of(record) for record in records)


def differences(
    what: str, found: Iterable[Any], expected: Iterable[Any], *, more_allowed: bool = False
) -> Iterator[Problem]:
    """Yield what is missing, and what came too often or should not be there."""
    have, want = bag(found), bag(expected)
    missing = list((want - have).elements())
    extra = [] if more_allowed else list((have - want).elements())
    if missing:
        yield Problem(f"{what}: {_rows(missing)} missing, such as {missing[0][:160]}")
    if extra:
        yield Problem(f"{what}: {_rows(extra)} too many, such as {extra[0][:160]}")


def succeeded(what: str, run: Run) -> Iterator[Problem]:
    """Yield a problem where a run failed."""
    if run.code != 0:
        yield Problem(f"{what} failed: {run.told()}")


def keys_of(stream: Stream, records: Iterable[dict[str, Any]]) -> list[str]:
    """Return each record's primary key as text; without a known key, the record itself."""
    if not stream.primary_key:
        return [text_of(record) for record in records]
    paths = stream.primary_key
    return [text_of([value_at(record, path) for path in paths]) for record in records]


def _rows(texts: list[str]) -> str:
    return "1 row is" if len(texts) == 1 else f"{len(texts)} rows are"


def named(items: Iterable[str]) -> str:
    """Return a few of some names in words."""
    ordered = sorted(items)
    rest = len(ordered) - _SHOWN
    return ", ".join(ordered[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
