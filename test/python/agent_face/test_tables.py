"""Tables are safe to display, to convert to Arrow and to export as JSON, whatever an API sends."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
from face.tables import flat_rows, rows_to_dataframe, sanitize_dataframe
from hypothesis import given, settings
from hypothesis import strategies as st

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
records = st.lists(st.dictionaries(st.sampled_from(["a", "b", "a.b", "c", "", "ü"]), json_values), max_size=5)


def assert_serialisable(frame: pd.DataFrame) -> None:
    names = list(frame.columns)
    assert len(set(names)) == len(names)
    assert all(isinstance(name, str) for name in names)
    assert not isinstance(frame.columns, pd.MultiIndex)
    pa.Table.from_pandas(frame)
    json.loads(frame.to_json(orient="table"))
    for name in names:
        kinds = {type(cell) for cell in frame[name].dropna()}
        assert not kinds & {dict, list, tuple, set, datetime, pd.Timestamp}, (name, kinds)


@given(records)
@settings(max_examples=300, deadline=None)
def test_any_records_become_a_serialisable_table(rows: list[dict[str, Any]]) -> None:
    flat = flat_rows(rows)
    assert len(flat) == len(rows)
    assert len({tuple(row) for row in flat}) <= 1, "all rows have the same columns"
    for name in flat[0] if flat else []:
        assert len({type(row[name]) for row in flat if row[name] is not None}) <= 1
    assert_serialisable(rows_to_dataframe(flat))


@given(records)
@settings(max_examples=150, deadline=None)
def test_sanitizing_a_frame_of_raw_records_makes_it_serialisable_and_twice_changes_nothing(
    rows: list[dict[str, Any]],
) -> None:
    clean = sanitize_dataframe(pd.DataFrame(rows))
    assert len(clean) == len(rows)
    assert_serialisable(clean)
    pd.testing.assert_frame_equal(sanitize_dataframe(clean), clean)
