"""Reads of many parents: what they hold in memory, what they write as state, what a stop leaves behind."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from src.client import ApiClient
from src.config import Config
from src.connector import Connector, Selection
from src.errors import ApiError
from src.pages import Request, read_pages
from src.paging import NextUrl
from src.progress import NOTHING, Position
from src.protocol import Output
from src.records import parsed

API = json.loads(open("tests/fixtures/api.json", encoding="utf-8").read())
CONFIG = {**API["config"], "credentials": {"auth_type": "plain_none"}, "base_url": "https://api.test"}
ORDERS = Selection("shop_orders", "incremental")
A_PAGE = 50


async def no_sleep(_: float) -> None:
    """Let time pass at once."""


class Shop:
    """Customers, and orders of each: `orders` says how many a customer has."""

    def __init__(self, customers: int, orders: Callable[[int], int]) -> None:
        self.customers = customers
        self.orders = orders
        self.asked: list[str] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        await asyncio.sleep(0)
        if path == "/shop/customers":
            first = (int(request.url.params["page"]) - 1) * A_PAGE
            ids = range(first, min(first + A_PAGE, self.customers))
            rows = [{"id": f"c{n}", "updated_at": "2024-01-01T00:00:00Z"} for n in ids]
            pages = -(-self.customers // A_PAGE)
            return httpx.Response(200, json={"data": rows, "meta": {"pages": pages}})
        customer = int(path.split("/")[3][1:])
        count = self.orders(customer) if request.url.params["p"] == "0" else 0
        rows = [
            {"id": customer * 1000 + n, "changed": {"at": 1_750_000_000 + n}, "text": "x" * 200}
            for n in range(count)
        ]
        return httpx.Response(200, json={"data": rows, "total": self.orders(customer)})

    def connector(self, **changes: Any) -> Connector:
        """A connector that reads this shop."""
        config = Config.model_validate({**CONFIG, **changes})
        # What is asked for is the point here, not how soon.
        clock = iter(range(10**9))
        return Connector(
            config,
            transport=httpx.MockTransport(self),
            sleep=no_sleep,
            now=lambda: 1_800_000_000.0 + 60 * next(clock),
        )


def messages_of(lines: list[bytes], kind: str) -> list[Any]:
    return [one for one in map(json.loads, b"".join(lines).splitlines()) if one["type"] == kind]


def sync(shop: Shop, state: Any = None, **changes: Any) -> list[bytes]:
    lines: list[bytes] = []
    states = {} if state is None else {"shop_orders": state}
    assert asyncio.run(shop.connector(**changes).sync([ORDERS], states, Output(lines.append)))
    return lines


def last_state(lines: list[bytes]) -> Any:
    return messages_of(lines, "STATE")[-1]["state"]["stream"]["stream_state"]


def test_the_states_of_many_parents_are_not_longer_than_their_records() -> None:
    shop = Shop(1_500, lambda _: 6)
    lines = sync(shop)
    states = [line for line in b"".join(lines).splitlines() if line.startswith(b'{"type":"STATE"')]
    records = [line for line in b"".join(lines).splitlines() if line.startswith(b'{"type":"RECORD"')]
    assert len(records) == 1_500 * 6
    assert len(states) >= 2
    assert sum(map(len, states)) < sum(map(len, records))
    assert len(json.loads(states[-1])["state"]["stream"]["stream_state"]["states"]) == 1_500


def test_parents_that_are_gone_leave_the_state() -> None:
    full = last_state(sync(Shop(40, lambda _: 1)))
    fewer = last_state(sync(Shop(25, lambda _: 1), full))
    assert (len(full["states"]), len(fewer["states"])) == (40, 25)


def test_a_parent_without_news_keeps_its_state() -> None:
    full = last_state(sync(Shop(10, lambda _: 2)))
    same = last_state(sync(Shop(10, lambda _: 0), full))
    assert same == full


def test_memory_does_not_grow_with_the_number_of_records_of_parents() -> None:
    peaks = []
    for orders in (1, 40, 160):
        written = 0

        def write(line: bytes) -> None:
            nonlocal written
            written += line.count(b'"RECORD"')
            if written % 50 == 0:
                gc.collect()

        shop = Shop(40, lambda _, count=orders: count)  # type: ignore[misc]
        shop.asked = _Forgetful()
        gc.collect()
        tracemalloc.start()
        assert asyncio.run(shop.connector(concurrency=8).sync([ORDERS], {}, Output(write)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert written == 40 * orders
    # A page holds all orders of a customer, four times as many: eight pages may be held, not forty.
    assert peaks[2] - peaks[0] < 16 * 160 * 1_500


class _Forgetful(list[str]):
    def append(self, _: str) -> None:
        """Keep nothing."""


@pytest.mark.parametrize("stop_at", [1, 2, 7, 30])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_stop_loses_nothing_that_the_state_says_is_read(stop_at: int, concurrency: int) -> None:
    shop = Shop(40, lambda customer: customer % 3)
    written: dict[str, int] = {}
    states: list[Any] = []

    class Stopping(Output):
        def records(self, stream: str, records: Any) -> None:
            for record in map(parsed, records):
                written[record["shop_customer_id"]] = written.get(record["shop_customer_id"], 0) + 1
            if sum(written.values()) >= stop_at and (task := reading.get("task")):
                task.cancel()

        def state(self, stream: str, state: Any, records: int) -> None:
            states.append(state)

    reading: dict[str, Any] = {}

    async def read() -> None:
        output = Stopping(lambda _: None)
        connector = shop.connector(concurrency=concurrency)
        reading["task"] = asyncio.create_task(connector.sync([ORDERS], {}, output))
        await asyncio.wait([reading["task"]])
        assert reading["task"].cancelled()

    asyncio.run(read())
    kept = {entry["partition"]["id"] for entry in states[-1].get("states", [])}
    for customer in kept:
        assert written[customer] == int(customer[1:]) % 3
    # The next read brings what is missing.
    lines = sync(shop, states[-1])
    again = {one["record"]["data"]["shop_customer_id"] for one in messages_of(lines, "RECORD")}
    expected = {f"c{n}" for n in range(40) if n % 3}
    assert again | set(written) >= expected
    assert again >= expected - kept


def test_the_first_failure_ends_the_stream_and_keeps_what_was_read() -> None:
    shop = Shop(40, lambda _: 1)
    lines: list[bytes] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/shop/customers/c20/orders":
            return httpx.Response(400, json={"error": "no"})
        return await shop(request)

    connector = Connector(
        Config.model_validate({**CONFIG, "concurrency": 4}),
        transport=httpx.MockTransport(answer),
        sleep=no_sleep,
    )
    assert not asyncio.run(connector.sync([ORDERS], {}, Output(lines.append)))
    (error,) = [one for one in messages_of(lines, "TRACE") if one["trace"]["type"] == "ERROR"]
    assert "c20" in error["trace"]["error"]["message"]
    assert len(messages_of(lines, "RECORD")) >= 16
    read = {one["record"]["data"]["shop_customer_id"] for one in messages_of(lines, "RECORD")}
    kept = {entry["partition"]["id"] for entry in last_state(lines)["states"]}
    # Of those that were under way, rows may have come without the end of their list.
    assert kept <= read
    assert len(kept) >= len(read) - 4


def test_leaving_a_read_early_stops_its_requests() -> None:
    shop = Shop(200, lambda _: 1)

    async def first_of() -> int:
        reading = shop.connector(concurrency=4).read("shop_orders")
        async for _ in reading:
            break
        await reading.aclose()  # type: ignore[attr-defined]
        asked = len(shop.asked)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(shop.asked) == asked
        return asked

    assert asyncio.run(first_of()) < 40


def pages(position: Position, answers: list[Any]) -> list[list[Any]]:
    """Read a list of next URLs with a key in the query."""

    def answer(request: httpx.Request) -> httpx.Response:
        made = answers.pop(0)
        return made if isinstance(made, httpx.Response) else httpx.Response(200, json=made)

    async def read() -> list[list[Any]]:
        credentials = {"auth_type": "issues_key", "api_key": "a-secret-key"}
        config = Config.model_validate({**CONFIG, "credentials": credentials})
        async with ApiClient(config, transport=httpx.MockTransport(answer), sleep=no_sleep) as client:
            paging = NextUrl(next_path=("next",))
            source = read_pages(client, Request("GET", "/x"), paging, lambda body: body["rows"], position=position)
            return [page async for page in source]

    return asyncio.run(read())


def test_a_kept_page_shows_no_secret() -> None:
    position = Position()
    with pytest.raises(ApiError):
        pages(position, [{"rows": [1], "next": "/x?api-key=a-secret-key&page=2"}, httpx.Response(404)])
    assert position.to_json() == NOTHING
    with pytest.raises(ApiError):
        pages(position, [{"rows": [1], "next": "/x?page=2"}, httpx.Response(404)])
    assert position.to_json()["next_page"]["url"] == "https://api.test/x?page=2"


def test_a_kept_page_is_asked_for_first() -> None:
    position = Position({"next_page": {"params": {}, "url": "https://api.test/x?page=2", "number": 1, "received": 1}})
    assert pages(position, [{"rows": [2], "next": None}]) == [[2]]


def test_a_kept_page_of_another_host_is_not_followed() -> None:
    position = Position({"next_page": {"params": {}, "url": "https://evil.test/x", "number": 1, "received": 1}})
    assert pages(position, [{"rows": [1], "next": None}]) == [[1]]
