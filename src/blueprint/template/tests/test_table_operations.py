"""Operations read tables as the data face does: no row and no cell is lost, whatever people do to tables."""

import json
from typing import Any

import httpx
import pytest

from src.calls import OperationError
from src.matrix import rows_of_matrix
from src.tables import flat_rows
from tests.operation_api import OPERATIONS, PlayedApi, put, wrap
from tests.test_operations import call

TABLES = [name for name, of in OPERATIONS.items() if of["shape"] == "table"]
LISTS = [name for name in TABLES if OPERATIONS[name]["kind"] == "list"]

MATRICES: list[list[list[Any]]] = [
    [["id", "item"], [1, "a"], [], ["", ""], [2, "b"], [], [3, "c"], []],
    [["id", "note", "note", ""], [1, "first", "second", "third", "fourth"]],
    [["id", None, " wide "], [1], [], [2, None, "x", "y"]],
    [["id", "when", "_row"], [1, "2024-01-01", "own"], ["two", True, 0.5]],
    [["only"], [0]],
]


def answer(name: str, matrix: list[list[Any]]) -> httpx.Response:
    """Return an answer that holds a table where the API has it."""
    return httpx.Response(200, json=wrap(matrix, OPERATIONS[name]["record_path"], single=False))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("matrix", MATRICES)
def test_a_table_has_a_row_for_each_row_and_a_column_for_each_cell(
    name: str, matrix: list[list[Any]]
) -> None:
    result = call(PlayedApi(OPERATIONS[name], answer(name, matrix)), name)
    expected = flat_rows(rows_of_matrix(matrix))
    assert result.row_count == len(result.data) == len(expected)
    assert [dict(sorted(row.items())) for row in result.rows] == [
        dict(sorted(row.items())) for row in expected
    ]
    assert result.output_schema is not None
    names = [column.name for column in result.output_schema.columns]
    assert names == list(result.rows[0])
    assert sorted(names) == sorted(expected[0])
    assert {"pages": 1, "complete": True}.items() <= result.provenance.properties.items()
    exported = json.loads(result.to_dataframe().to_json(orient="table"))["data"]
    assert len(exported) == len(expected)


@pytest.mark.parametrize("name", TABLES)
def test_the_number_of_a_row_is_that_in_the_table(name: str) -> None:
    api = PlayedApi(OPERATIONS[name], answer(name, MATRICES[0]))
    assert [row["_row"] for row in call(api, name).rows] == [2, 5, 7]


@pytest.mark.parametrize("name", TABLES)
def test_a_limit_cuts_rows_and_tells_so(name: str) -> None:
    fixture = OPERATIONS[name]
    result = call(PlayedApi(fixture, answer(name, MATRICES[0])), name, {fixture["limit"]: 2})
    assert [row["id"] for row in result.rows] == [1, 2]
    assert result.provenance.properties["complete"] is False


@pytest.mark.parametrize("name", LISTS)
def test_a_table_without_any_row_is_empty_and_a_failure_is_not(name: str) -> None:
    path = OPERATIONS[name]["record_path"]
    for matrix in ([], [["id", "item"]]):
        assert call(PlayedApi(OPERATIONS[name], answer(name, matrix)), name).row_count == 0
    if path:
        nothing = put({}, path[:-1], {"range": "all"}) if path[:-1] else {"range": "all"}
        left_out = httpx.Response(200, json=nothing)
        assert call(PlayedApi(OPERATIONS[name], left_out), name).row_count == 0
        failure = httpx.Response(200, json={"error": {"code": 7}})
        with pytest.raises(OperationError, match="error"):
            call(PlayedApi(OPERATIONS[name], failure), name)
        no_table = httpx.Response(200, json=wrap("words", path, single=False))
        with pytest.raises(OperationError, match="no table"):
            call(PlayedApi(OPERATIONS[name], no_table), name)
