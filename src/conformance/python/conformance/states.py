"""What the states of connectors hold, and what follows from cursors for the rows of a list."""

from typing import Any

from .comparing import text_of
from .cursors import comparable
from .description import Incremental, Stream
from .rows import Collection, cursor_of, records_in


def at(by: Incremental, cursor: Any) -> Any:
    """Return a cursor as something to compare."""
    return comparable(cursor, by.cursor_format)


def cursors_in(by: Incremental, state: Any) -> dict[str, Any]:
    """Return the cursors of a state by partition, written as JSON; a stream without parent has the partition {}."""
    if not isinstance(state, dict):
        return {}
    found = {}
    if by.name in state:
        found[text_of({})] = state[by.name]
    for entry in state.get("states") or []:
        cursor = (entry.get("cursor") or {}).get(by.name)
        if cursor is not None:
            found[text_of(entry.get("partition") or {})] = cursor
    return found


def newest(stream: Stream, collections: list[Collection]) -> list[dict[str, Any]]:
    """Return the records of the newest moment of each list."""
    by = stream.incremental
    if by is None:
        return []
    found = []
    for collection in collections:
        dated = [row for row in collection.rows if cursor_of(stream, row) is not None]
        last = max((at(by, cursor_of(stream, row)) for row in dated), default=None)
        for row, record in zip(collection.rows, records_in(collection), strict=True):
            cursor = cursor_of(stream, row)
            if cursor is not None and at(by, cursor) == last:
                found.append(record)
    return found
