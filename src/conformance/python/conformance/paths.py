"""Paths into JSON values."""

from collections.abc import Iterator, Sequence
from typing import Any

Path = tuple[str, ...]


def value_at(value: Any, path: Sequence[str]) -> Any:
    """Return what stands at a path, or None where a part of it is missing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def put(target: Any, path: Sequence[str], value: Any) -> None:
    """Set what stands at a path; objects that are missing on the way are made."""
    for key in path[:-1]:
        below = target.get(key)
        if not isinstance(below, dict):
            below = target[key] = {}
        target = below
    target[path[-1]] = value


def drop(target: Any, path: Sequence[str]) -> None:
    """Take away what stands at a path, if anything does."""
    above = value_at(target, path[:-1])
    if isinstance(above, dict):
        above.pop(path[-1], None)


def scalars(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every text, number and truth value below objects, with its path. Lists are left out."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from scalars(below, (*path, key))
    elif isinstance(value, (str, int, float)):
        yield path, value
