"""Keeps all requests of a read, together, within what the API allows: how many at once, and how soon."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx

from . import api
from .errors import RateLimitedError

LONGEST_WAIT = 60.0
"""Seconds. The API may ask to wait this long; a longer wait means that a quota is used up."""

JITTER = 1.0
"""Seconds. What is added at most to a wait that the API asks for, so that not all come back at once."""
# <feature rate.headers>

_EARLIEST_MOMENT = 1_000_000_000
# </feature>


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

    async def _wait(self) -> None:
        """Wait before a request that the API is known to refuse."""
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
        # <feature rate.bucket>
        if len(self._sent_at) == api.RATE_LIMIT_REQUESTS:
            wait = self._sent_at[0] + api.RATE_LIMIT_SECONDS - self._now()
            if wait > 0:
                await self._sleep(wait)
        self._sent_at.append(self._now())
        # </feature>
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
