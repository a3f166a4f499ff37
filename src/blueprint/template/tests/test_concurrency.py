"""That reading side by side loses nothing, mixes nothing up, and stays within bounds."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from src.client import ApiClient
from src.config import Config
from src.connector import Connector, Selection
from src.protocol import Output
from src.records import parsed
from tests.conftest import World, config_json, in_any_order, of_type
from tests.mock_api import STREAMS, MockApi, expected_records

MOST = 5


class SlowApi(MockApi):
    """Answers after the others had a chance to ask, and counts who asks at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = 0
        self.most_under_way = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, not at once."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            for _ in range(len(request.url.path) % 5 + 3):
                await asyncio.sleep(0)
            return await super().handle_async_request(request)
        finally:
            self.under_way -= 1


class Kept(Output):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.records_of: dict[str, list[dict[str, Any]]] = {}
        self.messages: list[dict[str, Any]] = []

    def message(self, kind: str, field: str, content: Any) -> None:
        """Keep a message."""
        self.messages.append({"type": kind, field: content})

    def records(self, stream: str, records: Any) -> None:
        """Keep records."""
        self.records_of.setdefault(stream, []).extend(map(parsed, records))


def read_all(world: World, concurrency: int) -> Kept:
    """Read every stream in full; the API of the world is slow from then on."""
    world.api = SlowApi()
    kept = Kept()
    config = Config.model_validate(config_json(concurrency=concurrency))
    connector = Connector(config, **world.options)
    assert asyncio.run(connector.sync([Selection(name) for name in STREAMS], {}, kept))
    return kept


@pytest.mark.parametrize("concurrency", [1, 2, MOST])
def test_every_record_comes_once_however_many_are_read_at_a_time(
    world: World, concurrency: int
) -> None:
    kept = read_all(world, concurrency)
    for stream in STREAMS:
        assert in_any_order(kept.records_of.get(stream, [])) == in_any_order(
            expected_records(stream)
        )
    assert isinstance(world.api, SlowApi)
    assert world.api.most_under_way <= concurrency


def test_streams_are_read_side_by_side(world: World) -> None:
    read_all(world, MOST)
    assert isinstance(world.api, SlowApi)
    wanted = min(MOST, len(STREAMS))
    # <feature rate.bucket>
    # The known limit lets them through one by one.
    wanted = min(wanted, 2)
    # </feature>
    assert world.api.most_under_way >= wanted


@pytest.mark.parametrize("concurrency", [0, 33, "many"])
def test_concurrency_has_bounds(concurrency: Any) -> None:
    with pytest.raises(ValueError, match="concurrency"):
        Config.model_validate(config_json(concurrency=concurrency))


def test_a_wait_holds_for_all(world: World) -> None:
    """Whoever is told to slow down: nobody sends before the wait is over."""
    sent: list[float] = []

    class Throttled(SlowApi):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if not self.is_token(request):
                sent.append(world.clock.now())
            return await super().handle_async_request(request)

    world.api = Throttled()
    world.api.fail(status=429, headers={"Retry-After": "20"})
    world.api.fail(status=200, body=[], times=99)

    async def sleep(seconds: float) -> None:
        # While one sleeps, all others get as far as they can.
        until = world.clock.now() + seconds
        for _ in range(200):
            await asyncio.sleep(0)
        world.clock.time = max(world.clock.time, until)

    async def send() -> None:
        config = Config.model_validate(config_json(concurrency=2))
        options = {**world.options, "sleep": sleep}
        async with ApiClient(config, **options) as client:
            await asyncio.gather(*(client.request_json("GET", "/") for _ in range(6)))

    start = world.clock.now()
    asyncio.run(send())
    # Two were under way; all others came after the wait.
    assert len([moment for moment in sent if moment < start + 20]) <= 2
    assert len(sent) == 7


@contextmanager
def stopped_at(world: World, request: int) -> Iterator[None]:
    """Let the read be cancelled, as by SIGTERM, at the n-th request."""

    class Stopping(SlowApi):
        async def handle_async_request(self, request_: httpx.Request) -> httpx.Response:
            if len(self.requests) == request:
                for task in asyncio.all_tasks():
                    if task.get_name() == "the read":
                        task.cancel()
            return await super().handle_async_request(request_)

    world.api = Stopping()
    yield


@pytest.mark.parametrize("request_number", [1, 2, 4])
def test_every_stream_that_was_begun_says_how_it_ended(world: World, request_number: int) -> None:
    kept = Kept()

    async def read() -> None:
        config = Config.model_validate(config_json(concurrency=MOST))
        connector = Connector(config, **world.options)
        selections = [Selection(name) for name in STREAMS]
        task = asyncio.create_task(connector.sync(selections, {}, kept), name="the read")
        await asyncio.wait([task])

    with stopped_at(world, request_number):
        asyncio.run(read())
    statuses: dict[str, list[str]] = {}
    for trace in of_type(kept.messages, "TRACE"):
        status = trace["stream_status"]
        statuses.setdefault(status["stream_descriptor"]["name"], []).append(status["status"])
    assert statuses
    for told in statuses.values():
        assert told[0] == "STARTED"
        assert told[-1] in ("INCOMPLETE", "COMPLETE")


# <feature auth.exchanged>


def test_a_token_is_fetched_once_for_all(world: World) -> None:
    read_all(world, MOST)
    asks = any(check.get("token_url") for check in world.api.auth["checks"])
    assert world.api.tokens == (1 if asks else 0)


# </feature>
# <feature parents>


@pytest.mark.parametrize("stream", [name for name, one in STREAMS.items() if one["parent"]])
def test_a_failed_child_ends_its_stream(world: World, stream: str) -> None:
    lists = [one for one in world.api.rows[stream] if one["rows"]]
    world.api = SlowApi()
    world.api.fail(status=400, path=lists[-1]["path"], times=99)
    kept = Kept()
    config = Config.model_validate(config_json(concurrency=MOST))
    connector = Connector(config, **world.options)
    assert not asyncio.run(connector.sync([Selection(stream)], {}, kept))
    errors = [one["error"] for one in of_type(kept.messages, "TRACE") if one["type"] == "ERROR"]
    assert [one["stream_descriptor"]["name"] for one in errors] == [stream]
    assert len(kept.records_of.get(stream, [])) < len(expected_records(stream))


# </feature>
