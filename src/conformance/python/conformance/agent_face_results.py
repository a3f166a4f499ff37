"""Rules 6, 7, 21 to 25, 32, 33 and 45: what an operation returns, and what it says of it."""

import ast
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from .agent_face_api import api_of
from .agent_face_subject import (
    Operation,
    lists_of,
    modules_of,
    name_of,
    operations_of,
    played_of,
    some,
    tables_of,
)
from .model import Check, NotApplicable, Problem, Subject

_TEXT_MARK = "result.data is text"
_WIDE = 45
"""Columns that are added to a record to make it a wide one."""

_WIDE_FROM = 30
"""Columns from which on one record is to be summarised."""


def _text(subject: Subject) -> Iterator[Problem]:
    for operation in operations_of(subject):
        marked = _TEXT_MARK in operation.connector.to_llm()
        try:
            data = api_of(subject).ask(operation).data
        except Exception as error:  # noqa: BLE001 - told as what it is
            yield Problem(f"{operation.name} fails on its own fixture: {error!r:.200}")
            continue
        if isinstance(data, str) and not marked:
            yield Problem(f'{operation.name} returns text and does not say so: result_type="text".')
        if not isinstance(data, str) and marked:
            yield Problem(
                f"{operation.name} says that it returns text, and returns {type(data).__name__}."
            )
        if isinstance(data, str) != (operation.connector.result_type == "text"):
            yield Problem(
                f"{operation.name} is declared {operation.connector.result_type} and returns {type(data).__name__}."
            )


def _wide(subject: Subject) -> Iterator[Problem]:
    for operation in tables_of(subject):
        api = api_of(subject)
        more = {f"wide_{number}": f"told {number}" for number in range(_WIDE)}
        row = operation.fixture["rows"][0]
        if not isinstance(row, dict):
            continue
        api.rows[operation.name] = [{**row, **more}]
        result = api.ask(operation)
        if result.row_count != 1:
            yield Problem(f"{operation.name} returns one record as {result.row_count} rows.")
        elif len(result.rows[0]) >= _WIDE_FROM:
            yield Problem(
                f"{operation.name} returns one record of {len(result.rows[0])} columns unsummarised."
            )
        shown = json.dumps(result.rows, default=str)
        lost = [name for name, text in more.items() if name not in shown or text not in shown]
        if lost:
            yield Problem(
                f"{operation.name} loses {len(lost)} fields of a wide record, as {lost[0]}."
            )


# ----------------------------------------------------------------------------------------- columns


def _configured(operation: Operation) -> list[str]:
    output = operation.connector.output
    return [] if output is None else [column.name for column in output.columns]


def _flat(row: Any, before: str = "") -> set[str]:
    """Return the names that a row's fields may have in a table: every level of nesting."""
    if not isinstance(row, dict):
        return set()
    return {before + name for name in row} | {
        deeper for name, value in row.items() for deeper in _flat(value, f"{before}{name}.")
    }


def _returned(subject: Subject) -> Iterator[Problem]:
    for operation in tables_of(subject):
        result = api_of(subject).ask(operation)
        missing = set(_configured(operation)) - set(result.rows[0] if result.rows else ())
        if missing and "summary_of_columns" not in result.provenance.properties:
            yield Problem(
                f"{operation.name} names columns that its API does not return: {', '.join(sorted(missing))}."
            )
        unnamed = set(operation.columns) - set(_configured(operation))
        if unnamed:
            yield Problem(
                f"{operation.name} does not name columns that its API returns: {', '.join(sorted(unnamed))}."
            )
        yield from _against_stream(subject, operation)


def _against_stream(subject: Subject, operation: Operation) -> Iterator[Problem]:
    """Compare with the rows of the stream that reads the same path: they came from the description by another way."""
    folder = subject.directory / "tests" / "fixtures" / "streams"
    known: set[str] = set()
    for path in sorted(folder.glob("*.json")):
        for listed in json.loads(path.read_text(encoding="utf-8")):
            if listed.get("path") == operation.fixture["path"]:
                known |= {name for row in listed["rows"] for name in _flat(row)}
    strange = set(_configured(operation)) - known - {"_key"}
    if known and strange:
        yield Problem(
            f"{operation.name} names columns that no row of the stream of its path has: {', '.join(sorted(strange))}.",
            note=True,
        )


_OWN = ("_key", "_row")
"""Columns that a connector adds itself: where a row stands in its map or table."""


def _missing(subject: Subject) -> Iterator[Problem]:
    judged = [one for one in tables_of(subject) if _configured(one)]
    for operation in some(judged, "No operation names columns."):
        api = api_of(subject)
        api.rows[operation.name] = [{"unexpected": "value"}, {"unexpected": "other"}]
        if _follows_a_field(operation):
            continue
        result = api.ask(operation)
        told = result.provenance.properties.get("missing_columns", ())
        lost = [name for name in _configured(operation) if name not in told and name not in _OWN]
        if lost:
            yield Problem(
                f"{operation.name} does not report that the API returned no {', '.join(lost)}."
            )
        if not any("unexpected" in name for name in result.rows[0]):
            yield Problem(f"{operation.name} drops a column that it did not expect.")


def _follows_a_field(operation: Operation) -> bool:
    """Whether the next page is asked for by a field of the last row, which therefore can't be missing."""
    return bool(operation.fixture["paging"].get("lastRecordField"))


def _sharing(subject: Subject) -> list[tuple[Operation, Operation]]:
    tables = [one for one in tables_of(subject) if one.connector.output is not None]
    return [
        (first, second)
        for at, first in enumerate(tables)
        for second in tables[at + 1 :]
        if first.connector.output is second.connector.output and _configured(first)
    ]


def _other_output(subject: Subject) -> Iterator[Problem]:
    """Find functions that declare one OutputConfig and build their result with another."""
    for module in modules_of(subject.directory):
        outputs = {
            target.id
            for node in module.tree.body
            if isinstance(node, ast.Assign) and name_of(node.value) == "OutputConfig"
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for function in module.operations:
            declared = _names_in(function.decorator_list) & outputs
            if declared and not _names_in(function.body) & outputs <= declared:
                yield Problem(
                    f"{function.name} declares one OutputConfig and builds its table with another.",
                    module.file,
                    function.lineno,
                )


def _names_in(nodes: Sequence[ast.AST]) -> set[str]:
    return {one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)}


def _detail(subject: Subject) -> Iterator[Problem]:
    if not any(one.limit is None for one in tables_of(subject)) or not any(
        one.limit for one in tables_of(subject)
    ):
        raise NotApplicable("No resource has both a list and a detail.")
    yield from _other_output(subject)
    for first, second in _sharing(subject):
        if (first.limit is None) != (second.limit is None) and set(first.columns) != set(
            second.columns
        ):
            yield Problem(
                f"{first.name} and {second.name} share one OutputConfig, though summary and detail have other columns."
            )


def _one_config(subject: Subject) -> Iterator[Problem]:
    for operation in tables_of(subject):
        if operation.connector.output is None:
            yield Problem(
                f"{operation.name} returns a table and has no OutputConfig: a model can't tell what comes."
            )
    for first, second in _sharing(subject):
        if (
            first.fixture["path"] != second.fixture["path"]
            and (first.limit is None) == (second.limit is None)
            and set(first.columns) != set(second.columns)
        ):
            yield Problem(
                f"{first.name} and {second.name} read different resources with one OutputConfig."
            )


def _null_objects(subject: Subject) -> Iterator[Problem]:
    for operation in lists_of(subject):
        api = api_of(subject)
        rows = [row for row in operation.fixture["rows"] if isinstance(row, dict)]
        if len(rows) < 2:
            continue
        objects = [{"a": {"deep": 1}, "b": 2}, None, {"a": None, "b": 3}]
        api.rows[operation.name] = [
            {**row, "owner_of_row": objects[at % 3]} for at, row in enumerate(rows)
        ]
        result = api.ask(operation)
        if result.row_count != len(rows):
            yield Problem(
                f"{operation.name} returns {result.row_count} rows of {len(rows)} where an object is null."
            )
            continue
        cells = [row.get("owner_of_row.b") for row in result.rows]
        expected = [None if one is None else one["b"] for one in objects]
        if cells[:3] != expected[: len(cells[:3])]:
            yield Problem(
                f"{operation.name} mistakes a nested object that is null: {cells[:3]} instead of {expected}."
            )
        if "owner_of_row" in result.rows[0]:
            yield Problem(
                f"{operation.name} returns a column owner_of_row that only says that the object is null here."
            )


# -------------------------------------------------------------------------------------- provenance


class _Bound:
    """What is bound to an operation: a client, which holds credentials."""

    def __repr__(self) -> str:
        return "what-was-bound"


def _no_secret(subject: Subject) -> Iterator[Problem]:
    secret = played_of(subject.directory).secret
    for operation in operations_of(subject):
        text = next(
            (
                wire["field"]
                for wire in operation.fixture["wire"]
                if wire["type"] == "string"
                and isinstance(operation.fixture["every"].get(wire["field"]), str)
                and _takes_any_text(operation, wire["field"])
            ),
            None,
        )
        held = _some_secret(played_of(subject.directory).config, secret)
        params: dict[str, Any] = {} if text is None or held is None else {text: held}
        if operation.limit is not None:
            params[operation.limit] = 1
        provenance = api_of(subject).ask(operation, **params).provenance
        if secret in repr(provenance):
            yield Problem(f"{operation.name} shows a secret in its provenance.")
        lost = {*operation.required, *params} - set(provenance.params)
        if lost:
            yield Problem(
                f"{operation.name} leaves {', '.join(sorted(lost))} out of its provenance."
            )
        if provenance.source != operation.name or not provenance.source_description:
            yield Problem(f"{operation.name} is not named as the source of its result.")
        if provenance.fetched_at is None or provenance.fetched_at.utcoffset() != timedelta(0):
            yield Problem(f"{operation.name} does not say in UTC when its result was fetched.")
        if repr(_Bound()) in repr(operation.connector.bind_deps(client=_Bound())):
            yield Problem(f"{operation.name} shows by repr what is bound to it.")


def _takes_any_text(operation: Operation, field: str) -> bool:
    try:
        operation.connector.params.model_validate({**operation.required, field: "any text"})
    except ValueError:
        return False
    return True


def _some_secret(config: Any, secret: str) -> str | None:
    """Return a secret of the configuration."""
    if isinstance(config, str):
        return config if secret in config else None
    members = (
        config.values() if isinstance(config, dict) else config if isinstance(config, list) else ()
    )
    return next(
        (found for one in members if (found := _some_secret(one, secret)) is not None), None
    )


def _properties(subject: Subject) -> Iterator[Problem]:
    for operation in lists_of(subject):
        whole = api_of(subject).ask(operation)
        cut = api_of(subject).ask(operation, **{str(operation.limit): 1})
        facts, others = dict(whole.provenance.properties), dict(cut.provenance.properties)
        if not facts or facts.get("complete") == others.get("complete"):
            yield Problem(
                f"{operation.name} does not tell in properties whether its list is complete."
            )
        try:
            json.dumps([facts, others])
        except (TypeError, ValueError):
            yield Problem(f"{operation.name} has properties that are no JSON.")


def _count(subject: Subject) -> Iterator[Problem]:
    for operation in operations_of(subject):
        result = api_of(subject).ask(operation)
        served = len(operation.fixture["rows"]) if operation.is_table else 1
        counts = {
            "row_count": result.row_count,
            "rows": len(result.rows),
            "to_dataframe()": len(result.to_dataframe()),
        }
        if operation.is_table:
            counts["data"] = len(result.data)
        for what, count in counts.items():
            if count != served:
                yield Problem(
                    f"{operation.name}: {what} is {count}, and the API answered {served}."
                )
        if operation.limit is not None and operation.is_table:
            rows = api_of(subject).ask(operation, **{operation.limit: 1}).row_count
            if rows > 1:
                yield Problem(f"{operation.name} returns {rows} rows where 1 was asked for.")


CHECKS = [
    Check(
        "agent.text-is-marked",
        "agent",
        "An operation that returns text says so to the model.",
        _text,
        (6,),
    ),
    Check(
        "agent.wide-record-is-summarised",
        "agent",
        "One record of 30 columns or more becomes a summary.",
        _wide,
        (7,),
    ),
    Check(
        "agent.columns-are-returned",
        "agent",
        "An OutputConfig names the columns that the API returns.",
        _returned,
        (21,),
    ),
    Check(
        "agent.missing-columns-are-reported",
        "agent",
        "A column that the API left out is reported.",
        _missing,
        (22,),
    ),
    Check(
        "agent.detail-has-its-own-columns",
        "agent",
        "Summary and detail have an OutputConfig each.",
        _detail,
        (23,),
    ),
    Check(
        "agent.null-objects-are-kept-apart",
        "agent",
        "A nested object that is null breaks no table.",
        _null_objects,
        (24,),
    ),
    Check(
        "agent.one-config-per-resource",
        "agent",
        "Each resource has an OutputConfig of its own.",
        _one_config,
        (25,),
    ),
    Check(
        "agent.provenance-without-secrets",
        "agent",
        "Provenance has the parameters and never a secret.",
        _no_secret,
        (32,),
    ),
    Check(
        "agent.facts-in-properties",
        "agent",
        "What else is known of a result stands in its properties.",
        _properties,
        (33,),
    ),
    Check(
        "agent.row-count-equals-data",
        "agent",
        "row_count is the number of rows that came.",
        _count,
        (45,),
    ),
]
