"""Rows on their way through a read: written as the API wrote them, and yet one record a line, whatever the API sends."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.client import ApiClient
from src.config import Config
from src.errors import ApiError
from src.incremental import pieces
from src.models import Incremental, Stream
from src.protocol import Output
from src.reader import StreamReader
from src.records import as_records, parse_body, parsed, rows_in, with_columns
from src.utils import get_path, parse_json, parse_page

API = json.loads(open("tests/fixtures/api.json", encoding="utf-8").read())
CONFIG = {**API["config"], "credentials": {"auth_type": "plain_none"}, "base_url": "https://api.test"}
THINGS = Stream(name="things", path="/things", record_path=("data", "things"))

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def written(content: bytes, stream: Stream = THINGS) -> list[bytes]:
    """The lines that a read of one answer writes."""
    lines: list[bytes] = []

    async def read() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=content))
        config = Config.model_validate(CONFIG)
        async with ApiClient(config, transport=transport) as client:
            async for records in StreamReader(client, config).read(stream):
                Output(lines.append).records(stream.name, records)

    asyncio.run(read())
    text = b"".join(lines)
    assert text == b"" or text.endswith(b"\n")
    return text.splitlines()


def data(content: bytes, stream: Stream = THINGS) -> list[Any]:
    """The records that a read of one answer writes, as whoever takes them understands them."""
    return [json.loads(line)["record"]["data"] for line in written(content, stream)]


def page(rows: str) -> bytes:
    return f'{{"data":{{"things":[{rows}],"total":3}},"next":null}}'.encode()


@settings(max_examples=200, deadline=None)
@given(st.lists(values, max_size=4), st.booleans(), st.sampled_from([None, 0, 2, "\t"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_whatever_json_a_list_holds_is_written(rows: list[Any], ascii_only: bool, indent: Any, line_break: str) -> None:
    body = {"data": {"things": rows, "more": rows}, "rows": rows}
    try:
        content = json.dumps(body, ensure_ascii=ascii_only, indent=indent).replace("\n", line_break).encode()
    except UnicodeEncodeError:
        return
    expected = [row if isinstance(row, dict) else {"value": row} for row in rows if row is not None]
    assert data(content) == expected


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_a_record_that_is_broken_into_lines_is_one(line_break: str) -> None:
    row = '{ "id" : 1,\n  "text": "a\\nb  c",\n  "list": [\n 1.10, 2 ]\n}'.replace("\n", line_break)
    lines = written(page(f"{row},{row}"))
    assert len(lines) == 2
    assert all(b'"data":{"id":1,"text":"a\\nb  c","list":[1.10,2]},"emitted_at"' in line for line in lines)


def test_numbers_keep_their_digits() -> None:
    row = '{"price":1.10,"long":0.12345678901234567890,"big":123456789012345678901234567890,"e":1E400}'
    (line,) = written(page(row))
    assert row.encode() in line


def test_a_row_with_a_name_twice_means_what_it_means_to_others() -> None:
    assert data(page('{"id":1,"id":2}')) == [{"id": 2}]
    (row,) = rows_in(THINGS, parse_body(THINGS, page('{"id":1,"id":2}')))
    assert get_path(row, ("id",)) == 2


def test_what_only_the_slower_parser_accepts_is_read_as_well() -> None:
    assert data(page('{"a":"\\ud800"},{"b":NaN},{"c":"\\u00e9"}')) == [{"a": "\ud800"}, {"b": None}, {"c": "é"}]
    assert data(b"\xef\xbb\xbf" + page('{"a":1}')) == [{"a": 1}]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ApiError, match="not valid JSON"):
        written(page('{"a":"x"}').replace(b"x", b"\xff"))


@pytest.mark.parametrize("broken", ['{"a":1', '{"a":01}', '{"a":1,}', '{"a":"b\nc"}', "{'a':1}", '{"a":1}{'])
def test_a_row_that_is_no_json_is_refused(broken: str) -> None:
    with pytest.raises(ApiError, match="not valid JSON"):
        written(page(broken))


def test_deep_rows_do_not_break_a_read() -> None:
    deep = "[" * 400 + "]" * 400
    assert data(page(f'{{"a":{deep}}}'))[0]["a"] is not None
    with pytest.raises(ApiError, match="not valid JSON"):
        written(page("[" * 100_000))


def test_only_lists_at_the_depth_of_the_rows_are_left_as_text() -> None:
    body = parse_page(b'{"data":{"things":[{"a":1}],"n":2},"list":[{"b":1}],"x":1.5,"y":null}', 2)
    assert (body["list"], body["data"]["n"], body["x"], body["y"]) == ([{"b": 1}], 2, 1.5, None)
    assert bytes(body["data"]["things"][0]) == b'{"a":1}'
    for other in (b"null", b'"x"', b"3", b"true", b'{"data":[1]}', b'{"data":null}'):
        assert parse_page(other, 2) == parse_json(other)
    top = Stream(name="top", path="/top")
    assert data(b'[{"a":1},null,2]', top) == [{"a": 1}, {"value": 2}]


@pytest.mark.parametrize(
    ("row", "path", "found"),
    [
        ('{"a":{"b":3},"c":1}', ("a", "b"), 3),
        ('{"a":null}', ("a", "b"), None),
        ('{"a":5}', ("a", "b"), None),
        ("{}", ("a",), None),
        ('{"a":{"b":{"x":[1]}}}', ("a", "b"), {"x": [1]}),
        ('{"a\\u0062":1}', ("ab",), 1),
        ('{"a\\"b":1}', ('a"b',), 1),
        ('{"a":1e400}', ("a",), float("inf")),
        ('{"class":1,"below":{"below":2}}', ("below", "below"), 2),
        ('{"a":1}', (), {"a": 1}),
    ],
)
def test_a_field_is_found_in_a_row_as_in_what_it_means(row: str, path: tuple[str, ...], found: Any) -> None:
    (text,) = parse_page(f"[{row}]".encode(), 0)
    assert get_path(text, path) == found
    assert get_path(parse_json(row.encode()), path) == found


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ('{"id":1}', {"parent": 'p"é', "id": 1}),
        ('{"parent":"own","id":1}', {"parent": "own", "id": 1}),
        ('{"deep":{"parent":2}}', {"parent": 'p"é', "deep": {"parent": 2}}),
        ("{ }", {"parent": 'p"é'}),
        ("{}", {"parent": 'p"é'}),
    ],
)
def test_a_child_says_once_whose_it_is(row: str, expected: Any) -> None:
    columns = {"parent": 'p"é'}
    (text,) = parse_page(f"[{row}]".encode(), 0)
    labelled = with_columns(text, columns)
    pairs = json.loads(written_row(labelled), object_pairs_hook=list)
    assert len({name for name, _ in pairs}) == len(pairs)
    assert list(parsed(labelled).items()) == list(expected.items())
    assert with_columns(json.loads(row), columns) == expected


def written_row(row: Any) -> bytes:
    lines: list[bytes] = []
    Output(lines.append).records("things", [row])
    record: bytes = lines[0].split(b'"data":', 1)[1].rsplit(b',"emitted_at"', 1)[0]
    return record


@pytest.mark.parametrize("field", [("at",), ("changed", "at")])
def test_the_cursor_of_rows_is_found_wherever_it_stands(field: tuple[str, ...]) -> None:
    incremental = Incremental(cursor_field=field, cursor_format="date_time")

    def row(moment: Any) -> Any:
        return {"at": moment} if field == ("at",) else {"changed": {"at": moment}}

    config = Config.model_validate({**CONFIG, "start_date": "2024-01-02"})
    days = [f"2024-01-0{day}T00:00:00Z" for day in (3, 1, 2, 5, 4)]
    for odd in ([], [None], ["2024-01-03T02:00:00+02:00"]):
        rows = [row(moment) for moment in [*days, *odd]] + ([{}] if odd else [])
        texts = parse_page(json.dumps(rows).encode(), 0)
        (parsed_piece,) = pieces(incremental, config, None, 1_800_000_000.0)
        (text_piece,) = pieces(incremental, config, None, 1_800_000_000.0)
        kept = text_piece.wanted(as_records(texts))
        assert [parsed(record) for record in kept] == parsed_piece.wanted(as_records(rows))
        assert text_piece.greatest == parsed_piece.greatest == days[3]
        assert len(kept) == len(rows) - 1
