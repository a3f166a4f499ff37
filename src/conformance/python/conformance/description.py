"""What is known of a connector's API: `tests/fixtures/api.json` and the rows beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .keys import with_keys
from .model import Subject

FieldPath = tuple[str, ...]


class UnusableConnectorError(Exception):
    """The connector can't be judged at all, because of something that is its own fault."""


@dataclass(frozen=True)
class Paging:
    """How a list is paged. `kind` is one of none, page, offset, cursor, next_url and link."""

    kind: str
    param: str | None
    start: int | None
    next_path: FieldPath | None
    last_record_field: FieldPath | None
    size_param: str | None
    page_size: int | None
    has_more_path: FieldPath | None
    total_path: FieldPath | None
    total_pages_path: FieldPath | None

    @property
    def says_more(self) -> bool:
        """Whether the answer itself says that more follow."""
        return bool(self.has_more_path or self.total_path or self.total_pages_path)


@dataclass(frozen=True)
class Incremental:
    """How a list is filtered by time, or by another field that grows."""

    cursor_field: FieldPath
    cursor_format: str
    param: str | None
    param_format: str
    strict: bool
    end_param: str | None
    max_window_days: float | None
    required: bool

    @property
    def name(self) -> str:
        """Return the cursor field as it is named in the state."""
        return ".".join(self.cursor_field)


@dataclass(frozen=True)
class Recursion:
    """How rows of a stream lead to lists of the same stream: blocks in blocks, folders in folders."""

    #: What a row fills in the address instead of its parent's row.
    parameter: str
    #: Field of the row that fills it.
    field: FieldPath
    #: Field that says whether any rows are below; None where each row is asked.
    flag: FieldPath | None


@dataclass(frozen=True)
class Stream:
    """One list of the API, or one list for each row of its parent."""

    name: str
    method: str
    record_path: FieldPath
    #: list, map or single.
    shape: str
    primary_key: tuple[FieldPath, ...]
    parent: str | None
    recursion: Recursion | None
    parameters: tuple[Mapping[str, Any], ...]
    paging: Paging
    incremental: Incremental | None
    #: The lists as the fixtures hold them, with path, query, partition, columns and rows.
    fixture: tuple[Mapping[str, Any], ...]

    @property
    def is_paged(self) -> bool:
        """Whether it comes in several answers."""
        return self.paging.kind != "none"


@dataclass(frozen=True)
class Description:
    """An API. Where `auth` is empty nothing proves who sends a request."""

    base_url: str
    #: Seconds since 1970, later than every row.
    now: float
    headers: Mapping[str, str]
    config: Mapping[str, Any]
    auth: tuple[Mapping[str, Any], ...]
    rate_limit: Mapping[str, Any] | None
    limit_headers: Mapping[str, str] | None
    #: Parents stand before their children.
    streams: Mapping[str, Stream]

    def configuration(self, way: int = 0, **changes: Any) -> dict[str, Any]:
        """Return a configuration as a person writes it, with one of the ways to authenticate."""
        config = {**self.config, **changes}
        if self.auth:
            config.setdefault("credentials", dict(self.auth[way]["credentials"]))
        return config

    def secrets(self, way: int = 0) -> list[str]:
        """Return the values that must never be shown."""
        if not self.auth:
            return []
        option = self.auth[way]
        return [str(option["credentials"][name]) for name in option["secrets"]]

    @property
    def ways(self) -> range:
        """Return the numbers of the ways to authenticate, at least one."""
        return range(max(len(self.auth), 1))

    @property
    def roots(self) -> list[Stream]:
        """Return the streams without parent."""
        return [stream for stream in self.streams.values() if stream.parent is None]

    @property
    def children(self) -> list[Stream]:
        """Return the streams with a parent."""
        return [stream for stream in self.streams.values() if stream.parent is not None]

    def chain(self, name: str) -> set[str]:
        """Return a stream's name and those of all its ancestors."""
        found: set[str] = set()
        following: str | None = name
        while following is not None and following not in found:
            found.add(following)
            following = self.streams[following].parent
        return found


def typical(streams: Sequence[Stream], most: int) -> list[Stream]:
    """Return at most so many streams, those first that are read in different ways: an API may have hundreds of lists."""
    chosen: dict[object, Stream] = {}
    for stream in streams:
        by = stream.incremental
        traits = (
            stream.paging.kind,
            stream.paging.says_more,
            stream.shape,
            stream.method,
            stream.parent is None,
            stream.recursion is not None,
            by is not None and (by.param is not None, by.end_param is not None, by.cursor_format),
        )
        chosen.setdefault(traits, stream)
    others = [stream for stream in streams if stream not in chosen.values()]
    return [*chosen.values(), *others][:most]


def description_of(subject: Subject) -> Description:
    """Return what the connector's fixtures say of its API.

    Raises `UnusableConnectorError` without them.
    """
    return _read(subject.directory)


@lru_cache(maxsize=4)
def _read(directory: Path) -> Description:
    folder = directory / "tests" / "fixtures"
    try:
        api = json.loads((folder / "api.json").read_text(encoding="utf-8"))
        rows = {
            name: json.loads((folder / "streams" / f"{name}.json").read_text(encoding="utf-8"))
            for name in api["streams"]
        }
    except FileNotFoundError as error:
        raise UnusableConnectorError(f"{error.filename} is missing.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableConnectorError(f"tests/fixtures can't be read: {error}") from None
    streams = {name: _stream(name, told, rows[name]) for name, told in api["streams"].items()}
    ordered: dict[str, Stream] = {}
    for stream in streams.values():
        _place(stream, streams, ordered, set())
    return Description(
        base_url=api["base_url"],
        now=float(api["now"]),
        headers=api.get("headers", {}),
        config=api.get("config", {}),
        auth=tuple(with_keys(option) for option in api.get("auth", [])),
        rate_limit=api.get("rate_limit"),
        limit_headers=api.get("limit_headers"),
        streams=ordered,
    )


def _place(
    stream: Stream, streams: Mapping[str, Stream], ordered: dict[str, Stream], met: set[str]
) -> None:
    if stream.name in ordered or stream.name in met:
        return
    met.add(stream.name)
    if stream.parent is not None and stream.parent in streams:
        _place(streams[stream.parent], streams, ordered, met)
    ordered[stream.name] = stream


def _stream(name: str, told: Mapping[str, Any], fixture: list[Mapping[str, Any]]) -> Stream:
    paging, incremental = told["paging"], told["incremental"]
    return Stream(
        name=name,
        method=told["method"],
        record_path=tuple(told["record_path"]),
        shape=told["shape"],
        primary_key=tuple(tuple(path) for path in told["primary_key"]),
        parent=told["parent"],
        recursion=_recursion(told.get("recursive")),
        parameters=tuple(told["parameters"]),
        paging=Paging(
            kind=paging["kind"],
            param=paging["param"],
            start=paging["start"],
            next_path=_path(paging["next_path"]),
            last_record_field=_path(paging["last_record_field"]),
            size_param=paging["size_param"],
            page_size=paging["page_size"],
            has_more_path=_path(paging["has_more_path"]),
            total_path=_path(paging["total_path"]),
            total_pages_path=_path(paging["total_pages_path"]),
        ),
        incremental=None
        if incremental is None
        else Incremental(
            cursor_field=tuple(incremental["cursor_field"]),
            cursor_format=incremental["cursor_format"],
            param=incremental["param"],
            param_format=incremental["param_format"],
            strict=incremental["strict"],
            end_param=incremental["end_param"],
            max_window_days=incremental["max_window_days"],
            required=incremental["required"],
        ),
        fixture=tuple(fixture),
    )


def _recursion(told: Mapping[str, Any] | None) -> Recursion | None:
    if told is None:
        return None
    return Recursion(told["parameter"], tuple(told["field"]), _path(told.get("flag")))


def _path(value: list[str] | None) -> FieldPath | None:
    return None if value is None else tuple(value)
