"""The pieces of an incremental read: one, or one for each window of time that the API accepts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .config import Config
from .models import Incremental
from .records import Row
from .state import DAY, TICKS, Comparable, comparable, ends_of, formatted, from_datetime
from .utils import dump_json, get_path


@dataclass(kw_only=True)
class Piece:
    """What to ask the API for, which rows of its answer are wanted, and the greatest cursor in them."""

    incremental: Incremental | None = None
    lower: Comparable | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    greatest: Any = None
    _limit: Comparable | None = None
    # <feature incremental.end>
    end: Any = None
    seen_before: frozenset[bytes] = frozenset()
    seen_at_end: set[bytes] = field(default_factory=set)
    # </feature>

    def wanted(self, records: list[Row]) -> list[Row]:
        """Leave out records older than the bound. Those of the bound's own tick come again."""
        if self.incremental is None:
            return records
        form = self.incremental.cursor_format
        cursors = [get_path(record, self.incremental.cursor_field) for record in records]
        ends = None if self.end is not None else ends_of(cursors, form)  # <feature incremental.end>
        ends = ends_of(cursors, form)  # <feature !incremental.end>
        if ends is not None:
            (_, least), (newest, most) = ends
            if self.lower is None or least >= self.lower:  # type: ignore[operator]
                self._note(newest, most)
                return records
        return [
            record
            for record, cursor in zip(records, cursors, strict=True)
            if self._is_wanted(record, cursor, self.incremental)
        ]

    def _note(self, cursor: Any, value: Comparable) -> None:
        if self._limit is None or value > self._limit:  # type: ignore[operator]
            self.greatest, self._limit = cursor, value

    def _is_wanted(self, record: Row, cursor: Any, incremental: Incremental) -> bool:
        value = comparable(cursor, incremental.cursor_format)
        if value is not None:
            if self.lower is not None and value < self.lower:  # type: ignore[operator]
                return False
            self._note(cursor, value)
        # <feature incremental.end>
        if self.end is not None:
            # Neighbouring windows share their edge: an API may count it to either, or to both. A
            # record without a time may come with every window.
            digest = dump_json(record)
            if value is None or formatted(value, incremental.param_format) == self.end:
                self.seen_at_end.add(digest)
            return digest not in self.seen_before
        # </feature>
        return True


def pieces(
    incremental: Incremental | None, config: Config, cursor: Any, now: float
) -> Iterator[Piece]:
    """Yield what to read, in order of time, from a cursor on, else from the start date on."""
    if incremental is None:
        yield Piece()
        return
    lower = _lower_bound(incremental, config, cursor)
    # <feature incremental.end>
    if incremental.param is not None and incremental.end_param is not None and lower is not None:
        since = _filter_value(incremental, lower, cursor)
        names = (incremental.param, incremental.end_param)
        yield from _windows(incremental, names, lower, since, now)
        return
    # </feature>
    # <feature incremental.param>
    if incremental.param is not None and lower is not None:
        since = _filter_value(incremental, lower, cursor)
        yield Piece(incremental=incremental, lower=lower, params={incremental.param: since})
        return
    # </feature>
    yield Piece(incremental=incremental, lower=lower)
# <feature parents>


def full_pieces(incremental: Incremental | None, config: Config, now: float) -> Iterator[Piece]:
    """Yield what to read of a parent: all since the start date, whatever its own state.

    An API may take a missing filter for "the last month": children of older parents would be lost.
    """
    yield from pieces(incremental, config, None, now)
# </feature>


def _lower_bound(incremental: Incremental, config: Config, cursor: Any) -> Comparable | None:
    # <feature incremental.time>
    if incremental.cursor_format in ("integer", "string"):
        return comparable(cursor, incremental.cursor_format)
    start = from_datetime(config.start_date) if config.start_date is not None else None
    value = comparable(cursor, incremental.cursor_format)
    if not isinstance(value, int):
        return start
    return max(value - config.lookback_days * DAY, start or 0)
    # </feature>
    # <feature !incremental.time>
    return comparable(cursor, incremental.cursor_format)
    # </feature>
# <feature incremental.param>


def _filter_value(incremental: Incremental, lower: Comparable, cursor: Any) -> Any:
    """Return the filter's value: the API's own text of the cursor where that says it."""
    form = incremental.param_format
    if isinstance(lower, str):
        return lower
    # <feature incremental.strict>
    if incremental.param_is_strict:
        return formatted(lower - TICKS.get(form, 1), form)
    # </feature>
    if form == incremental.cursor_format and comparable(cursor, form) == lower:
        return cursor
    return formatted(lower, form)
# </feature>
# <feature incremental.end>


def _windows(
    incremental: Incremental,
    names: tuple[str, str],
    lower: Comparable,
    since: Any,
    now: float,
) -> Iterator[Piece]:
    """Yield windows that follow on each other up to now, none longer than the API accepts."""
    form = incremental.param_format
    start, last = int(lower), int(now * 1_000_000)
    step = int(incremental.max_window_days * DAY) if incremental.max_window_days else None
    at_edge: set[bytes] = set()
    while True:
        # A state may be later than this machine's clock: no window ends before it begins.
        stop = max(start, last if step is None else min(start + step, last))
        end = formatted(stop, form)
        piece = Piece(
            incremental=incremental,
            lower=lower,
            params=dict(zip(names, (since, end), strict=True)),
            end=end,
            seen_before=frozenset(at_edge),
        )
        yield piece
        if stop >= last:
            return
        at_edge, start, since = piece.seen_at_end, stop, end
# </feature>
