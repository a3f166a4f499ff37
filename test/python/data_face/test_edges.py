"""Corners of the template that a connector's own tests don't reach: odd answers, odd links, signals, memory."""

import asyncio
import gc
import json
import logging
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from src.client import ApiClient
from src.config import Config
from src.errors import ApiError, ConfigError, PagingError, RateLimitedError
from src.incremental import pieces
from src.models import Incremental
from src.pages import Request, read_pages
from src.paging import Cursor, LinkHeader, NextUrl, Offset, PageNumber, Paging
from src.protocol import Output
from src.state import comparable, formatted
from src.utils import Redactor, dump_json, parse_json

API = json.loads(open("tests/fixtures/api.json", encoding="utf-8").read())
CONFIG = {**API["config"], "credentials": {"auth_type": "plain_none"}}


def config(**changes: Any) -> Config:
    return Config.model_validate({**CONFIG, "base_url": "https://api.test/v1", **changes})


def read(answers: Any, paging: Paging, **more: Any) -> tuple[list[list[Any]], list[httpx.Request]]:
    """Read a list whose pages come from a function of the request."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        made = answers(request, len(requests))
        return made if isinstance(made, httpx.Response) else httpx.Response(200, json=made)

    async def pages() -> list[list[Any]]:
        async def sleep(_: float) -> None:
            pass

        async with ApiClient(config(), transport=httpx.MockTransport(answer), sleep=sleep) as client:
            request = Request("GET", "/items", params={"q": "a b"})
            source = read_pages(client, request, paging, lambda body: body["items"], **more)
            return [page async for page in source]

    return asyncio.run(pages()), requests


PAGE = PageNumber(page_param="page", size_param="size", page_size=2, total_path=("total",))


def test_a_total_that_counts_one_page_only_does_not_end_the_list() -> None:
    rows = [[{"id": 1}, {"id": 2}], [{"id": 3}, {"id": 4}], [{"id": 5}], []]
    pages, _ = read(lambda _, n: {"items": rows[n - 1], "total": len(rows[n - 1])}, PAGE)
    # From the second page on such a count contradicts what was received, and ends the list:
    # but the first page, which looks complete by it, must not.
    assert pages[1] == rows[1]


def test_a_true_total_saves_the_request_for_an_empty_page() -> None:
    rows = [[{"id": 1}, {"id": 2}], [{"id": 3}]]
    pages, requests = read(lambda _, n: {"items": rows[n - 1], "total": "3"}, PAGE)
    assert (pages, len(requests)) == (rows, 2)


def test_a_total_that_is_not_reached_is_no_end() -> None:
    with pytest.raises(ApiError, match="404"):
        read(lambda _, n: {"items": [{"id": n}], "total": 5} if n < 3 else httpx.Response(404), PAGE)


def test_an_offset_moves_by_the_rows_received() -> None:
    items = [{"id": n} for n in range(7)]

    def answer(request: httpx.Request, _: int) -> Any:
        start = int(request.url.params["skip"])
        return {"items": items[start : start + 3]}

    pages, _ = read(answer, Offset(offset_param="skip", size_param="size", page_size=100))
    assert [row for page in pages for row in page] == items


def test_empty_pages_with_a_next_cursor_are_passed_over_but_not_for_ever() -> None:
    cursor = Cursor(cursor_param="after", next_path=("next",))
    sparse = [[1], [], [], [2], []]
    pages, _ = read(lambda _, n: {"items": sparse[n - 1], "next": n if n < 5 else None}, cursor)
    assert pages == sparse
    pages, requests = read(lambda _, n: {"items": [n] if n == 1 else [], "next": n}, cursor)
    assert (pages[0], len(requests)) == ([1], 4)


def test_an_empty_page_that_names_itself_is_the_end() -> None:
    cursor = Cursor(cursor_param="after", next_path=("next",))
    pages, _ = read(lambda _, n: {"items": [n] if n == 1 else [], "next": "same"}, cursor)
    assert pages == [[1], []]


@pytest.mark.parametrize("end", [None, "", 0, "0", False])
def test_every_way_to_say_no_more(end: Any) -> None:
    cursor = Cursor(cursor_param="after", next_path=("meta", "next"))
    pages, _ = read(lambda _, n: {"items": [n], "meta": {"next": "b" if n == 1 else end}}, cursor)
    assert pages == [[1], [2]]


def test_pages_without_end_are_an_error() -> None:
    cursor = Cursor(cursor_param="after", next_path=("next",))
    with pytest.raises(PagingError, match="20 pages"):
        read(lambda _, n: {"items": [n], "next": n}, cursor, max_pages=20)


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        ("https://api.test/v1/items?page=2", "https://api.test/v1/items?page=2"),
        ("http://api.test/v1/items?page=2", "https://api.test/v1/items?page=2"),
        ("/v1/items?page=2", "https://api.test/v1/items?page=2"),
        ("items?page=2", "https://api.test/v1/items?page=2"),
        ("?page=2&q=c%2Bd", "https://api.test/v1/items?page=2&q=c%2Bd"),
        ("//api.test/v1/other", "https://api.test/v1/other"),
    ],
)
def test_next_urls_are_resolved_and_left_as_they_are(link: str, asked: str) -> None:
    paging = NextUrl(next_path=("next",), size_param="size", page_size=2)
    _, requests = read(lambda _, n: {"items": [n], "next": link if n == 1 else None}, paging)
    assert str(requests[0].url) == "https://api.test/v1/items?q=a+b&size=2"
    assert str(requests[1].url) == asked


@pytest.mark.parametrize(
    "link",
    ["https://evil.test/v1", "https://api.test:444/v1", "//evil.test", "https://api.test@evil.test/", "ftp://api.test/"],
)
def test_no_other_address_is_asked(link: str) -> None:
    with pytest.raises(ApiError, match="next address"):
        read(lambda _, n: {"items": [n], "next": link}, NextUrl(next_path=("next",)))


@pytest.mark.parametrize(
    ("header", "following"),
    [
        ('<https://api.test/v1/items?p=2>; rel="next"', True),
        ("<https://api.test/v1/items?p=2>; rel=next", True),
        ('<https://api.test/a,b?p=2>; title="x"; rel="last next"', True),
        ('<https://api.test/1>; rel="prev", <https://api.test/2>; rel="Next"', True),
        ('<https://api.test/1>; rel="prev"', False),
        ('<https://api.test/1>; rel="nextish"', False),
        ("", False),
    ],
)
def test_link_headers(header: str, following: bool) -> None:
    def answer(_: httpx.Request, n: int) -> httpx.Response:
        return httpx.Response(200, json={"items": [n]}, headers={"Link": header if n == 1 else ""})

    pages, _ = read(answer, LinkHeader())
    assert len(pages) == (2 if following else 1)


def test_a_path_takes_values_as_they_are_but_no_way_up() -> None:
    client = ApiClient(config())
    url = client.url_for("/a/{id}/b", {"id": "x/y?z#ü"}, {"n": None, "t": True, "l": [1, "é&"]})
    assert url.raw_path == b"/v1/a/x%2Fy%3Fz%23%C3%BC/b?t=true&l=1&l=%C3%A9%26"
    for bad in ("..", ".", ""):
        with pytest.raises(ApiError):
            client.url_for("/a/{id}", {"id": bad}, {})


def test_json_that_other_parsers_choke_on() -> None:
    assert parse_json(b"") is None
    assert parse_json(b"\xef\xbb\xbf[1]") == [1]
    assert json.loads(dump_json(parse_json(b'["\\ud800"]'))) == ["\ud800"]
    big = b"123456789012345678901234567890"
    assert dump_json(parse_json(big)) == big
    assert dump_json({"n": float("nan")}) == b'{"n":null}'
    assert dump_json(parse_json(b'{"__proto__":1,"a\\u2028":2}')).decode() == '{"__proto__":1,"a\u2028":2}'


def test_redaction_knows_every_form_of_a_secret() -> None:
    redact = Redactor(["a b/c+d", 'qu"ote', "abc"])
    assert redact("a b/c+d a%20b%2Fc%2Bd a+b%2Fc%2Bd") == "**** **** ****"
    assert redact(json.dumps(['qu"ote'])) == '["****"]'
    # Too short to be told from ordinary text.
    assert redact("abc") == "abc"
    record = logging.LogRecord("x", 20, "f", 1, "GET %s", ("https://h/?k=a+b%2Fc%2Bd",), None)
    assert redact.filter(record)
    assert record.getMessage() == "GET https://h/?k=****"


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("2024-01-01T00:00:00Z", "date_time", 1704067200_000000),
        ("2024-01-01T02:00:00+02:00", "date_time", 1704067200_000000),
        ("2024-01-01 00:00:00", "date_time", 1704067200_000000),
        ("2024-01-01T00:00:00.123456789Z", "date_time", 1704067200_123456),
        ("2024-01-01", "date", 1704067200_000000),
        (1704067200, "unix_seconds", 1704067200_000000),
        ("1704067200.5", "unix_seconds", 1704067200_500000),
        (1704067200123, "unix_milliseconds", 1704067200_123000),
        ("17", "integer", 17),
        ("soon", "date_time", None),
        (True, "integer", None),
        (None, "string", None),
        ({}, "date_time", None),
    ],
)
def test_cursors_are_compared_as_what_they_mean(text: Any, form: Any, expected: Any) -> None:
    assert comparable(text, form) == expected


def test_moments_are_rounded_down_to_what_a_format_can_say() -> None:
    value = 1704153599_999999
    assert formatted(value, "date") == "2024-01-01"
    assert formatted(value, "date_time") == "2024-01-01T23:59:59Z"
    assert formatted(value, "unix_seconds") == 1704153599
    assert formatted(value, "unix_milliseconds") == 1704153599999


def test_windows_follow_on_each_other_up_to_now() -> None:
    incremental = Incremental(
        cursor_field=("at",),
        cursor_format="date_time",
        param="from",
        param_format="date",
        end_param="to",
        max_window_days=10,
    )
    found = [piece.params for piece in pieces(incremental, config(start_date="2024-01-01"), None, 1706000000)]
    assert found == [
        {"from": "2024-01-01", "to": "2024-01-11"},
        {"from": "2024-01-11", "to": "2024-01-21"},
        {"from": "2024-01-21", "to": "2024-01-23"},
    ]


def test_a_quota_is_told_from_a_burst_at_a_minute() -> None:
    def answer(_: httpx.Request, n: int) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "61"})

    with pytest.raises(RateLimitedError, match="quota"):
        read(answer, Paging())


def test_a_header_that_cannot_be_sent_is_the_configurations_fault(endless: str) -> None:
    credentials = {"auth_type": "issues_token", "access_token": "with\nline-break"}

    async def send() -> None:
        async with ApiClient(config(credentials=credentials, base_url=endless)) as client:
            await client.request_json("GET", "/", params={"page": 1})

    with pytest.raises(ConfigError) as refused:
        asyncio.run(send())
    assert "line-break" not in str(refused.value)


class Endless(BaseHTTPRequestHandler):
    """A list without end, a page a request."""

    protocol_version = "HTTP/1.1"
    rows = 500
    last = 10**9

    def do_GET(self) -> None:
        page = int(httpx.URL(self.path).params["page"])
        first = (page - 1) * self.rows
        items = [{"id": n, "version": f"v{n:09}", "text": "x" * 200} for n in range(first, first + self.rows)]
        content = json.dumps({"sites": items if page <= self.last else []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def endless() -> Any:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_sigterm_ends_a_read_with_its_state(endless: str, tmp_path: Any) -> None:
    (tmp_path / "c.json").write_text(json.dumps({**CONFIG, "base_url": endless}))
    entry = {"stream": {"name": "regions_sites"}, "sync_mode": "incremental"}
    (tmp_path / "k.json").write_text(json.dumps({"streams": [entry]}))
    command = [sys.executable, "-m", "src", "read", "--config", str(tmp_path / "c.json"), "--catalog", str(tmp_path / "k.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    while b'"RECORD"' not in process.stdout.readline():
        pass
    # By now nobody reads any more: the signal comes in the middle of a write.
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    messages = [json.loads(line) for line in process.stdout]
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (143, b"")
    assert messages[-1]["trace"]["stream_status"]["status"] == "INCOMPLETE"
    assert messages[-2]["state"]["stream"]["stream_state"] == {}


def test_memory_does_not_grow_with_the_data(endless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from src.connector import Connector, Selection

    monkeypatch.setattr(Endless, "rows", 200)
    peaks = []
    # The first read only warms up what Python keeps for good.
    for pages in (5, 100, 400):
        monkeypatch.setattr(Endless, "last", pages)
        written = writes = 0

        def write(line: bytes) -> None:
            nonlocal written, writes
            written += line.count(b"\n")
            writes += 1
            # What waits for the collector is no growth: without this, the peak depends on when it comes by.
            if writes % 10 == 0:
                gc.collect()

        async def sleep(_: float) -> None:
            pass

        connector = Connector(config(base_url=endless), sleep=sleep)
        tracemalloc.start()
        complete = asyncio.run(connector.sync([Selection("regions_sites")], {}, Output(write)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert complete
        assert written > pages * 200
    assert peaks[2] < peaks[1] * 1.5


def test_an_unreachable_server_does_not_hang() -> None:
    started = time.monotonic()

    async def sleep(_: float) -> None:
        pass

    async def send() -> None:
        async with ApiClient(config(base_url="http://127.0.0.1:9"), sleep=sleep) as client:
            await client.request_json("GET", "/")

    with pytest.raises(Exception, match="127.0.0.1:9"):
        asyncio.run(send())
    assert time.monotonic() - started < 30
