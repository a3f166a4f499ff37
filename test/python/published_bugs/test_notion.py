"""Bugs that were found in published connectors for Notion; this one has none of them."""

from collections import Counter
from typing import Any

import pytest

from conftest import Keys, Program
from notion import NotionApi

MONDAY = "2026-03-02T10:00:00.000Z"
TUESDAY = "2026-03-03T10:00:00.000Z"
WEDNESDAY = "2026-03-04T10:00:00.000Z"


@pytest.fixture(autouse=True)
def _content(notion: NotionApi) -> None:
    for number in range(5):
        notion.add("page", f"page-{number}", MONDAY, blocks=4)
    notion.add("page", "page-new", TUESDAY, blocks=2)
    notion.add("database", "base", MONDAY)


def test_everything_is_read_from_all_pages(
    notion: NotionApi, notion_program: Program, ids: Keys
) -> None:
    done = notion_program.read("users", "databases", "pages", "blocks", "comments")
    assert (done.code, done.stderr) == (0, "")
    assert ids(done.records("users")) == sorted(user["id"] for user in notion.users)
    assert ids(done.records("databases")) == ["base"]
    assert len(done.records("pages")) == 6
    assert len(done.records("blocks")) == 22
    assert len(done.records("comments")) == 6
    pages = {one["id"] for one in notion.objects if one["object"] == "page"}
    assert {record["block_id"] for record in done.records("blocks")} == pages


def test_each_child_comes_once(notion: NotionApi, notion_program: Program) -> None:
    # An edit while pages are listed moves one to a later place: it is listed twice.
    notion.objects.append({**notion.objects[0], "last_edited_time": WEDNESDAY})
    blocks = [block["id"] for block in notion_program.read("pages", "blocks").records("blocks")]
    assert Counter(blocks) == Counter(block["id"] for of in notion.blocks.values() for block in of)
    asked = [request.path for request in notion.requests if request.path.endswith("/children")]
    first_pages = [
        request.path
        for request in notion.requests
        if request.path.endswith("/children") and "start_cursor" not in request.query
    ]
    assert len(first_pages) == len(set(asked))


def test_an_incremental_read_of_parents_leaves_no_child_out(
    notion: NotionApi, notion_program: Program
) -> None:
    first = notion_program.read("pages", "blocks")
    notion.nest("page-0", "late")
    second = notion_program.read("pages", "blocks", state=first.states())
    assert len(second.records("blocks")) == len(first.records("blocks")) + 1


def test_records_of_the_last_moment_are_not_lost(
    notion: NotionApi, notion_program: Program, ids: Keys
) -> None:
    first = notion_program.read("pages")
    assert first.states()
    notion.add("page", "page-same-moment", TUESDAY)
    second = notion_program.read("pages", state=first.states())
    assert ids(second.records("pages")) == ["page-new", "page-same-moment"]
    notion.add("page", "page-later", WEDNESDAY)
    third = notion_program.read("pages", state=second.states())
    assert ids(third.records("pages")) == ["page-later", "page-new", "page-same-moment"]


def test_a_page_that_fails_is_not_the_end(notion: NotionApi, notion_program: Program) -> None:
    notion.fail("/v1/search", 400, times=99)
    done = notion_program.read("users", "pages")
    assert done.code == 1
    assert done.last_status("pages") == "INCOMPLETE"
    assert done.last_status("users") == "COMPLETE"
    assert [error["stream_descriptor"]["name"] for error in done.errors()] == ["pages"]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_passes_is_tried_again(
    notion: NotionApi, notion_program: Program, status: int
) -> None:
    notion.fail("/v1/users", status, times=2, headers={"Retry-After": "0"})
    done = notion_program.read("users")
    assert (done.code, len(done.records("users"))) == (0, 4)
    assert len(notion.asked("/v1/users")) == 4


def test_a_used_up_quota_says_when_it_opens(notion: NotionApi, notion_program: Program) -> None:
    notion.fail("/v1/users", 429, times=99, headers={"Retry-After": "3600"})
    done = notion_program.read("users")
    assert (done.code, len(notion.asked("/v1/users"))) == (1, 1)
    (error,) = done.errors()
    assert "3600" in error["message"]
    assert error["failure_type"] == "transient_error"


def test_a_token_of_any_form_is_taken_and_never_shown(
    notion: NotionApi, notion_program: Program
) -> None:
    check: Any = notion_program.run("check").messages[-1]["connectionStatus"]
    assert check == {"status": "SUCCEEDED"}
    notion.fail("/v1", 400, times=99, body={"you_sent": notion.TOKEN})
    done = notion_program.read("users", "pages")
    assert done.code == 1
    assert notion.TOKEN not in str(done.messages) + done.stderr


def test_a_wrong_token_is_an_answer(notion_program: Program) -> None:
    notion_program.config["credentials"] = {"access_token": "wrong"}
    done = notion_program.run("check")
    assert done.code == 0
    assert done.messages[-1]["connectionStatus"]["status"] == "FAILED"


def test_blocks_are_read_to_the_lowest_level(notion: NotionApi, notion_program: Program) -> None:
    for number in range(4):
        notion.nest("page-1-block-0", f"toggle-{number}")
    notion.nest("toggle-3", "column")
    notion.nest("column", "word")
    # A page in a page, in another order than they are listed, and one that no search finds.
    notion.nest("page-0", "page-3", "child_page")
    notion.nest("page-new", "page-hidden", "child_page")
    notion.nest("page-hidden", "hidden-block")
    done = notion_program.read("pages", "blocks")
    assert (done.code, done.stderr) == (0, "")
    found = {record["id"]: record["block_id"] for record in done.records("blocks")}
    listed = [(row["id"], above) for above, rows in notion.blocks.items() for row in rows]
    assert found == dict(listed)
    assert len(done.records("blocks")) == len(listed) == 22 + 6 + 3


def test_blocks_that_lead_in_a_circle_end(notion: NotionApi, notion_program: Program) -> None:
    notion.nest("page-1-block-0", "synced")
    notion.nest("synced", "page-1-block-0")
    done = notion_program.read("blocks")
    assert done.code == 0
    assert len(done.records("blocks")) == 24
    first_pages = [
        request.path
        for request in notion.requests
        if request.path.endswith("/children") and "start_cursor" not in request.query
    ]
    assert len(first_pages) == len(set(first_pages)) == 8


def test_a_language_model_finds_what_a_platform_finds(
    notion: NotionApi, notion_program: Program
) -> None:
    pages = notion_program.call("list_pages")
    assert [row["id"] for row in pages["rows"]] == [
        one["id"] for one in notion.objects if one["object"] == "page"
    ]
    assert [row["id"] for row in notion_program.call("list_databases")["rows"]] == ["base"]
    (sort,) = {str(request.body["sort"]) for request in notion.asked("/v1/search")}
    assert "ascending" in sort
    assert notion_program.call("list_comments", block_id="page-1")["row_count"] == 1
    assert notion_program.call("list_blocks", block_id="page-1")["row_count"] == 4
