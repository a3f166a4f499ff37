"""Each operation asks the API rightly and returns what it answers, or says in words why not."""

import asyncio
import json
import traceback
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from src.agent import Result
from src.agent_text import schema_of
from src.calls import EmptyResultError, OperationError, answered
from src.config import Config
from src.operations import CONNECTORS
from src.tables import flat_rows, load_pandas
from tests.operation_api import (
    CONFIG,
    OPERATIONS,
    ROWS_PER_PAGE,
    SECRET,
    PlayedApi,
    each,
    sent_values,
)

NAMES = list(OPERATIONS)
TABLES = [name for name in NAMES if OPERATIONS[name]["result"] == "dataframe"]
LISTS = [name for name in TABLES if OPERATIONS[name]["limit"]]


def call(api: PlayedApi, name: str, params: dict[str, Any] | None = None) -> Result:
    """Call an operation with its required parameters and others."""
    return ask(api, name, {**OPERATIONS[name]["required"], **(params or {})})


def ask(api: PlayedApi, name: str, params: dict[str, Any]) -> Result:
    """Call an operation with these parameters."""

    async def asking() -> Result:
        async with api.client() as client:
            return await CONNECTORS[name].bind_deps(client=client)(params)

    return asyncio.run(asking())


def shown(error: BaseException) -> str:
    """Return everything that a traceback shows of an error and what it is chained to."""
    return "".join(traceback.format_exception(error)) + repr(error)


def test_the_fixtures_cover_every_operation() -> None:
    assert CONNECTORS.names == NAMES


@each(LISTS)
def test_a_list_returns_every_row_once(name: str) -> None:
    api = PlayedApi(OPERATIONS[name])
    result = call(api, name)
    expected = flat_rows(api.rows, {c["name"] for c in OPERATIONS[name]["columns"]})
    assert result.row_count == len(result.data) == len(expected)
    columns = [column["name"] for column in OPERATIONS[name]["columns"]]
    assert [[row[column] for column in columns] for row in result.rows] == [
        [row[column] for column in columns] for row in expected
    ]
    assert result.provenance.properties == {"pages": len(api.requests), "complete": True}
    assert result.output_schema is not None
    told = [
        {"name": column.name, "type": column.dtype, "role": column.role.value}
        for column in result.output_schema.columns
    ]
    assert told[: len(columns)] == OPERATIONS[name]["columns"]


@each(LISTS)
@pytest.mark.parametrize("limit", [1, ROWS_PER_PAGE, ROWS_PER_PAGE + 1])
def test_a_limit_bounds_the_rows_and_the_requests(name: str, limit: int) -> None:
    fixture = OPERATIONS[name]
    api = PlayedApi(fixture)
    result = call(api, name, {fixture["limit"]: limit})
    assert result.row_count == limit
    pages = 1 if fixture["paging"]["kind"] == "none" else -(-limit // ROWS_PER_PAGE)
    assert len(api.requests) == pages
    # A single wide row is summed up, and that is told as well.
    told = {**result.provenance.properties}
    told.pop("summary_of_columns", None)
    assert told == {"pages": pages, "complete": False}


@each([name for name in LISTS if OPERATIONS[name]["paging"]["kind"] == "none"])
def test_a_list_of_one_page_is_known_to_be_complete(name: str) -> None:
    fixture = OPERATIONS[name]
    api = PlayedApi(fixture)
    result = call(api, name, {fixture["limit"]: len(api.rows)})
    assert result.provenance.properties == {"pages": 1, "complete": True}


@each([name for name in TABLES if name not in LISTS])
def test_one_record_is_one_row(name: str) -> None:
    api = PlayedApi(OPERATIONS[name])
    result = call(api, name)
    assert result.row_count == len(result.data) == 1
    assert len(result.rows[0]) < 30
    assert "missing_columns" not in result.provenance.properties


@each([name for name in NAMES if name not in TABLES])
def test_a_document_is_text(name: str) -> None:
    result = call(PlayedApi(OPERATIONS[name]), name)
    assert result.data == "words of the document"
    assert result.row_count == 1


@each(TABLES)
def test_results_are_dataframes_that_can_be_exported(name: str) -> None:
    result = call(PlayedApi(OPERATIONS[name]), name)
    frame = result.to_dataframe()
    assert isinstance(frame, load_pandas().DataFrame)
    assert len(json.loads(frame.to_json(orient="table"))["data"]) == result.row_count


@each(NAMES)
def test_every_parameter_arrives_where_the_api_expects_it(name: str) -> None:
    fixture = OPERATIONS[name]
    api = PlayedApi(fixture)
    call(api, name, fixture["every"])
    for wire in fixture["wire"]:
        value = fixture["every"][wire["field"]]
        key = f"{wire['name']}[key]" if wire["type"] == "object" else wire["name"]
        expected = [value["key"]] if wire["type"] == "object" else as_sent(value, wire["in"])
        if wire["in"] == "body":
            key, expected = wire["name"], [json.dumps(value)]
        if "quote" in wire:
            expected = [f"{wire['quote']}{value}{wire['quote']}"]
        assert sent_values(api.requests[0], wire["in"], key, fixture["path"]) == expected, wire


@each([name for name in NAMES if any("quote" in one for one in OPERATIONS[name]["wire"])])
def test_a_quotation_mark_in_a_quoted_value_is_doubled(name: str) -> None:
    fixture = OPERATIONS[name]
    for wire in fixture["wire"]:
        if "quote" in wire:
            api, mark = PlayedApi(fixture), wire["quote"]
            call(api, name, {wire["field"]: f"It{mark}s"})
            sent = sent_values(api.requests[0], wire["in"], wire["name"], fixture["path"])
            assert sent == [f"{mark}It{mark}{mark}s{mark}"]


@each([name for name in NAMES if OPERATIONS[name]["constants"]])
def test_what_is_fixed_goes_with_every_request(name: str) -> None:
    fixture = OPERATIONS[name]
    api = PlayedApi(fixture)
    result = call(api, name)
    for request in api.requests:
        for fixed in fixture["constants"]:
            key, value = fixed["name"], fixed["value"]
            if fixed["in"] == "query" and isinstance(value, dict):
                sent = {of: sent_values(request, "query", f"{key}[{of}]", "") for of in value}
                assert sent == {of: as_sent(item, "query") for of, item in value.items()}
                continue
            expected = [json.dumps(value)] if fixed["in"] == "body" else as_sent(value, fixed["in"])
            assert sent_values(request, fixed["in"], key, fixture["path"]) == expected, fixed
    assert set(result.provenance.params) <= {*fixture["every"], fixture["limit"]}


def as_sent(value: Any, place: str) -> list[str]:
    """Return how a value is written: lists in a query come once per value."""
    if isinstance(value, list):
        parts = [as_sent(item, place)[0] for item in value]
        return parts if place == "query" else [",".join(parts)]
    return [json.dumps(value) if isinstance(value, (bool, int, float)) else str(value)]


# ------------------------------------------------------------------------------------ parameters


@each(NAMES)
def test_unknown_missing_and_unbounded_parameters_never_reach_the_api(name: str) -> None:
    fixture = OPERATIONS[name]
    required = fixture["required"]
    wrong: list[dict[str, Any]] = [{**required, "no_such_parameter": 1}]
    wrong += [{key: required[key] for key in required if key != left} for left in required]
    wrong += [{**required, bound["field"]: bound["outside"]} for bound in fixture["bounds"]]
    if fixture["limit"]:
        wrong += [{**required, fixture["limit"]: limit} for limit in (0, 1001)]
    api = PlayedApi(fixture)
    for params in wrong:
        with pytest.raises(ValidationError):
            ask(api, name, params)
    assert api.requests == []


@each(NAMES)
def test_what_the_configuration_answers_need_not_be_given(name: str) -> None:
    operation, settings = CONNECTORS[name], OPERATIONS[name]["settings"]
    config = Config.model_validate(CONFIG)
    known = answered(operation, config)
    values = {field: getattr(config, key) for field, key in settings.items()}
    assert known == {field: value for field, value in values.items() if value is not None}
    schema = schema_of(operation.params, known)
    assert set(schema.get("required", [])) == {*OPERATIONS[name]["required"]} - {*known}
    asking = schema_of(operation.params)
    assert asking == operation.params.model_json_schema()
    for field in known:
        told = asking["properties"][field]["description"]
        assert schema["properties"][field]["description"] == f"{told} Absent: as configured."


# -------------------------------------------------------------------------------------- failures


@each(NAMES)
def test_a_missing_permission_is_named_and_not_retried(name: str) -> None:
    api = PlayedApi(OPERATIONS[name], *(httpx.Response(403) for _ in range(9)))
    with pytest.raises(OperationError, match="permission") as caught:
        call(api, name)
    assert caught.value.status == 403
    assert len(api.requests) == 1
    assert SECRET not in shown(caught.value)


@each(NAMES)
def test_a_used_up_quota_fails_at_once(name: str) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "7200"})
    api = PlayedApi(OPERATIONS[name], busy, busy)
    with pytest.raises(OperationError, match="Quota exhausted"):
        call(api, name)
    assert len(api.requests) == 1
    assert api.slept == []


@each(NAMES)
def test_a_burst_is_waited_for_unseen(name: str) -> None:
    busy = [httpx.Response(429, headers={"Retry-After": "2"}) for _ in range(3)]
    api = PlayedApi(OPERATIONS[name], *busy)
    result = call(api, name)
    assert result.row_count > 0
    assert sum(seconds >= 2 for seconds in api.slept) == 3


@each(NAMES)
def test_an_endless_burst_ends_after_three_retries(name: str) -> None:
    busy = [httpx.Response(429, json={"retry_after": 1}) for _ in range(9)]
    api = PlayedApi(OPERATIONS[name], *busy)
    with pytest.raises(OperationError, match="retried already"):
        call(api, name)
    assert len(api.requests) == 4


@each(NAMES)
def test_what_is_not_there_names_the_parameters(name: str) -> None:
    api = PlayedApi(OPERATIONS[name], httpx.Response(404))
    with pytest.raises(OperationError, match="check the identifiers") as caught:
        call(api, name)
    for field in OPERATIONS[name]["required"]:
        assert f"{field}=" in str(caught.value)


@each(LISTS)
def test_an_empty_list_is_a_table_and_finding_nothing_an_error(name: str) -> None:
    fixture = OPERATIONS[name]
    api = PlayedApi(fixture)
    api.rows = []
    if fixture["kind"] != "search":
        for given in ({}, {fixture["limit"]: 3}):
            result = call(api, name, given)
            assert result.row_count == len(result.data) == 0
    if fixture["kind"] == "search" or fixture["every"].keys() > fixture["required"].keys():
        with pytest.raises(EmptyResultError, match="Nothing found") as caught:
            call(api, name, fixture["every"])
        for field in fixture["every"]:
            assert f"{field}=" in str(caught.value)


@each(LISTS)
def test_nothing_where_the_list_should_be_is_an_empty_list(name: str) -> None:
    if OPERATIONS[name]["kind"] != "search":
        result = call(PlayedApi(OPERATIONS[name], httpx.Response(200, json=None)), name)
        assert result.row_count == 0


@each(NAMES)
def test_what_the_api_refuses_names_the_parameters(name: str) -> None:
    for status in (400, 422):
        refusal = httpx.Response(status, json={"error": "no such colour"})
        api = PlayedApi(OPERATIONS[name], refusal)
        with pytest.raises(OperationError, match="change them") as caught:
            call(api, name, OPERATIONS[name]["every"])
        assert "no such colour" in str(caught.value)
        assert caught.value.status == status
        for field in OPERATIONS[name]["every"]:
            assert f"{field}=" in str(caught.value)


@each(NAMES)
def test_a_way_out_of_the_path_is_refused(name: str) -> None:
    fixture = OPERATIONS[name]
    texts = [wire["field"] for wire in fixture["wire"] if wire["in"] == "path"]
    quoted = [wire["field"] for wire in fixture["wire"] if "quote" in wire]
    for field in texts:
        if fixture["every"][field] == "text a/b" and field not in quoted:
            api = PlayedApi(fixture)
            with pytest.raises(OperationError):
                call(api, name, {field: ".."})
            assert api.requests == []


@each([name for name in TABLES if OPERATIONS[name]["record_path"]])
def test_a_failure_answered_with_200_is_no_empty_list(name: str) -> None:
    if OPERATIONS[name]["record_path"][0] != "*":
        body = {"fault": "no rights", "error": 7}
        api = PlayedApi(OPERATIONS[name], httpx.Response(200, json=body))
        with pytest.raises(OperationError, match="fault"):
            call(api, name)


# ----------------------------------------------------------------------------------- credentials


@each(NAMES)
def test_provenance_has_the_parameters_and_no_secret(name: str) -> None:
    fixture = OPERATIONS[name]
    result = call(PlayedApi(fixture), name, fixture["every"])
    assert result.provenance.source == name
    assert result.provenance.fetched_at is not None
    defaults = {fixture["limit"]: 100} if fixture["limit"] else {}
    assert result.provenance.params == {**defaults, **fixture["every"]}
    assert call(PlayedApi(fixture), name).provenance.params == {**defaults, **fixture["required"]}
    assert SECRET not in repr(result.provenance)
    assert SECRET not in repr(result)


@each(NAMES)
def test_a_secret_given_as_a_parameter_is_not_shown(name: str) -> None:
    secrets = [value for value in CONFIG.get("credentials", {}).values() if SECRET in value]
    fixture = OPERATIONS[name]
    texts = [key for key, value in fixture["every"].items() if value == "text a/b"]
    if secrets and texts:
        result = call(PlayedApi(fixture), name, {texts[0]: secrets[0]})
        assert SECRET not in repr(result.provenance)


@each(NAMES)
def test_a_refused_key_is_not_shown(name: str) -> None:
    api = PlayedApi(OPERATIONS[name], *(httpx.Response(401) for _ in range(3)))
    with pytest.raises(OperationError) as caught:
        call(api, name)
    assert SECRET not in shown(caught.value)


@each([name for name in NAMES if not CONNECTORS[name].needs])
def test_an_open_api_needs_no_binding(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    api = PlayedApi(OPERATIONS[name])
    monkeypatch.setattr("src.calls.ApiClient", lambda config: api.client())
    result = asyncio.run(CONNECTORS[name](OPERATIONS[name]["required"]))
    assert result.row_count > 0


@each(NAMES)
def test_an_operation_shows_nothing_of_what_is_bound(name: str) -> None:
    bound = CONNECTORS[name].bind_deps(client=SECRET)
    assert SECRET not in repr(bound)
    assert SECRET not in bound.to_llm()
