"""Rules 26 to 31 and 38 to 40: what leads a model from one operation to the next, and whether the way can be gone."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from .agent_face_api import api_of, as_sent, refused, sent_values, throttled, value_at
from .agent_face_subject import (
    Operation,
    lists_of,
    modules_of,
    name_of,
    operations_of,
    some,
    tables_of,
)
from .model import Check, NotApplicable, Problem, Subject

_KINDS = frozenset({"list", "search", "get"})
_NAMED = re.compile(r"\b([a-z]\w*)\((\w+)=")
_ALIKE = 1 / 3
"""Share of columns that rows of one table have in common at least."""

Step = tuple[Operation, Operation, dict[str, Any]]


def _steps(operations: list[Operation]) -> list[Step]:
    """Return the steps from one operation to another: a column of the first is a parameter of the second."""
    by_name = {one.name: one for one in operations}
    return [
        (one, by_name[step["operation"]], step)
        for one in operations
        for step in one.fixture["next"]
        if step["operation"] in by_name
    ]


def _in_path(step: Step) -> bool:
    _, target, told = step
    return any(
        wire["field"] == told["parameter"] and wire["in"] == "path"
        for wire in target.fixture["wire"]
    )


def _named_in(operation: Operation) -> set[tuple[str, str]]:
    return set(_NAMED.findall(str(operation.connector.description)))


def _names_next(subject: Subject) -> Iterator[Problem]:
    operations = operations_of(subject)
    by_name = {one.name: one for one in operations}
    for operation in operations:
        for named, parameter in sorted(_named_in(operation)):
            if named not in by_name:
                yield Problem(f"{operation.name} names {named}, which does not exist.")
            elif parameter not in by_name[named].schema():
                yield Problem(
                    f"{operation.name} names {named}({parameter}=…), which takes no {parameter}."
                )
    for source, target, told in filter(_in_path, _steps(operations)):
        if (target.name, told["parameter"]) not in _named_in(source):
            yield Problem(
                f"{source.name} does not say that {told['column']} leads to {target.name}({told['parameter']}=…)."
            )


def _names_source(subject: Subject) -> Iterator[Problem]:
    steps = [step for step in _steps(operations_of(subject)) if _in_path(step)]
    needed = some(steps, "No operation needs an identifier of another.")
    targets = {target.name: target for _, target, _ in needed}
    for target in targets.values():
        for parameter in {told["parameter"] for _, one, told in needed if one.name == target.name}:
            sources = {
                one.name
                for one, other, told in steps
                if other.name == target.name and told["parameter"] == parameter
            }
            text = f"{target.connector.description} {target.schema()[parameter].get('description', '')}"
            if not any(re.search(rf"\b{name}\b", text) for name in sources):
                yield Problem(
                    f"{target.name} does not say which operation gives {parameter}: {', '.join(sorted(sources))}."
                )


def _names_filters(subject: Subject) -> Iterator[Problem]:
    lookups = [step for step in _steps(operations_of(subject)) if not _in_path(step)]
    for source, target, told in some(lookups, "No operation gives codes for another's filter."):
        if (target.name, told["parameter"]) not in _named_in(source):
            yield Problem(
                f"{source.name} does not name the filter {target.name}({told['parameter']}=…) that takes its {told['column']}."
            )


def _reachable(subject: Subject) -> Iterator[Problem]:
    operations = operations_of(subject)
    targets = {name for one in operations for name, _ in _named_in(one)}
    for operation in operations:
        kinds = _KINDS & set(operation.connector.tags)
        if len(kinds) != 1:
            yield Problem(
                f"{operation.name} is tagged {sorted(kinds)}: a model narrows down by one of list, search, get."
            )
        elif (kinds == {"get"}) != (
            operation.limit is None and operation.is_table
        ) and operation.is_table:
            yield Problem(
                f"{operation.name} is tagged {sorted(kinds)} and returns {'one record' if operation.limit is None else 'a list'}."
            )
        needs = [
            wire
            for wire in operation.fixture["wire"]
            if wire["in"] == "path" and wire["field"] in operation.required
        ]
        listed = [
            one
            for one in operations
            if one is not operation and one.limit and _lists(one, operation)
        ]
        if needs and listed and operation.name not in targets:
            yield Problem(
                f"No operation leads to {operation.name}, though {listed[0].name} lists what it"
                " fetches.",
                # A list without keys can't lead on, whatever its docstring says.
                note=not _has_key(listed[0]),
            )


def _has_key(operation: Operation) -> bool:
    output = operation.connector.output
    return output is not None and any(column.role == "KEY" for column in output.columns)


def _lists(source: Operation, target: Operation) -> bool:
    """Whether one lists what the other fetches by its identifier: `/tasks` and `/tasks/{id}`."""
    return bool(
        re.fullmatch(
            re.escape(str(source.fixture["path"]).rstrip("/")) + r"/\{[^{}/]*\}",
            str(target.fixture["path"]),
        )
    )


def _one_kind_of_table(subject: Subject) -> Iterator[Problem]:
    for operation in tables_of(subject):
        shapes = {
            frozenset(row) for row in operation.fixture["rows"] if isinstance(row, dict) and row
        }
        for first in shapes:
            for second in shapes:
                if len(first & second) < _ALIKE * len(first | second):
                    yield Problem(
                        f"{operation.name} puts rows with other columns into one table: list the tables first, then fetch one."
                    )
                    return


def _no_batching(subject: Subject) -> Iterator[Problem]:
    lists = 0
    for operation in operations_of(subject):
        for name, value in operation.fixture["every"].items():
            if not isinstance(value, list):
                continue
            lists += 1
            one, many = api_of(subject), api_of(subject)
            one.ask(operation, **{name: value[:1]})
            many.ask(operation, **{name: value[:1] * 4})
            if len(many.requests) != len(one.requests):
                yield Problem(
                    f"{operation.name}({name}=…) sends {len(many.requests)} requests for 4 values: the server has no batch, so offer none."
                )
    for module in modules_of(subject.directory):
        for function in module.operations:
            for loop in ast.walk(function):
                if isinstance(loop, (ast.For, ast.AsyncFor, ast.comprehension)) and name_of(
                    loop.iter
                ).startswith("params."):
                    holder = function if isinstance(loop, ast.comprehension) else loop
                    if any(isinstance(node, ast.Await) for node in ast.walk(holder)):
                        lists += 1
                        yield Problem(
                            f"{function.name} calls the API once for each of {name_of(loop.iter)}.",
                            module.file,
                            loop.iter.lineno,
                        )
    if lists == 0:
        raise NotApplicable("No operation takes a list of values.")


# --------------------------------------------------------------------------------------- workflows


def _chains(subject: Subject) -> list[Step]:
    steps = [step for step in _steps(operations_of(subject)) if step[0].is_table]
    return some(steps, "No operation leads to another.")


def _value(step: Step) -> Any:
    """Return the value of the first row that a step carries on."""
    source, _, told = step
    row = source.fixture["rows"][0]
    return row.get(told["column"], value_at(row, told["column"].split(".")))


def _chain(subject: Subject) -> Iterator[Problem]:
    for step in _chains(subject):
        source, target, told = step
        api = api_of(subject)
        row = api.ask(source).rows[0]
        if told["column"] not in row:
            yield Problem(
                f"{source.name} leads on by {told['column']}, which its table does not have."
            )
            continue
        value = row[told["column"]]
        wire = next(one for one in target.fixture["wire"] if one["field"] == told["parameter"])
        api.requests.clear()
        error = api.failing(
            target, **{told["parameter"]: [value] if wire["type"] == "array" else value}
        )
        if error is not None:
            yield Problem(
                f"{target.name} does not take {told['column']} of {source.name}: {error!s:.150}"
            )
        elif as_sent(value, wire) not in sent_values(api.requests[0], wire, target.fixture["path"]):
            yield Problem(
                f"{target.name} does not send the {told['parameter']} that came from {source.name}."
            )


def _recovers(subject: Subject) -> Iterator[Problem]:
    for operation in lists_of(subject):
        api = api_of(subject)
        api.rows[operation.name] = []
        filters = {
            name: value
            for name, value in operation.fixture["every"].items()
            if name not in operation.required
        }
        if not filters and operation.fixture["kind"] != "search":
            continue
        first = api.failing(operation, **dict(list(filters.items())[:1]))
        if not isinstance(first, ValueError):
            yield Problem(
                f"{operation.name} answers an empty first search with {first!r:.120}, so nobody is told to change it."
            )
        api.rows.clear()
        if second := api.failing(operation):
            yield Problem(f"{operation.name} fails after an empty first result: {second!s:.150}")
    operations = operations_of(subject)
    api = api_of(subject)
    api.failures = [refused(403)]
    api.failing(operations[0])
    for operation in operations:
        if error := api.failing(operation):
            yield Problem(
                f"{operation.name} fails after another operation was refused: {error!s:.150}"
            )


def _throttled(subject: Subject) -> Iterator[Problem]:
    for operation in lists_of(subject):
        quiet, api = api_of(subject), api_of(subject)
        expected = quiet.ask(operation).rows
        api.failures_at[len(quiet.requests) // 2] = throttled(2)
        try:
            rows = api.ask(operation).rows
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
            yield Problem(
                f"{operation.name} fails when it is throttled in the middle: {error!s:.150}"
            )
            continue
        if rows != expected:
            yield Problem(
                f"{operation.name} returns {len(rows)} rows instead of {len(expected)} when it is"
                " throttled in the middle."
            )


CHECKS = [
    Check(
        "agent.next-operation-is-named",
        "agent",
        "Docstrings name the next operation and its parameter.",
        _names_next,
        (26,),
    ),
    Check(
        "agent.source-of-identifiers-is-named",
        "agent",
        "Docstrings name where identifiers come from.",
        _names_source,
        (27,),
    ),
    Check(
        "agent.lookups-name-their-filters",
        "agent",
        "Lookups name the filters that take their codes.",
        _names_filters,
        (28,),
    ),
    Check(
        "agent.every-operation-is-reachable",
        "agent",
        "From a list or search every detail can be reached.",
        _reachable,
        (29,),
    ),
    Check(
        "agent.one-kind-of-rows-per-table",
        "agent",
        "No table mixes rows of different kinds.",
        _one_kind_of_table,
        (30,),
    ),
    Check(
        "agent.no-batch-in-a-loop",
        "agent",
        "A list of values is one request, or is not offered.",
        _no_batching,
        (31,),
    ),
    Check(
        "agent.chain-can-be-followed",
        "agent",
        "What one operation returns, the next one takes.",
        _chain,
        (38,),
    ),
    Check(
        "agent.recovers-after-nothing",
        "agent",
        "An empty or refused first call hinders no later one.",
        _recovers,
        (39,),
    ),
    Check(
        "agent.throttled-in-the-middle",
        "agent",
        "Throttling between pages loses no row.",
        _throttled,
        (40,),
    ),
]
