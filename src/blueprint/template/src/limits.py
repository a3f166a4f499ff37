"""Keeps all requests of a read, together, within what the API allows: how many at once, and how soon."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx

from . import api
from .errors import RateLimitedError

LONGEST_WAIT = 60.0
"""Seconds. The API may ask to wait this long; a longer wait means that a quota is used up."""

JITTER = 0.25
"""Seconds. What is added at most to a wait that the API asks for, so that not all come back at once."""

_LEAST_ANSWERS = 5
"""Answers before a refusal that tell a rate; a refusal after fewer is told by the wait that it asks for."""

_GROWTH = 1 / 500
_SLOW_GROWTH = 1 / 10_000
"""By how much the pace grows with an answer, far from the one that was refused last and near it."""

_NEAR = 0.95
# <feature rate.headers>

_EARLIEST_MOMENT = 1_000_000_000
# </feature>


class _Pace:
    """How often an API may be asked, learned from its refusals where it does not say so.

    Until the first one, requests are sent as they come. What was answered up to a refusal, over the time
    up to the end of the wait that follows, is what the API bears: from then on requests are spread out by
    it. With each answer the pace grows, but hardly any more near the one that was refused last.
    """

    def __init__(self) -> None:
        self._rate = math.inf
        self._refused_rate = math.inf
        self._answers = 0
        self._since: float | None = None
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent."""
        return max(self._next - now, 0.0)

    def sent(self, now: float) -> None:
        """Take note of a request: the next one is due a while after it."""
        if self._since is None:
            self._since = now
        self._next = now + 1 / self._rate

    def answered(self) -> None:
        """Take note that the API bore a request."""
        self._answers += 1
        near = _NEAR < self._rate / self._refused_rate < 1 / _NEAR
        self._rate *= 1 + (_SLOW_GROWTH if near else _GROWTH)

    def refused(self, now: float, wait: float) -> None:
        """Take note of a refusal, which asks to wait. Those of requests sent before it tell nothing new."""
        if self._since is None:
            return
        answers, period = self._answers, now - self._since + wait
        self._since, self._answers = None, 0
        if self._rate < math.inf:
            self._refused_rate = self._rate
            borne = max(answers, 1) / period
            self._rate *= min(math.sqrt(borne / self._rate), _NEAR)
        elif answers >= _LEAST_ANSWERS:
            self._rate = answers / period


class Limits:
    """Lets requests through one after the other, each in its turn."""

    def __init__(
        self,
        concurrency: int,
        sleep: Callable[[float], Awaitable[None]],
        now: Callable[[], float],
    ) -> None:
        self._under_way = asyncio.Semaphore(concurrency)
        self._in_turn = asyncio.Lock()
        self._sleep = sleep
        self._now = now
        self._not_before = 0.0
        self._pace = _Pace()
        # <feature rate.bucket>
        self._sent_at: deque[float] = deque(maxlen=api.RATE_LIMIT_REQUESTS)
        # </feature>

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold one of the places for requests that are under way, from the moment one may be sent.

        Raises `RateLimitedError` where that moment is too far off.
        """
        async with self._under_way:
            async with self._in_turn:
                await self._wait()
            yield

    def pause(self, seconds: float) -> None:
        """Send nothing for a while, whoever asks: one request was told to wait for all."""
        self._not_before = max(self._not_before, self._now() + seconds)

    def refused(self, wait: float) -> None:
        """Take note that the API refused a request for its rate, and asks to wait so many seconds."""
        self._pace.refused(self._now(), wait)

    def answered(self) -> None:
        """Take note that the API answered a request."""
        self._pace.answered()

    async def _wait(self) -> None:
        """Wait before a request that the API is known to refuse."""
        await self._wait_for_the_pause()
        pace = self._pace.wait(self._now())
        if pace > 0:
            await self._sleep(pace)
        # <feature rate.bucket>
        if len(self._sent_at) == api.RATE_LIMIT_REQUESTS:
            wait = self._sent_at[0] + api.RATE_LIMIT_SECONDS - self._now()
            if wait > 0:
                await self._sleep(wait)
        # </feature>
        # Meanwhile another request may have been told to wait for all.
        await self._wait_for_the_pause()
        self._pace.sent(self._now())
        # <feature rate.bucket>
        self._sent_at.append(self._now())
        # </feature>

    async def _wait_for_the_pause(self) -> None:
        """Wait until the last moment before which nothing may be sent."""
        reached = 0.0
        # While one waits, an answer to another request may ask for more patience.
        while self._not_before > max(reached, self._now()):
            reached = self._not_before
            wait = reached - self._now()
            # <feature rate.headers>
            if wait > LONGEST_WAIT + JITTER:
                raise RateLimitedError(
                    f"The API's quota is used up for the next {wait:.0f} seconds.", retry_after=wait
                )
            # </feature>
            await self._sleep(wait)
    # <feature rate.headers>

    def heed(self, headers: httpx.Headers) -> None:
        """Remember to wait where an answer says that it was the last one of its period."""
        if headers.get(api.REMAINING_HEADER, "").strip() == "0":
            self.pause(self.until_reset(headers) or 0.0)

    def until_reset(self, headers: httpx.Headers) -> float | None:
        """Return the seconds until the API's next period begins, where an answer says so."""
        try:
            reset = float(headers.get(api.RESET_HEADER, ""))
        except ValueError:
            return None
        # Some APIs name the moment, in seconds since 1970, some the seconds until then.
        return max(reset - self._now() if reset > _EARLIEST_MOMENT else reset, 0.0)
    # </feature>
