"""Checks of the settings that bound an incremental read: the start date, and how far each read looks back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .comparing import differences, succeeded
from .connection import specification
from .cursors import DAY
from .description import Description, Incremental, Stream, description_of
from .filters import asks_too_much
from .incremental import incremental_streams, last_state, not_lowered, read_on
from .model import Check, NotApplicable, Problem, Subject
from .rows import Collection, cursor_of, records_in
from .running import Run, World
from .states import at

_TIMELESS = ("integer", "string")


def _dated_streams(subject: Subject, setting: str) -> list[tuple[Stream, Incremental]]:
    """Return the streams that a setting of time bounds. Raises `NotApplicable` where there is no such setting."""
    found = [
        (stream, by)
        for stream, by in incremental_streams(description_of(subject))
        if by.cursor_format not in _TIMELESS
    ]
    if not found:
        raise NotApplicable("No stream is read incrementally by time.")
    if setting not in specification(subject).get("properties", {}):
        raise NotApplicable(f"The specification has no property {setting}.")
    return found


def _moments(stream: Stream, by: Incremental, collections: list[Collection]) -> list[float]:
    """Return the different moments of a stream's rows, in order of time."""
    rows = [row for each in collections for row in each.rows]
    return sorted(
        {at(by, cursor_of(stream, row)) for row in rows if cursor_of(stream, row) is not None}
    )


def _since(
    stream: Stream, by: Incremental, collections: list[Collection], moment: float
) -> list[dict[str, Any]]:
    """Return the records from a moment on."""
    return [
        record
        for each in collections
        for row, record in zip(each.rows, records_in(each), strict=True)
        if cursor_of(stream, row) is not None and at(by, cursor_of(stream, row)) >= moment
    ]


def _whole_chain_matters(description: Description, stream: Stream) -> bool:
    """Say whether a parent is bounded by the setting too, so that some lists are not asked for at all."""
    others = description.chain(stream.name) - {stream.name}
    return any(description.streams[name].incremental is not None for name in others)


def _start_date(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    for stream, by in _dated_streams(subject, "start_date"):
        name, world = stream.name, World(subject)
        moments = _moments(stream, by, world.api.rows[name])
        if len(moments) < 2:
            continue
        moment = moments[len(moments) // 2]
        date = datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        run = read_on(world, name, config=description.configuration(start_date=date))
        yield from succeeded(f"{name}: the read from the start date {date}", run)
        wanted = _since(stream, by, world.api.rows[name], moment)
        yield from _filters(world, stream, by, moment)
        what = f"{name} from the start date {date}"
        if not _whole_chain_matters(description, stream):
            yield from differences(what, run.records(name), wanted)
            continue
        older = [one for one in run.records(name) if at(by, cursor_of(stream, one)) < moment]
        if older:
            yield Problem(f"{what}: {len(older)} older records came.")


def _filters(
    world: World, stream: Stream, by: Incremental, moment: float, start: int = 0
) -> Iterator[Problem]:
    """Yield where the API was asked for more than the setting wants."""
    for one in world.api.served[start:]:
        if one.stream == stream.name and asks_too_much(by, one.window[0], moment):
            yield Problem(
                f"{stream.name}: asked for what changed since {one.window[0]!r}, though only what is newer than "
                f"{datetime.fromtimestamp(moment, tz=UTC):%Y-%m-%dT%H:%M:%SZ} is wanted."
            )
            return


def _days_back(moments: list[float]) -> int:
    """Return so many whole days that a look-back reaches the moment before the last one."""
    return int(-(-(moments[-1] - moments[-2]) // DAY))


@dataclass(frozen=True)
class _Looking:
    """A stream that was read once, and a second read of it that looks back to the moment before the last one."""

    stream: Stream
    by: Incremental
    world: World
    #: The different moments of its rows, in order of time.
    moments: list[float]
    #: What the first read left.
    state: Any
    days: int

    def again(self) -> Run:
        """Read a second time, looking back."""
        config = self.world.description.configuration(lookback_days=self.days)
        return read_on(self.world, self.stream.name, self.state, config=config)


def _looking_back(subject: Subject) -> Iterator[_Looking]:
    """Yield the lists without parent that can be looked back in. Raises `NotApplicable` where there are none."""
    looked = False
    for stream, by in _dated_streams(subject, "lookback_days"):
        if stream.parent is not None:
            continue
        world = World(subject)
        moments = _moments(stream, by, world.api.rows[stream.name])
        state = last_state(read_on(world, stream.name), stream.name)
        if len(moments) < 2 or not state:
            continue
        looked = True
        yield _Looking(stream, by, world, moments, state, _days_back(moments))
    if not looked:
        raise NotApplicable("No list without parent has rows of several moments.")


def _look_back(subject: Subject) -> Iterator[Problem]:
    for one in _looking_back(subject):
        name, days = one.stream.name, one.days
        since = one.moments[-1] - days * DAY
        before = len(one.world.api.served)
        second = one.again()
        yield from succeeded(f"{name}: the read that looks {days} days back", second)
        yield from _filters(one.world, one.stream, one.by, since, before)
        yield from differences(
            f"{name}, a second read that looks {days} days back",
            second.records(name),
            _since(one.stream, one.by, one.world.api.rows[name], since),
        )
        yield from not_lowered(name, one.by, one.state, last_state(second, name))


def _never_back(subject: Subject) -> Iterator[Problem]:
    """Look back where the newest rows are gone: what comes is older than the state."""
    for one in _looking_back(subject):
        name, rows = one.stream.name, one.world.api.rows[one.stream.name][0].rows
        newest = one.moments[-1]
        rows[:] = [row for row in rows if at(one.by, cursor_of(one.stream, row)) < newest]
        second = one.again()
        yield from succeeded(f"{name}: the read after the newest rows were deleted", second)
        yield from not_lowered(name, one.by, one.state, last_state(second, name))


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "the-start-date-bounds-the-read",
            "A first read brings what is as new as the start date, and nothing older.",
            _start_date,
        ),
        (
            "the-look-back-reads-again",
            "A second read looks back as many days as are set.",
            _look_back,
        ),
        (
            "the-state-never-goes-back",
            "Old rows that come again do not move the state back.",
            _never_back,
        ),
    )
]
