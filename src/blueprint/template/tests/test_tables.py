"""Tables are safe to display and to export, whatever the API sends."""

import importlib
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from src import tables
from src.tables import (
    PandasMissingError,
    flat_rows,
    flatten,
    load_pandas,
    rows_to_dataframe,
    sanitize_dataframe,
    summarise_wide_row,
    unique_names,
)

PANDAS = load_pandas()


def test_nested_objects_become_columns_and_lists_json_text() -> None:
    row = flatten({"id": 1, "owner": {"name": "Ada", "tags": ["x", {"y": 2}]}, "empty": {}})
    assert row == {"id": 1, "owner.name": "Ada", "owner.tags": '["x", {"y": 2}]', "empty": "{}"}
    assert json.loads(row["owner.tags"]) == ["x", {"y": 2}]


def test_nested_text_keeps_its_letters_and_absurd_depth_ends() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    row = flatten({"name": [{"köy": "şehir"}], "deep": deep})
    assert row["name"] == '[{"köy": "şehir"}]'
    assert "null" in row["deep"]


def test_json_is_cut_where_it_is_nested_too_deep_and_not_before() -> None:
    deep: Any = "end"
    for _ in range(tables.DEEPEST_JSON):
        deep = [deep]
    assert '"end"' in flatten({"deep": deep})["deep"]
    assert '"end"' not in flatten({"deep": [deep]})["deep"]


def test_objects_nested_deeper_than_the_limit_stay_one_cell_of_json() -> None:
    row = flatten({"a": {"b": {"c": {"d": {"e": 1}}}}})
    assert row == {"a.b.c.d": '{"e": 1}'}


def test_a_key_with_a_dot_does_not_overwrite_a_nested_one() -> None:
    assert flatten({"a": {"b": 1}, "a.b": 2}) == {"a.b": 1, "a.b_2": 2}


def test_a_null_object_beside_filled_ones_leaves_no_column_of_its_own() -> None:
    rows = flat_rows([{"id": 1, "owner": {"name": "Ada"}}, {"id": 2, "owner": None}])
    assert rows == [{"id": 1, "owner.name": "Ada"}, {"id": 2, "owner.name": None}]


def test_an_object_that_is_null_everywhere_keeps_its_column() -> None:
    assert flat_rows([{"id": 1, "owner": None}]) == [{"id": 1, "owner": None}]


def test_mixed_columns_become_text_and_numbers_stay_numbers() -> None:
    rows = flat_rows(
        [{"price": "$1,234", "n": 1, "flag": True}, {"price": 7.5, "n": 1.5, "flag": 0}]
    )
    assert [row["price"] for row in rows] == ["$1,234", "7.5"]
    assert [row["n"] for row in rows] == [1.0, 1.5]
    assert [row["flag"] for row in rows] == ["true", "0"]


def test_large_whole_numbers_keep_every_digit() -> None:
    big = 2**60 + 1
    rows = flat_rows([{"id": big, "huge": 2**70}, {"id": None, "huge": 1}])
    frame = rows_to_dataframe(rows)
    assert frame["id"].iloc[0] == big
    assert list(frame["huge"]) == [str(2**70), "1"]
    flags = rows_to_dataframe(
        flat_rows([{"flag": True, "set": False}, {"flag": None, "set": True}])
    )
    assert [str(kind) for kind in flags.dtypes] == ["boolean", "bool"]
    mixed = flat_rows([{"id": big}, {"id": 0.5}])
    assert mixed[0]["id"] == str(big)
    assert flat_rows([{"id": 2**53}, {"id": 0.5}])[0]["id"] == float(2**53)
    assert flat_rows([{"id": 2**53 + 1}, {"id": 0.5}])[0]["id"] == str(2**53 + 1)


def test_dates_and_times_become_iso_text() -> None:
    zone = timezone(timedelta(hours=2))
    frame = PANDAS.DataFrame(
        {
            "aware": PANDAS.to_datetime(["2024-05-01T10:00:00+02:00", None]),
            "naive": PANDAS.to_datetime(["2024-05-01", "2024-05-02"]),
            "objects": [datetime(2024, 5, 1, tzinfo=zone), datetime(2024, 5, 2, tzinfo=UTC)],
        }
    )
    clean = sanitize_dataframe(frame)
    assert next(iter(clean["aware"])) == "2024-05-01T10:00:00+02:00"
    assert clean["aware"].isna().tolist() == [False, True]
    assert list(clean["naive"]) == ["2024-05-01T00:00:00", "2024-05-02T00:00:00"]
    assert list(clean["objects"]) == ["2024-05-01T00:00:00+02:00", "2024-05-02T00:00:00+00:00"]
    json.loads(clean.to_json(orient="table"))


def test_multi_level_headers_are_joined() -> None:
    columns = PANDAS.MultiIndex.from_tuples([("2023", "amount"), ("2023", ""), ("2024", "amount")])
    clean = sanitize_dataframe(PANDAS.DataFrame([[1, 2, 3]], columns=columns))
    assert list(clean.columns) == ["2023 | amount", "2023", "2024 | amount"]
    json.loads(clean.to_json(orient="table"))


def test_an_index_that_says_something_becomes_columns() -> None:
    frame = PANDAS.DataFrame(
        {"n": [1, 2]}, index=PANDAS.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", None])
    )
    assert list(sanitize_dataframe(frame).columns) == ["k", "index", "n"]
    filtered = PANDAS.DataFrame({"n": [1, 2, 3]}).iloc[1:]
    assert list(sanitize_dataframe(filtered).columns) == ["n"]


def test_a_column_called_index_can_be_exported() -> None:
    rows = [{"index": "de", "row": 1}, {"index": "fr", "row": 2}]
    for frame in (rows_to_dataframe(rows), sanitize_dataframe(PANDAS.DataFrame(rows))):
        assert list(frame.columns) == ["index", "row"]
        exported = json.loads(frame.to_json(orient="table"))["data"]
        assert [row["index"] for row in exported] == ["de", "fr"]
        assert list(sanitize_dataframe(frame).columns) == ["index", "row"]


def test_repeated_column_names_are_numbered_without_meeting_existing_ones() -> None:
    assert unique_names(["a", "a", "a_2", "a"]) == ["a", "a_3", "a_2", "a_4"]
    clean = sanitize_dataframe(PANDAS.DataFrame([[1, "x", 3]], columns=["2023", "2023", "2023_2"]))
    assert list(clean.columns) == ["2023", "2023_3", "2023_2"]
    assert clean.iloc[0].tolist() == [1, "x", 3]


def test_cells_of_other_kinds_become_text() -> None:
    frame = PANDAS.DataFrame(
        {"x": [Decimal("1.10"), None], "y": [b"\xff", b"ok"], "z": [{1, 2}, {"k": float("nan")}]}
    )
    clean = sanitize_dataframe(frame)
    assert clean["x"].iloc[0] == "1.10"
    assert list(clean["y"]) == ["\\xff", "ok"]
    assert list(clean["z"]) == ["[1, 2]", '{"k": null}']


def test_a_wide_record_is_summarised_without_losing_anything() -> None:
    row = {f"c{number}": number for number in range(40)} | {"nested": "[1]", "none": None}
    summary = summarise_wide_row(row, ["c39", "absent"])
    assert next(iter(summary)) == "c39"
    assert len(summary) == tables.SUMMARY_COLUMNS + 1
    rest = json.loads(summary[tables.SUMMARY_REST])
    assert {**{name: summary[name] for name in summary if name != tables.SUMMARY_REST}, **rest} == {
        name: cell for name, cell in row.items() if cell is not None
    }


def test_29_columns_stay_as_they_are_and_30_are_summarised() -> None:
    narrow = {f"c{number}": number for number in range(29)}
    assert summarise_wide_row(narrow) is narrow
    assert tables.SUMMARY_REST in summarise_wide_row(narrow | {"last": 1})


def test_without_pandas_a_frame_is_refused_in_words_and_rows_still_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert flat_rows([{"a": {"b": 1}}]) == [{"a.b": 1}]
    with pytest.raises(PandasMissingError, match="pip install"):
        rows_to_dataframe([{"a": 1}])
