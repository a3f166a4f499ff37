"""The server without a network, and a clock that never waits."""

import asyncio
import heapq
import itertools
from urllib.parse import urlsplit

import httpx

from .api import ConformanceApi
from .exchange import Request

_TURNS = 25
"""Turns of the event loop in which others may still act before the clock moves on."""


class Clock:
    """Time that passes only when all who could act are asleep, and then at once to the first one's waking."""

    def __init__(self, time: float) -> None:
        self.time = time
        #: Seconds that were slept, in the order in which it began.
        self.sleeps: list[float] = []
        self._asleep: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._mover: asyncio.Task[None] | None = None

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved on so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self.sleeps.append(seconds)
        await self.pass_by(seconds)

    async def pass_by(self, seconds: float) -> None:
        """Wait as `sleep` does, for the server's sake: it is no wait of the connector's own."""
        loop = asyncio.get_running_loop()
        waking: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._asleep, (self.time + seconds, next(self._order), waking))
        if self._mover is None or self._mover.done() or self._mover.get_loop() is not loop:
            self._mover = loop.create_task(self._move())
        await waking

    async def _move(self) -> None:
        while self._asleep:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if not self._asleep:
                return
            moment, _, waking = heapq.heappop(self._asleep)
            if waking.done() or waking.get_loop() is not asyncio.get_running_loop():
                continue
            self.time = max(self.time, moment)
            waking.set_result(None)


class Transport(httpx.AsyncBaseTransport):
    """Leads to the server whatever is sent to its host or to a token endpoint; nothing else answers."""

    def __init__(self, api: ConformanceApi) -> None:
        self._api = api
        #: Hosts that were asked though nobody should have.
        self.strangers: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or fail as the server says."""
        content = await request.aread()
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.method, str(request.url), headers, content)
        oauth = self._api.gate.oauth
        known = {urlsplit(self._api.base_url).netloc}
        known |= {urlsplit(oauth["token_url"]).netloc} if oauth else set()
        if urlsplit(asked.url).netloc not in known:
            self.strangers.append(str(request.url.host))
            raise httpx.ConnectError("Nobody is there.", request=request)
        answer = self._api.answer(asked)
        if answer.loss == "refused":
            raise httpx.ConnectError("Connection refused.", request=request)
        if answer.loss == "dropped":
            raise httpx.RemoteProtocolError("Peer closed the connection.", request=request)
        if answer.loss == "timeout":
            raise httpx.ReadTimeout("No answer in time.", request=request)
        return httpx.Response(
            answer.status, headers=dict(answer.headers), content=answer.body, request=request
        )
