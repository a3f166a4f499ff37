"""What the connector says that it can read."""

import asyncio
from typing import Any

import pytest

from src.connector import Connector
from src.streams import STREAMS as DECLARED
from tests.mock_api import STREAMS, expected_records

CATALOG: dict[str, dict[str, Any]] = {
    entry["name"]: entry for entry in asyncio.run(Connector.discover())["streams"]
}


def test_every_stream_is_there() -> None:
    assert list(CATALOG) == list(STREAMS)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_says_how_it_is_read(stream: str) -> None:
    entry = CATALOG[stream]
    assert entry["source_defined_primary_key"] == STREAMS[stream]["primary_key"]
    incremental = STREAMS[stream]["incremental"]
    if incremental is None:
        assert entry["supported_sync_modes"] == ["full_refresh"]
        assert "source_defined_cursor" not in entry
    else:
        assert entry["supported_sync_modes"] == ["full_refresh", "incremental"]
        assert entry["default_cursor_field"] == incremental["cursor_field"]
        assert (entry["source_defined_cursor"], entry["is_resumable"]) == (True, True)


# <feature incremental>
@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_is_declared_as_the_api_filters_it(stream: str) -> None:
    declared, known = DECLARED[stream].incremental, STREAMS[stream]["incremental"]
    assert (declared is None) == (known is None)
    if declared is not None:
        assert list(declared.cursor_field) == known["cursor_field"]
        assert (declared.cursor_format, declared.required) == (
            known["cursor_format"],
            known["required"],
        )


# </feature>
@pytest.mark.parametrize("stream", STREAMS)
def test_a_schema_knows_the_fields_that_are_read(stream: str) -> None:
    schema = CATALOG[stream]["json_schema"]
    assert schema["type"] == "object"
    records = expected_records(stream)
    described = [set(record) - {"x_not_described"} for record in records]
    if schema["properties"]:
        assert [fields for fields in described if fields & set(schema["properties"])] == described
    for path in STREAMS[stream]["primary_key"]:
        assert all(path[0] in record for record in records)
