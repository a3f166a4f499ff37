"""Operations check their parameters, stamp their results and describe themselves to a model."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from src.agent import (
    Column,
    ColumnRole,
    Connector,
    Connectors,
    OutputConfig,
    Provenance,
    Result,
    connector,
)
from src.tables import load_pandas

PANDAS = load_pandas()
HIDDEN = "k3y-of-a-test"


class FindParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    query: str = Field(..., description="Words to look for.")
    kinds: list[Literal["a", "b"]] | None = Field(default=None, description="Kinds to keep.")
    limit: int = Field(default=20, ge=1, le=100, description="Most rows.")
    offset: int = Field(default=0, ge=-(2**63), le=2**63 - 1, description="Rows to pass over.")
    since: int | None = Field(default=None, ge=1990, description="First year.")
    until: int | None = Field(default=None, le=2100, description="Last year.")


class OtherParams(BaseModel):
    model_config = ConfigDict(extra="forbid")


OUTPUT = OutputConfig(
    (
        Column("id", "integer", ColumnRole.KEY),
        Column("name", "string", ColumnRole.TITLE),
        Column("owner.name"),
    )
)


def find_connector(**options: Any) -> Connector:
    @connector(output=OUTPUT, tags=["demo", "search"], properties={"cost": 1}, **options)
    async def find(params: FindParams, *, api_key: str) -> Result:
        """Find things.

        Next: use id with fetch(id=<id>).
        """
        rows = [
            {"id": n, "name": f"{params.query} {n}", "more": api_key == HIDDEN}
            for n in range(params.limit)
        ]
        return OUTPUT.build_table_result(rows, Provenance(params=params.model_dump()))

    return find


def text_connector(data: Any = "words") -> Connector:
    @connector(result_type="text")
    async def read(params: OtherParams) -> Result:
        """Read a document."""
        return Result(data, Provenance())

    return read


def run(operation: Connector, *args: Any, **keywords: Any) -> Result:
    return asyncio.run(operation(*args, **keywords))


def test_an_operation_takes_its_model_a_mapping_or_keywords() -> None:
    bound = find_connector().bind_deps(api_key=HIDDEN)
    results = [
        run(bound, FindParams(query="x", limit=2)),
        run(bound, {"query": "x", "limit": 2}),
        run(bound, query="x", limit=2),
    ]
    assert [result.row_count for result in results] == [2, 2, 2]
    assert all(result.rows == results[0].rows for result in results)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 101}, {"unknown": 1}, {"kinds": ["c"]}])
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        run(find_connector().bind_deps(api_key=HIDDEN), {"query": "x", **wrong})


def test_a_model_of_another_operation_is_refused() -> None:
    bound = find_connector().bind_deps(api_key=HIDDEN)
    with pytest.raises(TypeError, match="FindParams"):
        run(bound, OtherParams())
    with pytest.raises(TypeError, match="not both"):
        run(bound, FindParams(query="x"), limit=1)


def test_without_its_dependency_it_says_what_to_bind() -> None:
    with pytest.raises(TypeError, match=r"bind_deps\(api_key="):
        run(find_connector(), query="x")
    with pytest.raises(TypeError, match="no dependency"):
        find_connector().bind_deps(colour="x")


def test_only_what_must_be_named_is_a_dependency() -> None:
    @connector(output=OUTPUT)
    async def find(
        params: OtherParams, more: str = "more", *, api_key: str, colour: str = "red"
    ) -> Result:
        """Find things."""
        return OUTPUT.build_table_result([{"id": 1, "name": more + colour}], Provenance())

    assert (find.dependencies, find.needs) == (("api_key", "colour"), ("api_key",))
    assert run(find, api_key=HIDDEN).rows[0]["name"] == "morered"


def test_a_dependency_can_be_given_for_one_call() -> None:
    assert run(find_connector(), query="x", limit=1, api_key=HIDDEN).rows[0]["more"] is True


def test_a_secret_shows_nowhere() -> None:
    bound = find_connector().bind_deps(api_key=HIDDEN)
    result = run(bound, query="x", limit=1)
    shown = [repr(bound), str(bound), repr(Connectors([bound])), bound.to_llm(), repr(result)]
    assert not any(HIDDEN in text for text in shown)


def test_the_result_is_stamped_with_its_source() -> None:
    before = datetime.now(UTC)
    provenance = run(find_connector(), query="x", api_key="k").provenance
    assert provenance.source == "find"
    assert provenance.source_description.startswith("Find things.")
    assert provenance.params == FindParams(query="x").model_dump()
    assert provenance.fetched_at is not None
    assert before <= provenance.fetched_at <= datetime.now(UTC)


def test_missing_and_additional_columns_are_reported() -> None:
    result = run(find_connector(), query="x", limit=1, api_key="k")
    assert result.provenance.properties["missing_columns"] == ["owner.name"]
    assert result.output_schema is not None
    assert [column.name for column in result.output_schema.columns] == ["id", "name", "more"]
    assert list(result.to_dataframe().columns) == ["id", "name", "more"]


def test_a_column_of_free_form_objects_stays_one_column_of_json() -> None:
    output = OutputConfig((Column("id"), Column("free_form", "json")))
    result = output.build_table_result([{"id": "1", "free_form": {"a": {"b": 1}}}], Provenance())
    assert result.rows == [{"id": "1", "free_form": '{"a": {"b": 1}}'}]


def test_an_empty_table_keeps_its_configured_columns() -> None:
    result = OUTPUT.build_table_result([], Provenance())
    assert result.row_count == len(result.to_dataframe()) == 0
    assert list(result.to_dataframe().columns) == ["id", "name", "owner.name"]


def test_a_wide_single_record_becomes_a_summary() -> None:
    row = {"id": 1, "name": "x"} | {f"c{number}": number for number in range(60)}
    result = OUTPUT.build_table_result([row], Provenance())
    assert result.row_count == 1
    assert len(result.to_dataframe().columns) < 30
    assert result.provenance.properties["summary_of_columns"] == 62
    two = OUTPUT.build_table_result([row, row], Provenance())
    assert len(two.to_dataframe().columns) == 62


@pytest.mark.parametrize(
    "operation", [text_connector(data=[{"a": 1}]), find_connector(result_type="text")]
)
def test_a_result_of_another_type_than_declared_is_refused(operation: Connector) -> None:
    keywords = {"query": "x", "api_key": "k"} if operation.dependencies else {}
    with pytest.raises(TypeError, match="declares"):
        run(operation, **keywords)


def test_text_counts_as_one_row() -> None:
    result = run(text_connector())
    assert (result.data, result.row_count) == ("words", 1)
    assert result.to_dataframe().to_dict("records") == [{"text": "words"}]


def test_a_result_of_a_dataframe_is_sanitized() -> None:
    frame = PANDAS.DataFrame({"a": [{"x": 1}, None], "b": [1, "z"]})
    result = Result.from_dataframe(frame, Provenance())
    assert result.row_count == 2
    assert result.data["a"].iloc[0] == '{"x": 1}'
    assert result.rows[0]["b"] == "1"


def test_a_table_can_be_built_of_a_dataframe() -> None:
    frame = PANDAS.DataFrame({"name": ["x", None], "id": [2**60 + 1, 2]})
    result = OUTPUT.build_table_result(frame, Provenance())
    assert result.rows == [{"id": 2**60 + 1, "name": "x"}, {"id": 2, "name": None}]


def test_a_config_with_keys_needs_one_title_and_unique_columns() -> None:
    key, title, data = (
        Column("id", role=ColumnRole.KEY),
        Column("t", role=ColumnRole.TITLE),
        Column("d"),
    )
    OutputConfig((key,))
    OutputConfig((data,))
    with pytest.raises(ValueError, match="TITLE"):
        OutputConfig((key, data))
    with pytest.raises(ValueError, match="TITLE"):
        OutputConfig((key, title, Column("t2", role=ColumnRole.TITLE)))
    with pytest.raises(ValueError, match="twice"):
        OutputConfig((data, data))


def test_a_model_reads_everything_it_needs() -> None:
    text = find_connector().to_llm()
    assert text.splitlines()[0] == "### find"
    assert "Next: use id with fetch(id=<id>)." in text
    assert "Returns: id (integer, KEY), name (string, TITLE), owner.name (string)" in text
    assert "- query: string — Words to look for." in text
    assert '- kinds?: ("a" | "b")[] — Kinds to keep.' in text
    assert re.search(
        r"- limit\?: integer — Most rows\. \(at least 1, at most 100, default 20\)", text
    )
    assert "- offset?: integer — Rows to pass over. (default 0)" in text, (
        "bounds of the type itself are noise"
    )
    assert "- since?: integer — First year. (at least 1990)" in text
    assert "- until?: integer — Last year. (at most 2100)" in text
    assert "not a DataFrame" not in text
    assert "-> result.data is text (not a DataFrame)." in text_connector().to_llm()


def test_a_set_finds_joins_and_filters() -> None:
    operations = Connectors([find_connector(), text_connector()])
    assert operations.names == ["find", "read"]
    assert operations.get("read") is not None
    assert operations.get("none") is None
    assert operations["find"].name == "find"
    assert "find" in operations
    assert len(operations) == 2
    with pytest.raises(KeyError, match="find, read"):
        operations["other"]
    with pytest.raises(ValueError, match="Two operations"):
        operations + operations
    assert (Connectors() + operations).names == ["find", "read"]
    assert operations.filter(tags=["search"]).names == ["find"]
    assert operations.filter(name="ea").names == ["read"]
    assert operations.filter(cost=1).names == ["find"]
    assert operations.to_llm().count("### ") == 2


def test_a_set_hands_dependencies_to_those_that_take_them() -> None:
    operations = Connectors([find_connector(), text_connector()]).bind_deps(api_key=HIDDEN)
    assert run(operations["find"], query="x", limit=1).row_count == 1
    assert run(operations["read"]).data == "words"
    with pytest.raises(TypeError, match="No operation"):
        operations.bind_deps(colour="x")
    assert len(Connectors().bind_deps(api_key="x")) == 0


def test_what_a_model_could_not_use_is_refused_at_import() -> None:
    async def silent(params: OtherParams) -> Result:
        return Result("", Provenance())

    with pytest.raises(TypeError, match="docstring"):
        connector()(silent)

    def blocking(params: OtherParams) -> Result:
        """Block."""
        return Result("", Provenance())

    with pytest.raises(TypeError, match="async"):
        connector()(blocking)  # type: ignore[arg-type]

    async def untyped(params: Any) -> Result:
        """Take anything."""
        return Result("", Provenance())

    with pytest.raises(TypeError, match="pydantic model"):
        connector()(untyped)
