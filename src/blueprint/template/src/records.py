"""From the body of an answer to the rows in it."""

import re
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

from msgspec import Raw

from .errors import ApiError, ConfigError, ConnectorError
from .matrix import is_empty_table, rows_of_matrix
from .models import Stream
from .utils import dump_json, parse_json, parse_page

Record = dict[str, Any]

Row = Record | Raw
"""A record, parsed or as the API wrote it, in one line."""

_FIRST = itemgetter(0)
_OBJECT = ord("{")
_OBJECTS = {Raw, dict}

_SHOWN_KEYS = 20
_CODE = re.compile(r"[a-z]{1,20}(?:[_ .-][a-z]{1,20}){0,5}")
_ABOUT_CREDENTIALS = re.compile(r"auth|token|scope|permission|credential|account|forbidden")


def parse_body(stream: Stream, content: bytes) -> Any:
    """Parse a body, but leave the rows as the API wrote them."""
    # <feature shape.table>
    if stream.shape == "table":
        return parse_json(content)
    # </feature>
    return parse_page(content, len(stream.record_path))


def rows_in(stream: Stream, body: Any) -> list[Any]:
    """Return the rows of a page as they stand in its body.

    `null` where the list should be, or an empty body, is an empty list. A body without the expected path is an
    error: it is most often a failure that was answered with status 200.
    """
    rows: list[Any] = []
    for found in _at(stream, body, 0):
        rows.extend(_members(stream, found))
    return rows


def _at(stream: Stream, value: Any, depth: int) -> Iterator[Any]:
    """Yield every value at the record path; `*` stands for each member of a list or map."""
    if value is None or value == {}:
        return
    if depth == len(stream.record_path):
        yield value
        return
    key = stream.record_path[depth]
    # <feature wildcard>
    if key == "*":
        members = list(value.values()) if isinstance(value, dict) else value
        if not isinstance(members, list):
            raise _unexpected(stream, value, depth)
        for member in members:
            yield from _at(stream, member, depth + 1)
        return
    # </feature>
    # <feature shape.table>
    innermost = depth == len(stream.record_path) - 1
    if stream.shape == "table" and innermost and is_empty_table(value, key):
        return
    # </feature>
    if not isinstance(value, dict) or key not in value:
        raise _unexpected(stream, value, depth)
    yield from _at(stream, value[key], depth + 1)


def _members(stream: Stream, found: Any) -> list[Any]:
    # <feature shape.single>
    if stream.shape == "single":
        return _settled(found) if isinstance(found, list) else [found]
    # </feature>
    # <feature shape.table>
    if stream.shape == "table" and isinstance(found, list):
        return list(rows_of_matrix(found))
    # </feature>
    # <feature shape.map>
    if stream.shape == "map" and isinstance(found, dict):
        return [
            {"_key": key, **(row if isinstance(row, dict) else {"value": row})}
            for key, row in found.items()
        ]
    # </feature>
    if not isinstance(found, list):
        raise _unexpected(stream, found, len(stream.record_path))
    return _settled(found)


def _settled(rows: list[Any]) -> list[Any]:
    """Return rows of which none is text but objects: a blank row must be told from a full one."""
    if not rows or not isinstance(rows[0], Raw):
        return rows
    texts: Iterator[memoryview[int]] = map(memoryview, rows)
    if set(map(_FIRST, texts)) == {_OBJECT}:
        return rows
    return [parse_json(bytes(row)) for row in rows]


def as_records(rows: list[Any]) -> list[Row]:
    """Return rows as objects: blank ones are left out, plain values put under `value`."""
    if _OBJECTS.issuperset(map(type, rows)):
        return rows
    return [row if type(row) in _OBJECTS else {"value": row} for row in rows if row is not None]


def parsed(row: Row) -> Record:
    """Return a record whose members can be looked at."""
    record: Record = parse_json(bytes(row)) if isinstance(row, Raw) else row
    return record
# <feature parents>


def with_columns(row: Row, columns: Mapping[str, Any]) -> Row:
    """Return a record with members put before its own, which win where they have the same name."""
    if isinstance(row, Raw):
        text = bytes(row)
        # An empty object has no mark of a name.
        if b'"' in text and not any(dump_json(name) in text for name in columns):
            return Raw(dump_json(columns)[:-1] + b"," + text[1:])
    return {**columns, **parsed(row)}
# </feature>


def _unexpected(stream: Stream, value: Any, depth: int) -> ConnectorError:
    expected = ".".join(stream.record_path) or "the top of the body"
    place = ".".join(stream.record_path[:depth]) or "the top"
    if isinstance(value, dict):
        keys = ", ".join(sorted(value)[:_SHOWN_KEYS])
        found = f"an object with the keys {keys}"
    else:
        found = f"{type(value).__name__}"
    words = (
        f"Stream {stream.name}: no rows at {expected} in the answer; at {place} there is {found}."
    )
    said = _failure_code(value)
    if not said:
        return ApiError(words)
    words = f"{words} The API says: {said}."
    return ConfigError(words) if _ABOUT_CREDENTIALS.search(said) else ApiError(words)


def _failure_code(value: Any) -> str:
    """Return the code in a failure with status 200: `{"ok": false, "error": "no_scope"}`.

    Only plain words: what else stands there might hold a secret.
    """
    if not isinstance(value, dict) or (value.get("ok"), value.get("success")).count(False) == 0:
        return ""
    said = value.get("error")
    return said if isinstance(said, str) and _CODE.fullmatch(said) else ""
