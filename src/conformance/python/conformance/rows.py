"""The rows of the suite's own server: many more than the fixtures hold, made in their likeness.

They are harder to read than real ones usually are: out of order, several at the same moment across the borders of
pages and windows of time, with fields that no description knows.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from .cursors import FIRST_MOMENT, cursor_at
from .description import Description, Incremental, Recursion, Stream
from .partitions import Child, child_of
from .paths import Path, drop, put, value_at

LARGEST_PAGE = 3
"""Rows a page, whatever is asked for: servers cap the size."""

ROWS = 11
ROWS_OF_PARENTS = 7
ROWS_OF_CHILDREN = (5, 0, 1, 4)
"""Rows of a child's first, second, … list; then from the beginning again."""

ROWS_BELOW_ROWS = (4, 2, 0)
"""Rows of the lists below the first row of a list, from the top down; the lowest one is empty though its row says otherwise."""

_TREES = 2
"""So many lists have rows below their rows, and the last one: it may be read when no other list is left."""

_APART = 500_000
"""Keys of rows that have rows below them are told apart by that from those of the parent: both fill the same parameter."""

MARK = "x_conformance"
"""A field that no description knows, different in every row."""

_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)


@dataclass
class Collection:
    """One list of the API: where it is, which parent it belongs to, its rows."""

    #: Below the base URL, with its parameters filled in.
    path: str
    query: dict[str, Any]
    partition: dict[str, Any]
    #: What a connector adds to each row.
    columns: dict[str, Any]
    rows: list[Any]
    #: The list of the same stream that holds the row which it hangs below; None below a row of the parent.
    above: "Collection | None" = None


def grow(
    description: Description, rows: int = ROWS, lengths: Mapping[str, int] | None = None
) -> dict[str, list[Collection]]:
    """Return the lists of every stream.

    Those without parent have so many rows, or fewer where children hang on them; `lengths` says it for single streams.
    """
    lengths = lengths or {}
    made: dict[str, list[Collection]] = {}
    for stream in description.streams.values():
        children = [one for one in description.streams.values() if one.parent == stream.name]
        maker = _RowMaker(
            stream, [child_of(one, stream) for one in children], _trees_above(description, stream)
        )
        if stream.parent is None:
            count = lengths.get(stream.name, min(rows, ROWS_OF_PARENTS) if children else rows)
            first = stream.fixture[0]
            made[stream.name] = [
                Collection(first["path"], dict(first["query"]), {}, {}, maker.rows(count))
            ]
            continue
        child = child_of(stream, description.streams[stream.parent])
        tops = [
            Collection(*place, maker.rows(lengths.get(stream.name, _length_of_child(index))))
            for index, place in enumerate(child.places(_parents(made[stream.parent])))
        ]
        made[stream.name] = [*tops, *_trees(stream.recursion, child, maker, tops)]
    return made


def _trees(
    recursion: Recursion | None, child: Child, maker: "_RowMaker", tops: list[Collection]
) -> list[Collection]:
    """Return the lists below the rows of the lists that the parent leads to."""
    if recursion is None:
        return []
    filled = [each for each in tops if each.rows]
    deep = [*filled[:_TREES], *filled[-1:]]
    return [
        below
        for each in filled
        for below in _below(
            recursion,
            child,
            maker,
            each,
            ROWS_BELOW_ROWS if any(each is one for one in deep) else (),
        )
    ]


def _below(
    recursion: Recursion,
    child: Child,
    maker: "_RowMaker",
    collection: Collection,
    lengths: tuple[int, ...],
) -> list[Collection]:
    """Return the lists below the rows of a list, and those below these.

    The first row says that rows are below it, the second one has some and says nothing of it, all others are leaves.
    Where no field says it each row has a list, which may be empty.
    """
    found: list[Collection] = []
    for number, row in enumerate(collection.rows):
        has = bool(lengths) and number < len(_LEADING)
        maker.say(row, recursion.flag, _LEADING[number] if has else False)
        if not has and recursion.flag is not None:
            continue
        count = lengths[0] if has and number == 0 else int(has)
        key = value_at(row, recursion.field)
        place = child.place({**collection.partition, recursion.parameter: key})
        below = Collection(*place, maker.rows(count), above=collection)
        found.append(below)
        found += _below(recursion, child, maker, below, lengths[1:] if number == 0 else ())
    return found


_LEADING = (True, None)
"""What the rows that have others below them say of it."""


def without(collections: list[Collection], gone: Collection) -> list[Collection]:
    """Return the lists but one and those below its rows."""
    return [one for one in collections if not _is_below(one, gone)]


def _is_below(collection: Collection | None, above: Collection) -> bool:
    while collection is not None and collection is not above:
        collection = collection.above
    return collection is above


def _trees_above(description: Description, stream: Stream) -> int:
    """Return how many streams that grow trees stand on the way to a stream that does, itself included."""
    if stream.recursion is None:
        return 0
    chain = [description.streams[name] for name in description.chain(stream.name)]
    return sum(one.recursion is not None for one in chain)


def _length_of_child(index: int) -> int:
    return ROWS_OF_CHILDREN[index % len(ROWS_OF_CHILDREN)]


def _parents(collections: list[Collection]) -> list[tuple[Any, Mapping[str, Any]]]:
    return [(row, each.partition) for each in collections for row in each.rows]


class _RowMaker:
    """Makes the rows of a stream, each unlike all others."""

    def __init__(self, stream: Stream, children: list[Child], trees: int = 0) -> None:
        self._stream = stream
        self._prototypes = [row for each in stream.fixture for row in each["rows"]]
        # What a child's address is made from must differ in the same way wherever it stands.
        self._linked = {path for child in children for path in child.fields}
        self._keys = {*stream.primary_key, *self._linked}
        self._apart = trees * _APART
        if stream.recursion is not None:
            self._keys.add(stream.recursion.field)
        self._enclosed = {path: mark for child in children for path, mark in child.enclosed.items()}
        last = stream.paging.last_record_field
        if last is not None:
            self._keys.add(last)
        self._serial = 0

    def rows(self, count: int) -> list[Any]:
        if self._stream.shape == "single":
            count = min(count, 1)
        if not self._prototypes:
            return []
        return [self._row(index, count) for index in range(count)]

    def _row(self, index: int, count: int) -> Any:
        serial = self._serial
        self._serial += 1
        row = deepcopy(self._prototypes[serial % len(self._prototypes)])
        if not isinstance(row, dict):
            return varied(row, serial)
        incremental = self._stream.incremental
        if incremental is not None:
            self._set_cursor(row, incremental, index, count)
        for path in self._keys:
            if incremental is None or path != incremental.cursor_field:
                put(row, path, varied(value_at(row, path), serial + self._apart))
        for path, mark in self._enclosed.items():
            # Values that hold the character which encloses them.
            if serial % 2 and isinstance(value_at(row, path), str):
                put(row, path, f"{value_at(row, path)}{mark}s")
        if self._stream.shape == "table":
            row["_row"] = index + 2
        if "_key" in row:
            row["_key"] = f"key-{serial:04d}"
        row[MARK] = serial
        return row

    def say(self, row: Any, flag: Path | None, has: bool | None) -> None:
        """Let a row say whether others are below it, as the fixtures do; None: let it say nothing."""
        if flag is None or not isinstance(row, dict):
            return
        if has is None:
            drop(row, flag)
            return
        told = [value_at(one, flag) for one in self._prototypes]
        fit = [value for value in told if value is not None and bool(value) is has]
        put(row, flag, deepcopy(fit[0]) if fit else has)

    def _set_cursor(self, row: dict[str, Any], by: Incremental, index: int, count: int) -> None:
        step = index if by.cursor_field in self._keys else _step(index, count)
        put(row, by.cursor_field, step_cursor(by, step, value_at(row, by.cursor_field)))


def _step(index: int, count: int) -> int:
    """Return the place in time of a row: out of order, three rows to a moment, two of them newest."""
    order = (index * 7 + 3) % count if count % 7 else count - 1 - index
    return order // 3


def step_cursor(incremental: Incremental, step: int, like: Any) -> Any:
    """Return the cursor of the n-th moment. Every other moment is the edge of a window of time."""
    days = (incremental.max_window_days or 4) / 2
    if incremental.cursor_format == "date" or incremental.param_format == "date":
        days = max(1.0, float(int(days)))
    return cursor_at(incremental.cursor_format, step * days, like, step)


def varied(value: Any, serial: int) -> Any:
    """Return a value of the same kind that no other serial number has."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return type(value)(10_000.5 + serial)
    if not isinstance(value, str):
        return f"key-{serial:04d}"
    if _UUID.match(value):
        return str(UUID(int=0x5EED << 96 | 4 << 76 | 8 << 60 | serial))
    if value.isdecimal():
        return str(10_000 + serial)
    return _later(value, serial) or f"{value}-c{serial}"


def _later(text: str, serial: int) -> str | None:
    """Return a time that no other serial number has, in the format of one; None for any other text."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = FIRST_MOMENT + timedelta(days=serial)
    if len(text) == len("2024-01-01"):
        return moment.strftime("%Y-%m-%d")
    return moment.isoformat().replace("+00:00", "Z" if text.endswith("Z") else "+00:00")


def records_of(collections: list[Collection]) -> list[dict[str, Any]]:
    """Return the records that a full read must bring."""
    return [record for each in collections for record in records_in(each)]


def records_in(collection: Collection) -> list[dict[str, Any]]:
    """Return the records of one list."""
    rows = (row if isinstance(row, dict) else {"value": row} for row in collection.rows)
    return [{**collection.columns, **row} for row in rows if row != {"value": None}]


def cursor_of(stream: Stream, row: Any) -> Any:
    """Return a row's cursor as it stands there, None without one."""
    path: Path = stream.incremental.cursor_field if stream.incremental else ()
    return value_at(row, path) if path else None
