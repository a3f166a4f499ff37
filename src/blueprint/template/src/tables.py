"""Tables that survive display, Arrow and JSON export: rows made flat, and DataFrames made safe.

pandas is optional. Everything about rows works without it; what needs a DataFrame says so in words.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

#: A pandas DataFrame; written as Any so that neither running nor type-checking needs pandas.
DataFrame = Any
Row = dict[str, Any]

#: Objects nested deeper than this stay one cell of JSON text.
MAX_NESTING = 4
#: What is nested deeper than this inside a cell is cut.
DEEPEST_JSON = 100
#: One record with at least this many columns is summarised.
WIDE_ROW_COLUMNS = 30
#: Columns that a summary shows; the rest goes into one cell.
SUMMARY_COLUMNS = 20
SUMMARY_REST = "other_fields"

_INDEX_NAME = "row"
_INT64 = range(-(2**63), 2**63)
_EXACT_IN_FLOAT = range(-(2**53), 2**53 + 1)


class PandasMissingError(RuntimeError):
    """A DataFrame was asked for, and pandas is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "A DataFrame needs pandas, which is not installed. Install this package's extra "
            "`dataframes` (pip install '<package>[dataframes]'), or use the plain rows of "
            "`result.rows`."
        )


def load_pandas() -> Any:
    """Import pandas, or raise PandasMissingError."""
    module = find_pandas()
    if module is None:
        raise PandasMissingError
    return module


def find_pandas() -> Any | None:
    """Import pandas; None where it is not installed."""
    try:
        return importlib.import_module("pandas")
    except ImportError:
        return None


# ------------------------------------------------------------------------------------------ rows


def flatten(record: Mapping[str, Any], whole: Collection[str] = ()) -> Row:
    """Flatten a nested record: `{"a": {"b": 1}}` becomes `{"a.b": 1}`, lists become JSON text.

    Objects at the names in `whole` become JSON text as well.
    """
    row: Row = {}
    _flatten_into(row, record, (), whole)
    return row


def _flatten_into(
    row: Row, record: Mapping[str, Any], path: tuple[str, ...], whole: Collection[str]
) -> None:
    for key, value in record.items():
        here = (*path, str(key))
        name = ".".join(here)
        if isinstance(value, Mapping) and value and len(here) < MAX_NESTING and name not in whole:
            _flatten_into(row, value, here, whole)
        else:
            row[_free_name(name, row)] = plain_cell(value)


def _free_name(name: str, taken: Iterable[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def plain_cell(value: Any) -> Any:
    """Return a value as None, bool, int, float or text: nested ones as JSON, times as ISO text."""
    cell: Any
    if value is None or isinstance(value, (bool, str)):
        cell = value
    elif isinstance(value, int):
        cell = value if value in _INT64 else str(value)
    elif isinstance(value, float):
        cell = value if math.isfinite(value) else None
    elif isinstance(value, (datetime, date, time)):
        cell = value.isoformat()
    elif isinstance(value, (bytes, bytearray)):
        cell = bytes(value).decode("utf-8", errors="backslashreplace")
    elif isinstance(value, (Mapping, list, tuple, set, frozenset)):
        cell = json.dumps(_plain_tree(value), ensure_ascii=False)
    else:
        cell = str(value)
    return cell


def _plain_tree(value: Any, depth: int = 0) -> Any:
    """Bring a nested value to what JSON knows; what is nested absurdly deep becomes null."""
    if depth > DEEPEST_JSON:
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain_tree(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return [_plain_tree(item, depth + 1) for item in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        return [_plain_tree(item, depth + 1) for item in value]
    return plain_cell(value)


def flat_rows(records: Iterable[Any], whole: Collection[str] = ()) -> list[Row]:
    """Return flat rows which all have the same columns in order, each column of one type."""
    rows = [
        flatten(record if isinstance(record, Mapping) else {"value": record}, whole)
        for record in records
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    hollow = _hollow_parents(rows, names)
    columns = {
        name: uniform_cells([row.get(name) for row in rows]) for name in names if name not in hollow
    }
    return [{name: cells[index] for name, cells in columns.items()} for index in range(len(rows))]


def _hollow_parents(rows: Sequence[Row], names: Sequence[str]) -> set[str]:
    """Find columns that only say that an object is null here, which others spread over columns."""
    spread = {name[:at] for name in names for at in range(len(name)) if name[at] == "."}
    return {
        name
        for name in names
        if name in spread and all(row.get(name) in (None, "{}") for row in rows)
    }


def uniform_cells(cells: Sequence[Any]) -> list[Any]:
    """Bring the cells of a column to one type: whole numbers and fractions to floats, else text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if len(kinds) <= 1:
        return list(cells)
    exact = all(not isinstance(cell, int) or cell in _EXACT_IN_FLOAT for cell in cells)
    if kinds == {int, float} and exact:
        return [None if cell is None else float(cell) for cell in cells]
    return [
        None if cell is None else cell if isinstance(cell, str) else json.dumps(cell)
        for cell in cells
    ]


def summarise_wide_row(row: Row, first: Sequence[str] = ()) -> Row:
    """Return a very wide record as its main columns plus one cell of JSON with all the others."""
    if len(row) < WIDE_ROW_COLUMNS:
        return row
    filled = [name for name, cell in row.items() if cell is not None and not _is_nested_text(cell)]
    order = [name for name in dict.fromkeys([*first, *filled]) if name in row]
    shown = order[:SUMMARY_COLUMNS]
    rest = {name: cell for name, cell in row.items() if name not in shown and cell is not None}
    summary = {name: row[name] for name in shown}
    summary[_free_name(SUMMARY_REST, summary)] = json.dumps(rest, ensure_ascii=False)
    return summary


def _is_nested_text(cell: Any) -> bool:
    return isinstance(cell, str) and cell[:1] in ("{", "[")


# ------------------------------------------------------------------------------------ DataFrames


def rows_to_dataframe(rows: Sequence[Row], columns: Sequence[str] = ()) -> DataFrame:
    """Make a DataFrame of flat rows; `columns` names those of an empty one.

    Whole numbers with gaps stay whole.
    """
    pandas = load_pandas()
    names = list(rows[0]) if rows else list(columns)
    frame = pandas.DataFrame({name: _series([row[name] for row in rows], pandas) for name in names})
    return _with_index_apart(frame)


def _series(cells: Sequence[Any], pandas: Any) -> Any:
    kinds = {type(cell) for cell in cells if cell is not None}
    gaps = any(cell is None for cell in cells)
    if kinds == {int}:
        return pandas.Series(list(cells), dtype="Int64" if gaps else "int64")
    if kinds == {bool}:
        return pandas.Series(list(cells), dtype="boolean" if gaps else "bool")
    if kinds == {float}:
        return pandas.Series(list(cells), dtype="float64")
    return pandas.Series(list(cells), dtype="object")


def sanitize_dataframe(frame: DataFrame) -> DataFrame:
    """Return a copy with flat unique names, a plain index, one serialisable type per column."""
    pandas = load_pandas()
    clean = frame.copy()
    if _index_says_something(clean.index, pandas):
        clean = _index_to_columns(clean)
    clean = clean.reset_index(drop=True)
    clean.columns = unique_names([_column_name(column) for column in clean.columns])
    for name in list(clean.columns):
        cells = clean[name]
        if _needs_no_change(cells, pandas):
            continue
        values = [
            None if _is_missing(cell, pandas) else plain_cell(_unwrapped(cell)) for cell in cells
        ]
        clean[name] = _series(uniform_cells(values), pandas)
    return _with_index_apart(clean)


def _with_index_apart(frame: DataFrame) -> DataFrame:
    """Name the index where a column is called "index": exports give that name to a nameless one."""
    if "index" in frame.columns:
        frame.index.name = _free_name(_INDEX_NAME, set(frame.columns))
    return frame


def unique_names(names: Sequence[str]) -> list[str]:
    """Return the names with a number after each that stood before: a, a_2, a_3."""
    taken: set[str] = set()
    unique: list[str] = []
    for name in names:
        free = name if name not in taken else _free_name(name, taken | set(names))
        taken.add(free)
        unique.append(free)
    return unique


def _index_says_something(index: Any, pandas: Any) -> bool:
    # A plain count of rows says nothing, even when it was named to stand apart from the columns.
    counted = isinstance(index, pandas.RangeIndex) and str(index.name).startswith(_INDEX_NAME)
    named = index.name is not None and not counted
    return (
        isinstance(index, pandas.MultiIndex)
        or named
        or not pandas.api.types.is_integer_dtype(index)
    )


def _index_to_columns(frame: DataFrame) -> DataFrame:
    pandas = load_pandas()
    levels = frame.index.to_frame(index=False)
    levels.columns = ["index" if name is None else _column_name(name) for name in frame.index.names]
    body = frame.reset_index(drop=True)
    body.columns = [_column_name(column) for column in body.columns]
    return pandas.concat([levels, body], axis=1)


def _column_name(column: Any) -> str:
    if isinstance(column, tuple):
        return " | ".join(str(part) for part in column if str(part).strip())
    return str(column)


def _needs_no_change(cells: Any, pandas: Any) -> bool:
    types = pandas.api.types
    return bool(
        types.is_bool_dtype(cells) or types.is_integer_dtype(cells) or types.is_float_dtype(cells)
    )


def _is_missing(cell: Any, pandas: Any) -> bool:
    return cell is None or (pandas.api.types.is_scalar(cell) and bool(pandas.isna(cell)))


def _unwrapped(cell: Any) -> Any:
    """Return a numpy scalar or array as Python's own value."""
    if type(cell).__module__ == "numpy":
        return cell.tolist()
    return cell
