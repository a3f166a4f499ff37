"""What requests look like on the wire, and where lists end: pages as an API may send them, read one by one."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from src.client import ApiClient
from src.config import Config
from src.errors import PagingError
from src.models import PartitionKey
from src.pages import MAX_PAGES, Request, read_pages
from src.paging import Cursor, Offset, PageNumber, Paging
from src.state import formatted
from tests.conftest import World, config_json
from tests.mock_api import API, STREAMS


def test_a_redirect_keeps_the_method_and_the_body_unless_it_says_otherwise(world: World) -> None:
    target = f"{world.api.base_url}/elsewhere"

    async def send(status: int) -> list[tuple[str, bytes]]:
        async with ApiClient(Config.model_validate(config_json()), **world.options) as client:
            world.api.requests.clear()
            world.api.fail(status=status, headers={"Location": target})
            world.api.fail(status=200, body=[])
            await client.request_json("POST", "/", body={"a": 1})
            return [(one.method, one.content) for one in world.api.lists]

    body = b'{"a":1}'
    assert asyncio.run(send(307)) == [("POST", body), ("POST", body)]
    assert asyncio.run(send(303)) == [("POST", body), ("GET", b"")]


# <feature paging.any>


def read(
    world: World, paging: Paging, *bodies: dict[str, Any], most: int = MAX_PAGES
) -> list[list[Any]]:
    """Read a list that comes in these answers; return the rows of each page."""
    for body in bodies:
        world.api.fail(status=200, body=body)
    request = Request("GET", "/things", params={"changed_since": "5"})

    async def pages() -> list[list[Any]]:
        async with ApiClient(Config.model_validate(config_json()), **world.options) as client:
            read = read_pages(client, request, paging, lambda body: body["rows"], max_pages=most)
            return [rows async for rows in read]

    return asyncio.run(pages())


class Endless(Paging):
    """A way of paging in which another page always follows."""

    def next(self, page: Any) -> Any:
        """Ask for the page with the next number."""
        return replace(self.first(), params={"page": page.number})


def test_no_more_pages_are_asked_for_than_a_list_may_have(world: World) -> None:
    pages = [{"rows": [number]} for number in range(5)]
    with pytest.raises(PagingError, match="no end after 3 pages"):
        read(world, Endless(), *pages, most=3)
    assert [one.url.params.get("page") for one in world.api.lists] == [None, "1", "2"]


# </feature>
# <feature cursor.body>


def test_an_empty_page_that_names_a_next_one_is_not_the_last(world: World) -> None:
    paging = Cursor(cursor_param="after", next_path=("next",))
    pages = [{"rows": [1], "next": "a"}, {"rows": [], "next": "b"}, {"rows": [2], "next": None}]
    assert read(world, paging, *pages) == [[1], [], [2]]
    assert [one.url.params.get("after") for one in world.api.lists] == [None, "a", "b"]
    assert {one.url.params.get("changed_since") for one in world.api.lists} == {"5"}


def test_a_list_without_end_is_an_error(world: World) -> None:
    paging = Cursor(cursor_param="after", next_path=("next",))
    pages = [{"rows": [1], "next": "a"}, {"rows": [2], "next": "b"}]
    with pytest.raises(PagingError, match="no end after 2 pages"):
        read(world, paging, *pages, most=2)


# </feature>
# <feature cursor.body&stop.has_more>


def test_the_word_that_nothing_follows_counts_more_than_a_cursor(world: World) -> None:
    paging = Cursor(cursor_param="after", next_path=("next",), has_more_path=("more",))
    assert read(world, paging, {"rows": [1], "next": "a", "more": False}) == [[1]]


# </feature>
# <feature paging.page>


def test_every_numbered_page_is_asked_for_with_the_filter(world: World) -> None:
    paging = PageNumber(page_param="number")
    assert read(world, paging, {"rows": [1]}, {"rows": [2]}, {"rows": []}) == [[1], [2], []]
    asked = [(one.url.params["number"], one.url.params["changed_since"]) for one in world.api.lists]
    assert asked == [("1", "5"), ("2", "5"), ("3", "5")]


# </feature>
# <feature paging.offset&stop.total>


def test_a_total_that_may_count_the_first_page_only_does_not_end_the_list(world: World) -> None:
    paging = Offset(offset_param="start", total_path=("total",))
    pages = [{"rows": [1, 2], "total": 2}, {"rows": [3], "total": 3}]
    assert read(world, paging, *pages) == [[1, 2], [3]]


# </feature>
# <feature auth.api_key.query>


def test_a_key_stands_once_in_the_query(world: World) -> None:
    found = [
        (way, check)
        for way, option in enumerate(API["auth"])
        for check in option["checks"]
        if check["in"] == "query"
    ]
    for way, check in found:
        world.api.fail(status=200, body=[])
        asyncio.run(_send_with_key(world, way, check["name"]))
        assert world.api.lists[-1].url.params.get_list(check["name"]) == [check["value"]]
    assert found


async def _send_with_key(world: World, way: int, name: str) -> None:
    """Send a request to an address that has a key in its query already, as next addresses may."""
    async with ApiClient(Config.model_validate(config_json(way)), **world.options) as client:
        await client.request_json("GET", "/", params={name: "an-older-key"})


# </feature>
# <feature incremental.param>


def test_a_filter_is_as_fine_as_its_format() -> None:
    moment = 1_709_251_200_123_000
    assert formatted(moment, "unix_milliseconds") == 1_709_251_200_123
    assert formatted(moment, "unix_seconds") == 1_709_251_200
    assert formatted(moment, "date_time") == "2024-03-01T00:00:00Z"
    assert formatted(moment, "date") == "2024-03-01"


# </feature>
# <feature incremental.end>


def test_windows_of_time_follow_on_each_other_without_a_gap(world: World) -> None:
    for name, stream in STREAMS.items():
        incremental = stream["incremental"]
        if stream["parent"] or stream["method"] == "POST" or not incremental:
            continue
        if incremental["max_window_days"]:
            world.api.requests.clear()
            world.read(name)
            names = (incremental["param"], incremental["end_param"])
            asked = [tuple(one.url.params.get(key) for key in names) for one in world.api.lists]
            windows = list(dict.fromkeys(window for window in asked if None not in window))
            assert [since for since, _ in windows[1:]] == [until for _, until in windows[:-1]]


# </feature>
# <feature parents.quoted>


def test_a_quotation_mark_in_a_quoted_value_is_doubled() -> None:
    key = PartitionKey(parameter="range", column="title", field=("title",), quote="'")
    assert key.sent("It's") == "'It''s'"


# </feature>
