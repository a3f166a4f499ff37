"""Checks of what several requests at once may do: no more than are allowed, and all of them wait when one is told to."""

import asyncio
from collections.abc import Iterator

import httpx

from .comparing import differences, succeeded
from .connection import specification
from .description import description_of
from .model import Check, NotApplicable, Problem, Subject
from .rows import records_of
from .running import Run, World

SETTING = "concurrency"
"""The property of the configuration that says how many requests may be on their way at once."""

_LATENCY = (3.0, 1.0, 2.0, 5.0)
"""Seconds that answers take, in turns: they come in another order than they were asked for."""

_WAIT = 30.0


class SlowTransport(httpx.AsyncBaseTransport):
    """Answers after a while of the clock, so that requests overlap; counts how many are on their way."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._inner = world.transport
        self._waiting = 0
        self._asked = 0
        self.most = 0
        #: When an answer of 429 reached the connector, in seconds since 1970.
        self.throttled_at: list[float] = []
        #: When each request was sent.
        self.sent_at: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request after its time."""
        clock = self._world.clock
        self._waiting += 1
        self._asked += 1
        self.most = max(self.most, self._waiting)
        self.sent_at.append(clock.now())
        try:
            response = await self._inner.handle_async_request(request)
            # An answer that tells to wait overtakes those that are on their way.
            seconds = 0.5 if response.status_code == 429 else _LATENCY[self._asked % len(_LATENCY)]
            await clock.pass_by(seconds)
            if response.status_code == 429:
                self.throttled_at.append(clock.now())
            return response
        finally:
            self._waiting -= 1
            await asyncio.sleep(0)


def read_slowly(world: World, width: int | None) -> tuple[Run, SlowTransport]:
    """Read every stream from a server that takes its time, with as many requests at once as `width` says."""
    transport = SlowTransport(world)
    world.through = transport
    settings = {} if width is None else {SETTING: width}
    run = world.run("read", config=world.description.configuration(world.way, **settings))
    return run, transport


def _complete(what: str, world: World, run: Run) -> Iterator[Problem]:
    yield from succeeded(what, run)
    for name, collections in world.api.rows.items():
        yield from differences(f"{what}, {name}", run.records(name), records_of(collections))


def _has_setting(subject: Subject) -> bool:
    return SETTING in specification(subject).get("properties", {})


def _bounded(subject: Subject) -> Iterator[Problem]:
    if not _has_setting(subject):
        raise NotApplicable(f"The specification has no property {SETTING}.")
    for width in (1, 2, 4):
        world = World(subject)
        run, transport = read_slowly(world, width)
        yield from _complete(f"The read with {width} requests at once", world, run)
        if transport.most > width:
            yield Problem(
                f"{transport.most} requests were on their way at once; the configuration allows {width}."
            )
        several = len(description_of(subject).roots) > 1
        if width > 1 and several and transport.most == 1:
            yield Problem(
                f"Requests are sent one by one although {width} may be on their way.",
                # A limit that the connector keeps may leave no room for more.
                note=description_of(subject).rate_limit is not None,
            )


def _all_wait(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    widths = (1, 4) if _has_setting(subject) else (None,)
    for width in widths:
        for number in range(3):
            world = World(subject)
            world.api.fail(status=429, headers={"Retry-After": f"{_WAIT:.0f}"}, skips=number)
            run, transport = read_slowly(world, width)
            what = f"A read that is throttled at its request {number + 1}"
            yield from _complete(what, world, run)
            for moment in transport.throttled_at[:1]:
                early = [at for at in transport.sent_at if moment < at < moment + _WAIT]
                if early:
                    yield Problem(
                        f"{what}: {len(early)} requests were sent while the API had asked to wait {_WAIT:.0f} "
                        f"seconds, the first after {min(early) - moment:.1f}."
                    )
    if not description.streams:
        raise NotApplicable("There is no stream.")


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "requests-at-once-are-bounded",
            "No more requests are on their way at once than the configuration allows.",
            _bounded,
        ),
        (
            "a-wait-holds-for-all-at-once",
            "After an answer that tells to wait no request is sent before the time is over.",
            _all_wait,
        ),
    )
]
