"""How soon requests follow on each other where an API refuses what comes too often, and does not say how much that is."""

import asyncio
import heapq
import json
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import httpx
import pytest

from src import api
from src.client import ApiClient
from src.config import Config

API = json.loads(open("tests/fixtures/api.json", encoding="utf-8").read())
CONFIG = {**API["config"], "credentials": {"auth_type": "plain_none"}, "base_url": "https://api.test"}


@pytest.fixture(autouse=True)
def undescribed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit that this connector's API describes is never reached: what is learned is the point here."""
    monkeypatch.setattr(api, "RATE_LIMIT_REQUESTS", 10**9)


class Clock:
    """Time that passes when all wait, and then up to where the first of them goes on."""

    def __init__(self, time: float) -> None:
        self.time = time
        self.sleeps = 0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.time + seconds, self.sleeps, future))
        await future

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        while not task.done():
            for _ in range(15):
                await asyncio.sleep(0)
            if self._waiting:
                self.time, _, future = heapq.heappop(self._waiting)
                future.set_result(None)
        task.result()


def whole_periods(requests: int, seconds: float) -> Callable[[float], float | None]:
    """A limit that begins anew with each period of the clock, as the simplest have it."""
    counts: dict[int, int] = {}

    def allows(now: float) -> float | None:
        period = math.floor(now / seconds)
        counts[period] = counts.get(period, 0) + 1
        return None if counts[period] <= requests else math.ceil((period + 1) * seconds - now)

    return allows


def bucket(most: int, per_second: float) -> Callable[[float], float | None]:
    """A limit that lets many through at first, and then as many as flow after."""
    level, last = float(most), 0.0

    def allows(now: float) -> float | None:
        nonlocal level, last
        level, last = min(level + (now - last) * per_second, most), now
        if level < 1:
            return 1.0
        level -= 1
        return None

    return allows


class Read:
    """Many requests, several at a time, to an API with a limit of its own."""

    def __init__(self, allows: Callable[[float], float | None], requests: int, *, at_once: int, start: float) -> None:
        self.allows = allows
        self.at_once = at_once
        self.refused = 0
        self.clock = Clock(start)
        self.left = iter(range(requests))
        asyncio.run(self.clock.run(self.work()))
        self.seconds = self.clock.time - start

    async def answer(self, _: httpx.Request) -> httpx.Response:
        wait = self.allows(self.clock.time)
        await self.clock.sleep(0.02)
        if wait is None:
            return httpx.Response(200, json=[])
        self.refused += 1
        return httpx.Response(429, headers={"Retry-After": str(wait)})

    async def work(self) -> None:
        config = Config.model_validate({**CONFIG, "concurrency": self.at_once})
        options = {"sleep": self.clock.sleep, "now": self.clock.now}
        async with ApiClient(config, transport=httpx.MockTransport(self.answer), **options) as client:

            async def one_after_the_other() -> None:
                for number in self.left:
                    await client.request_json("GET", f"/{number}")

            workers: list[Awaitable[None]] = [one_after_the_other() for _ in range(self.at_once)]
            await asyncio.gather(*workers)


@pytest.mark.parametrize("start", [1_000_000.1, 1_000_000.9])
@pytest.mark.parametrize("at_once", [1, 8])
@pytest.mark.parametrize(
    ("limit", "requests", "least_seconds"),
    [
        (lambda: whole_periods(20, 1), 201, 9),
        (lambda: whole_periods(20, 1), 1_000, 49),
        (lambda: whole_periods(5, 1), 200, 39),
        (lambda: whole_periods(60, 60), 600, 540),
        (lambda: whole_periods(100, 10), 1_000, 90),
        (lambda: bucket(100, 5), 600, 100),
        (lambda: bucket(20, 10), 600, 58),
    ],
    ids=["20 a second", "long", "5 a second", "60 a minute", "100 in 10 s", "large bucket", "bucket"],
)
def test_few_requests_are_refused_and_little_time_is_lost(
    limit: Callable[[], Any], requests: int, least_seconds: float, at_once: int, start: float
) -> None:
    read = Read(limit(), requests, at_once=at_once, start=start)
    # Those that are under way at the first refusal could not have known.
    assert 0 < read.refused < 0.05 * requests + at_once
    assert read.seconds < max(1.2 * least_seconds, least_seconds + 6)


@pytest.mark.parametrize("at_once", [1, 8])
def test_an_api_without_a_limit_is_never_waited_for(at_once: int) -> None:
    read = Read(lambda _: None, 300, at_once=at_once, start=1_000_000.0)
    # Nobody sleeps but the API itself.
    assert read.clock.sleeps == 300
    assert read.seconds == pytest.approx(300 * 0.02 / at_once, rel=0.1)


def test_a_refusal_after_few_answers_slows_nothing_down_for_good() -> None:
    refusals = iter([None, None, 3.0])
    read = Read(lambda _: next(refusals, None), 200, at_once=1, start=1_000_000.0)
    assert (read.refused, read.clock.sleeps) == (1, 201 + 1)
    assert read.seconds < 201 * 0.02 + 4


def test_after_a_passing_shortage_the_pace_grows_again() -> None:
    def allows(now: float) -> float | None:
        return shortage(now) if now < 1_000_060 else None

    shortage = whole_periods(6, 1)
    read = Read(allows, 4_000, at_once=4, start=1_000_000.0)
    assert read.refused < 30
    # At six a second the rest would take ten minutes.
    assert read.seconds < 400
