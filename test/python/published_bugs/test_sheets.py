"""Bugs that were found in published connectors for Google Sheets; this one has none of them."""

from typing import Any

import pytest

from conftest import Program
from sheets import SheetsApi


def cells(program: Program) -> list[dict[str, Any]]:
    """Read the rows of all sheets."""
    done = program.read("rows")
    assert (done.code, done.stderr) == (0, "")
    return done.records("rows")


def test_a_blank_row_ends_nothing(sheets: SheetsApi, sheets_program: Program) -> None:
    sheets.sheets["Orders"] = [["id", "item"], [1, "a"], [], ["", ""], [2, "b"], [], [3, "c"], []]
    assert [(row["id"], row["item"]) for row in cells(sheets_program)] == [
        (1, "a"),
        (2, "b"),
        (3, "c"),
    ]


def test_a_sheet_with_one_row_of_data_is_not_empty(
    sheets: SheetsApi, sheets_program: Program
) -> None:
    sheets.sheets["Orders"] = [["id"], [1]]
    assert [row["id"] for row in cells(sheets_program)] == [1]


def test_duplicate_and_missing_headers_lose_no_cell(
    sheets: SheetsApi, sheets_program: Program
) -> None:
    sheets.sheets["Orders"] = [
        ["id", "note", "note", ""],
        [1, "first", "second", "third", "fourth"],
    ]
    (row,) = cells(sheets_program)
    assert row == {
        "sheet": "Orders",
        "id": 1,
        "note": "first",
        "note_2": "second",
        "column_4": "third",
        "column_5": "fourth",
        "_row": 2,
    }


def test_the_number_of_a_row_is_no_key(sheets: SheetsApi, sheets_program: Program) -> None:
    sheets.sheets["Orders"] = [["id"], [1], [2], [3]]
    (catalog,) = sheets_program.run("discover").of("CATALOG")
    keys = {entry["name"]: entry.get("source_defined_primary_key") for entry in catalog["streams"]}
    assert not keys["rows"]
    assert keys["sheets"] == [["properties", "sheetId"]]
    del sheets.sheets["Orders"][1]
    assert [(row["id"], row["_row"]) for row in cells(sheets_program)] == [(2, 2), (3, 3)]


@pytest.mark.parametrize("title", ["Q1", "Today's", "A1:B2", "a/b?c#d%", "Blätter 2", "''"])
def test_a_sheet_is_read_whatever_it_is_called(
    sheets: SheetsApi, sheets_program: Program, title: str
) -> None:
    sheets.sheets = {"First": [["x"], [0]], title: [["x"], [1]]}
    # Sheets are read side by side.
    found = sorted((row["x"], row["sheet"]) for row in cells(sheets_program))
    assert found == [(0, "First"), (1, title)]


def test_an_empty_sheet_is_no_error_beside_others(
    sheets: SheetsApi, sheets_program: Program
) -> None:
    sheets.sheets = {"Empty": [], "Heads": [["x"]], "Full": [["x"], [1]]}
    assert [row["sheet"] for row in cells(sheets_program)] == ["Full"]


def test_tokens_are_fetched_and_renewed(sheets: SheetsApi, sheets_program: Program) -> None:
    sheets.sheets["Orders"] = [["id"], [1]]
    sheets.fail("/values/", 401)
    assert [row["id"] for row in cells(sheets_program)] == [1]
    assert sheets.tokens == 2


def test_a_failure_with_status_200_is_no_empty_sheet(
    sheets: SheetsApi, sheets_program: Program
) -> None:
    sheets.sheets["Orders"] = [["id"], [1]]
    sheets.fail("/values/", 200, times=99, body={"error": {"code": 500}})
    done = sheets_program.read("rows")
    assert (done.code, done.last_status("rows")) == (1, "INCOMPLETE")


def test_no_secret_is_shown(sheets: SheetsApi, sheets_program: Program) -> None:
    secrets = [sheets.CLIENT_SECRET, sheets.REFRESH_TOKEN, "access-1"]
    sheets.sheets["Orders"] = [["id"], [1]]
    sheets.fail("/v4", 403, times=99, body={"seen": secrets})
    done = sheets_program.read("rows", "sheets")
    assert done.code == 1
    assert not [secret for secret in secrets if secret in str(done.messages) + done.stderr]


@pytest.mark.parametrize("title", ["Q1", "Today's"])
def test_a_language_model_reads_the_rows_that_a_platform_reads(
    sheets: SheetsApi, sheets_program: Program, title: str
) -> None:
    sheets.sheets = {
        "First": [["x"], [0]],
        title: [["id", "note", "note", ""], [1, "a", "b", "c"], [], [2], ["", "x", None, "y", "z"]],
    }
    book = sheets_program.config["spreadsheet_id"]
    listed = sheets_program.call("list_sheets", spreadsheet_id=book)
    assert [row["properties.title"] for row in listed["rows"]] == ["First", title]
    found = sheets_program.call("list_rows", spreadsheet_id=book, sheet=title)
    expected = [row for row in cells(sheets_program) if row.pop("sheet") == title]
    assert found["row_count"] == len(expected) == 3
    # Columns have one type each; otherwise the rows are the same.
    assert [{key: row[key] for key in row if key != "id"} for row in found["rows"]] == [
        {key: row[key] for key in row if key != "id"} for row in expected
    ]
    assert found["columns"] == ["_row", "id", "note", "note_2", "column_4", "column_5"]


def test_a_language_model_is_told_that_a_sheet_is_empty(
    sheets: SheetsApi, sheets_program: Program
) -> None:
    sheets.sheets = {"Empty": []}
    book = sheets_program.config["spreadsheet_id"]
    assert sheets_program.call("list_rows", spreadsheet_id=book, sheet="Empty")["row_count"] == 0
