"""That every record is read, once, from whichever page, and that no failure passes for the end of the data."""

import json

import pytest

from src.errors import ApiError, ConnectorError, PagingError, TransientError
from tests.conftest import World, in_any_order
from tests.mock_api import LARGEST_PAGE, STREAMS, expected_records, value_at

ROOTS = [name for name, stream in STREAMS.items() if stream["parent"] is None]
# <feature parents>
CHILDREN = [name for name, stream in STREAMS.items() if stream["parent"] is not None]
# </feature>
# <feature root.paged>
PAGED = [name for name in ROOTS if STREAMS[name]["paging"]["kind"] != "none"]
# </feature>
# <feature root.path>
WITH_PATH = [name for name in ROOTS if [key for key in STREAMS[name]["record_path"] if key != "*"]]
# </feature>


def of_kind(*kinds: str) -> list[str]:
    """Streams without parent that are paged in one of some ways."""
    return [name for name in ROOTS if STREAMS[name]["paging"]["kind"] in kinds]


@pytest.mark.parametrize("stream", STREAMS)
def test_every_record_is_read_once(world: World, stream: str) -> None:
    assert in_any_order(world.read(stream)) == in_any_order(expected_records(stream))
    asked = [(request.method, str(request.url), request.content) for request in world.api.lists]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("stream", STREAMS)
def test_primary_keys_are_there_and_differ(world: World, stream: str) -> None:
    paths = STREAMS[stream]["primary_key"]
    keys = [[value_at(record, path) for path in paths] for record in world.read(stream)]
    if paths:
        assert None not in [part for key in keys for part in key]
        assert len(keys) == len({json.dumps(key) for key in keys})


@pytest.mark.parametrize("stream", ROOTS)
def test_an_empty_stream_is_no_error(world: World, stream: str) -> None:
    world.api.rows[stream][0]["rows"] = []
    assert world.read(stream) == []


@pytest.mark.parametrize("stream", ROOTS)
def test_blank_rows_do_not_end_a_read(world: World, stream: str) -> None:
    if (
        STREAMS[stream]["shape"] == "list"
        and STREAMS[stream]["paging"]["last_record_field"] is None
    ):
        world.api.rows[stream][0]["rows"][:0] = [None] * (LARGEST_PAGE + 1)
        assert in_any_order(world.read(stream)) == in_any_order(expected_records(stream))


@pytest.mark.parametrize("stream", ROOTS[:3])
def test_a_failure_is_never_an_empty_success(world: World, stream: str) -> None:
    world.api.fail(status=500, times=99)
    with pytest.raises(TransientError, match="500"):
        world.read(stream)


# <feature root.path>
@pytest.mark.parametrize("stream", WITH_PATH[:3])
def test_an_answer_without_rows_says_what_it_held(world: World, stream: str) -> None:
    world.api.fail(status=200, body={"fault": {"code": 7}})
    with pytest.raises(ApiError, match="fault"):
        world.read(stream)


# </feature>
def test_an_answer_that_is_no_json_is_an_error(world: World) -> None:
    world.api.fail(
        status=200, body=b"<html>Please log in</html>", headers={"Content-Type": "text/html"}
    )
    with pytest.raises(ApiError, match="text/html"):
        world.read(ROOTS[0])


def test_a_redirect_elsewhere_is_not_followed(world: World) -> None:
    world.api.fail(status=302, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(ApiError, match="elsewhere"):
        world.read(ROOTS[0])
    assert {request.url.host for request in world.api.lists} == {world.api.base_url.host}


def test_a_redirect_on_the_same_host_is_followed(world: World) -> None:
    world.read(ROOTS[0])
    first = str(world.api.lists[0].url)
    world.api.requests.clear()
    world.api.fail(status=307, headers={"Location": first})
    assert in_any_order(world.read(ROOTS[0])) == in_any_order(expected_records(ROOTS[0]))


# <feature root.paged>


@pytest.mark.parametrize("stream", PAGED)
def test_a_failure_on_a_later_page_is_an_error(world: World, stream: str) -> None:
    world.api.fail(status=503, skip=1, times=99)
    with pytest.raises(TransientError, match="503"):
        world.read(stream)


@pytest.mark.parametrize("stream", PAGED)
def test_a_refusal_of_a_later_page_is_an_error(world: World, stream: str) -> None:
    world.api.fail(status=400, skip=1, body={"error": "offset too large"})
    with pytest.raises(ConnectorError, match="400"):
        world.read(stream)


# </feature>
# <feature root.page|root.offset>


@pytest.mark.parametrize("stream", of_kind("page", "offset"))
def test_a_server_that_ignores_the_page_does_not_repeat_it(world: World, stream: str) -> None:
    world.api.ignore_page = True
    paging = STREAMS[stream]["paging"]
    if paging["has_more_path"] or paging["total_path"] or paging["total_pages_path"]:
        # The API says that there is more, so this is no end but a failure.
        with pytest.raises(PagingError, match="came again"):
            world.read(stream)
    else:
        first_page = expected_records(stream)[:LARGEST_PAGE]
        assert in_any_order(world.read(stream)) == in_any_order(first_page)


@pytest.mark.parametrize("stream", of_kind("page", "offset"))
def test_a_refusal_beyond_the_last_page_is_the_end(world: World, stream: str) -> None:
    world.api.beyond_the_end = 404
    assert in_any_order(world.read(stream)) == in_any_order(expected_records(stream))


# </feature>
# <feature root.cursor|root.next_url|root.link>


@pytest.mark.parametrize("stream", of_kind("cursor", "next_url", "link"))
def test_pages_that_lead_in_circles_are_an_error(world: World, stream: str) -> None:
    if STREAMS[stream]["paging"]["last_record_field"] is None:
        world.api.repeat_next = True
        with pytest.raises(PagingError):
            world.read(stream)
        assert len(world.api.lists) <= len(expected_records(stream))


# </feature>
# <feature root.next_url|root.link>


@pytest.mark.parametrize("stream", of_kind("next_url", "link"))
def test_a_next_page_elsewhere_is_not_asked_for(world: World, stream: str) -> None:
    world.api.next_host = "elsewhere.example"
    with pytest.raises(ApiError, match="elsewhere"):
        world.read(stream)
    assert {request.url.host for request in world.api.lists} == {world.api.base_url.host}


# </feature>
# <feature parents>


@pytest.mark.parametrize("stream", CHILDREN)
def test_a_parent_that_is_listed_twice_has_its_children_once(world: World, stream: str) -> None:
    parent = STREAMS[stream]["parent"]
    rows = world.api.rows[parent][0]["rows"]
    rows.append(rows[0])
    assert in_any_order(world.read(stream)) == in_any_order(expected_records(stream))


@pytest.mark.parametrize("stream", CHILDREN)
def test_a_parent_that_is_gone_is_passed_over(world: World, stream: str) -> None:
    del world.api.rows[stream][0]
    remaining = expected_records(stream, skip=1)
    assert in_any_order(world.read(stream)) == in_any_order(remaining)


@pytest.mark.parametrize("stream", CHILDREN)
def test_children_that_are_found_nowhere_are_an_error(world: World, stream: str) -> None:
    world.api.rows[stream].clear()
    with pytest.raises(ApiError, match="parents"):
        world.read(stream)


@pytest.mark.parametrize("stream", CHILDREN)
def test_a_parent_whose_children_are_refused_is_an_error(world: World, stream: str) -> None:
    world.api.fail(status=400, times=99, path=world.api.rows[stream][0]["path"])
    with pytest.raises(ApiError, match="400"):
        world.read(stream)


# </feature>
