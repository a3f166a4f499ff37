"""How far an incremental read has come: cursors, their formats, and the state that is kept between reads."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .errors import ConfigError
from .models import Incremental, TimeFormat
from .progress import Progress

Partition = Mapping[str, Any]
Comparable = int | float | str

_MICROSECOND = 1_000_000
_UNITS = {"unix_milliseconds": 1_000, "unix_seconds": _MICROSECOND}
DAY = 86_400 * _MICROSECOND

_WRITTEN = ("date_time", "date")

TICKS = {"unix_milliseconds": 1_000, "date": DAY, "integer": 1}
"""The smallest step of a format, where it is not a second, in the unit of `comparable`."""


def comparable(value: Any, form: TimeFormat) -> Comparable | None:
    """Return a cursor as something that can be compared: for times, microseconds since 1970 (UTC).

    `None` for what is missing or not of the format.
    """
    if value is None or isinstance(value, bool):
        return None
    if form == "string":
        return str(value)
    if form in _WRITTEN and isinstance(value, str):
        moment = _microseconds(value)
        if moment is not None:
            return moment
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return _microseconds(value) if form != "integer" else None
    if not isinstance(number, (int, float)):
        return None
    return number if form == "integer" else round(number * _UNITS.get(form, _MICROSECOND))


_ORDERED = re.compile(
    r"(?:\d{4}-\d\d-\d\d\n)+"
    r"|(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n)+"
    r"|(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n)+"
    r"|(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\n)+",
    re.ASCII,
)
"""Times that are all written in one way, whose order is that of their texts."""


def ends_of(
    cursors: list[Any], form: TimeFormat
) -> tuple[tuple[Any, Comparable], tuple[Any, Comparable]] | None:
    """Return the least and the greatest of cursors, each with its value, if they are easily told.

    To parse each of them would take longer than all the rest of a read.
    """
    kinds = set(map(type, cursors))
    if form in _WRITTEN:
        if kinds != {str} or _ORDERED.fullmatch("\n".join(cursors) + "\n") is None:
            return None
    elif form == "string" or kinds != {int}:
        return None
    least, most = min(cursors), max(cursors)
    first, last = comparable(least, form), comparable(most, form)
    return None if first is None or last is None else ((least, first), (most, last))


def _microseconds(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return from_datetime(moment)


def from_datetime(moment: datetime) -> int:
    """Return a moment in microseconds since 1970; without a zone it is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since_1970 = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since_1970.days * 86_400 + since_1970.seconds) * _MICROSECOND + since_1970.microseconds


def formatted(value: Comparable, form: TimeFormat) -> str | int | float:
    """Return a comparable value as a request parameter, rounded down to the format's precision."""
    if form in ("string", "integer") or isinstance(value, str):
        return value
    if form in _UNITS:
        return int(value // _UNITS[form])
    moment = datetime.fromtimestamp(value // _MICROSECOND, tz=UTC)
    return moment.strftime("%Y-%m-%d" if form == "date" else "%Y-%m-%dT%H:%M:%SZ")


class StreamState(Progress):
    """The greatest cursor that is safely read: of a stream, or of each partition of a child stream."""

    kept = True

    def __init__(self, incremental: Incremental, saved: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._incremental = incremental
        self._cursors: dict[str, Any] = {}
        # <feature parents>
        self._partitions: dict[str, Partition] = {}
        self._read: set[str] = set()
        # </feature>
        self._load(saved or {})

    def _load(self, saved: Mapping[str, Any]) -> None:
        name = self._incremental.name
        if name in saved:
            self._store(saved[name])
        # <feature parents>
        for entry in saved.get("states", []):
            try:
                self._store(entry["cursor"][name], entry["partition"])
            except (TypeError, KeyError):
                raise ConfigError(f"The state can't be read: no {name} in {entry}.") from None
        # </feature>

    def _store(self, cursor: Any, partition: Partition | None = None) -> None:
        if comparable(cursor, self._incremental.cursor_format) is None:
            raise ConfigError(
                f"The state can't be read: {cursor!r} is not a cursor of {self._incremental.name}."
            )
        key = _key(partition)
        self._partitions[key] = partition or {}  # <feature parents>
        self._cursors[key] = cursor

    def cursor(self, partition: Partition | None = None) -> Any:
        """Return the cursor to read on from, as the API wrote it; `None` at the first read."""
        return self._cursors.get(_key(partition))

    def commit(self, cursor: Any, partition: Partition | None = None) -> None:
        """Take note that everything up to a cursor was read and written; `None`: there was nothing."""
        key = _key(partition)
        self._read.add(key)  # <feature parents>
        form = self._incremental.cursor_format
        reached, value = comparable(self._cursors.get(key), form), comparable(cursor, form)
        # A state never goes back, whatever an API sends.
        if value is not None and (reached is None or value > reached):  # type: ignore[operator]
            self._partitions[key] = partition or {}  # <feature parents>
            self._cursors[key] = cursor
            self.changed = True
    # <feature parents>

    @property
    def size(self) -> int:
        """Return for how many partitions a cursor is kept."""
        return max(len(self._cursors), 1)

    def finish(self) -> None:
        """Forget the partitions that a whole read did not meet: their parents are gone."""
        self._cursors = {key: value for key, value in self._cursors.items() if key in self._read}
    # </feature>

    def to_json(self) -> dict[str, Any]:
        """Return the state as it is saved."""
        self.changed = False
        name = self._incremental.name
        # <feature parents>
        states = [
            {"partition": self._partitions[key], "cursor": {name: cursor}}
            for key, cursor in self._cursors.items()
            if key != _key()
        ]
        if states:
            return {"states": states}
        # </feature>
        cursor = self._cursors.get(_key())
        return {} if cursor is None else {name: cursor}


def _key(partition: Partition | None = None) -> str:
    return json.dumps(partition or {}, sort_keys=True, default=str)
