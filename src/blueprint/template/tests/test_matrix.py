"""That no row and no cell of a table is lost, whatever people do to tables."""

from typing import Any

import pytest

from src.errors import ApiError
from src.matrix import rows_of_matrix
from tests.conftest import World
from tests.mock_api import STREAMS, expected_records, put

TABLES = [name for name, stream in STREAMS.items() if stream["shape"] == "table"]


def test_blank_rows_end_nothing() -> None:
    rows = rows_of_matrix([["name"], ["a"], [], [""], [None, ""], ["b"]])
    assert [(row["name"], row["_row"]) for row in rows] == [("a", 2), ("b", 6)]


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([], []),
        ([["name"]], []),
        ([["name"], ["a"]], [{"name": "a", "_row": 2}]),
        ([["a", "b"], [1]], [{"a": 1, "b": None, "_row": 2}]),
        ([["a"], [1, 2]], [{"a": 1, "column_2": 2, "_row": 2}]),
        ([["a", "a", "a"], [1, 2, 3]], [{"a": 1, "a_2": 2, "a_3": 3, "_row": 2}]),
        ([["a", "a_2", "a"], [1, 2, 3]], [{"a": 1, "a_2": 2, "a_3": 3, "_row": 2}]),
        ([["", None, " b "], [1, 2, 3]], [{"column_1": 1, "column_2": 2, "b": 3, "_row": 2}]),
        ([["_row"], [1]], [{"_row_2": 1, "_row": 2}]),
        ([[2024, True], [False, 0]], [{"2024": False, "True": 0, "_row": 2}]),
    ],
)
def test_every_cell_has_a_column_of_its_own(
    matrix: list[Any], expected: list[dict[str, Any]]
) -> None:
    assert rows_of_matrix(matrix) == expected


@pytest.mark.parametrize("stream", TABLES)
def test_a_table_without_any_row_is_empty_and_a_failure_is_not(world: World, stream: str) -> None:
    of = STREAMS[stream]
    nothing: dict[str, Any] = {"range": "all"}
    if of["record_path"][:-1]:
        put(nothing, of["record_path"][:-1], {"range": "all"})
    path = world.api.rows[stream][0]["path"]
    world.api.fail(status=200, body=nothing, path=path)
    skipped = len(world.api.rows[stream][0]["rows"])
    assert len(world.read(stream)) == len(expected_records(stream)) - skipped
    world.api.fail(status=200, body={"error": {"code": 7}}, path=path)
    with pytest.raises(ApiError, match="error"):
        world.read(stream)
