"""How the suite's server filters and pages a list, and where it puts the rows in an answer."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from .cursors import DAY, coarse, comparable
from .description import Incremental, Paging, Stream
from .exchange import RefusedError, Request
from .paths import put, value_at


def words(value: Any) -> Any:
    """Return a parameter as it is written in a query."""
    if isinstance(value, list):
        return [words(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def filtered(by: Incremental, rows: list[Any], sent: dict[str, Any]) -> list[Any]:
    """Return the rows that a filter lets through; those without a cursor always."""
    if by.param is None:
        return rows
    since, until = sent.get(by.param), sent.get(by.end_param or "")
    if since is None and by.required:
        raise RefusedError(400, f"{by.param} is missing.")
    if since is None and until is None:
        return rows
    form = by.param_format
    try:
        lower = None if since is None else coarse(comparable(since, form), form)
        upper = None if until is None else coarse(comparable(until, form), form)
    except (ValueError, TypeError):
        raise RefusedError(400, f"{since!r} or {until!r} is not of the format {form}.") from None
    longest = by.max_window_days * DAY if by.max_window_days and by.end_param else None
    if longest and lower is not None and (upper is None or upper - lower > longest):
        raise RefusedError(400, "The window of time is too long, or has no end.")
    if lower is not None and upper is not None and upper < lower:
        raise RefusedError(400, "The window of time ends before it begins.")
    kept = []
    for row in rows:
        found = value_at(row, by.cursor_field)
        if found is None:
            kept.append(row)
            continue
        value = coarse(comparable(found, by.cursor_format), form)
        above = lower is None or value > lower or (value == lower and not by.strict)
        if above and (upper is None or value <= upper):
            kept.append(row)
    return kept


def first_row(paging: Paging, rows: list[Any], sent: dict[str, Any], size: int) -> int:
    """Return the number of the row that the page asked for begins with."""
    if paging.kind == "none":
        return 0
    if paging.kind in ("next_url", "link"):
        return int(sent.get("_next", 0))
    asked = sent.get(paging.param or "")
    if paging.kind in ("page", "offset"):
        try:
            number = int(asked) - int(paging.start or 0) if asked is not None else 0
        except (ValueError, TypeError):
            raise RefusedError(400, f"{paging.param} is not a number.") from None
        if number < 0:
            raise RefusedError(400, f"{paging.param} is too small.")
        return number * size if paging.kind == "page" else number
    if asked is None:
        return 0
    if paging.last_record_field is not None:
        keys = [words(value_at(row, paging.last_record_field)) for row in rows]
        if words(asked) in keys:
            return keys.index(words(asked)) + 1
    elif str(asked).startswith("made-up-cursor="):
        return int(str(asked).removeprefix("made-up-cursor="))
    raise RefusedError(400, f"{asked!r} is not a page.")


def answer_with(
    stream: Stream,
    request: Request,
    rows: list[Any],
    start: int,
    size: int,
    *,
    following: int | None,
    relative: bool,
    hides: Callable[[Any], bool] | None = None,
    total: int | None = None,
    beyond: int | None = None,
    alters: Callable[[Any], Any] | None = None,
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a page. `following` is the row that the next page begins with, None at the end.

    `total` is what is told as number of all rows, `beyond` what is named as next page where none follows, `alters` what becomes of the body. With `relative` every other address of a next page is relative to the page that it stands on.
    """
    relative = relative and start % (2 * size) == 0
    paging = stream.paging
    shown = [row for row in rows[start : start + size] if hides is None or not hides(row)]
    body = _nested(stream.shape, stream.record_path, deepcopy(shown))
    headers = {"Content-Type": "application/json"}
    if paging.kind == "link":
        headers["Link"] = '<https://elsewhere.example/help>; rel="help"'
        if following is not None:
            headers["Link"] += f', <{_next_url(request, following, relative=relative)}>; rel="next"'
    if isinstance(body, dict):
        if paging.has_more_path is not None:
            put(body, paging.has_more_path, following is not None)
        if paging.total_path is not None:
            put(body, paging.total_path, len(rows) if total is None else total)
        if paging.total_pages_path is not None:
            put(body, paging.total_pages_path, -(-len(rows) // size))
        if paging.next_path is not None:
            named = beyond if following is None else following
            put(body, paging.next_path, _next(paging, request, named, relative=relative))
    return headers, json.dumps(body if alters is None else alters(body)).encode()


def _next(paging: Paging, request: Request, following: int | None, *, relative: bool) -> Any:
    if following is None:
        return None
    if paging.kind == "next_url":
        return _next_url(request, following, relative=relative)
    return f"made-up-cursor={following}"


def _next_url(request: Request, following: int, *, relative: bool) -> str:
    parts = urlsplit(request.url)
    query = {**request.query, "_next": following}
    if relative:
        return f"?{urlencode(query, doseq=True)}"
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True)))


def _nested(shape: str, path: tuple[str, ...], rows: list[Any]) -> Any:
    if path and path[0] == "*":
        half = len(rows) // 2
        parts = [rows[:half], rows[half:]] if shape != "single" else [[row] for row in rows]
        return [_nested(shape, path[1:], part) for part in parts]
    if path:
        return {path[0]: _nested(shape, path[1:], rows)}
    if shape == "table":
        return _table(rows)
    if shape == "map":
        return {row.pop("_key"): row["value"] if list(row) == ["value"] else row for row in rows}
    if shape == "single":
        return rows[0] if rows else None
    return rows


def _table(rows: list[Any]) -> list[list[Any]]:
    """Return rows as a list of lists below the names of their columns; blank ones as empty lists."""
    first = next((row for row in rows if row is not None), None)
    if first is None:
        return []
    names = [name for name in first if name != "_row"]
    return [names, *[[] if row is None else [row[name] for name in names] for row in rows]]
