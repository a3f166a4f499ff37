"""From the body of an answer to the rows in it."""

import re
from collections.abc import Iterator
from typing import Any

from .errors import ApiError, ConfigError, ConnectorError
from .matrix import is_empty_table, rows_of_matrix
from .models import Stream

Record = dict[str, Any]

_SHOWN_KEYS = 20
_CODE = re.compile(r"[a-z]{1,20}(?:[_ .-][a-z]{1,20}){0,5}")
_ABOUT_CREDENTIALS = re.compile(r"auth|token|scope|permission|credential|account|forbidden")


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
        return found if isinstance(found, list) else [found]
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
    return found


def as_records(rows: list[Any]) -> list[Record]:
    """Return rows as objects: blank ones are left out, plain values put under `value`."""
    return [row if isinstance(row, dict) else {"value": row} for row in rows if row is not None]


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
