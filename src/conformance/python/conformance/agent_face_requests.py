"""What requests of operations carry, whoever calls them: fixed values, quoted values, and answers without any table."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from .agent_face_api import OperationApi, api_of, as_sent, sent_values
from .agent_face_subject import Operation, operations_of, some
from .model import Check, Problem, Subject


def _fixed(subject: Subject) -> Iterator[Problem]:
    fit = some(
        [one for one in operations_of(subject) if one.fixture["constants"]],
        "No operation sends anything that is fixed.",
    )
    for operation in fit:
        api = api_of(subject)
        api.failing(operation)
        path = operation.fixture["path"]
        for constant in operation.fixture["constants"]:
            lacking = [request for request in api.requests if not _carries(request, constant, path)]
            if lacking or not api.requests:
                yield Problem(
                    f"{operation.name}: {len(lacking)} of {len(api.requests)} requests lack {constant['name']} in the "
                    f"{constant['in']}, which is always {json.dumps(constant['value'])[:120]}."
                )


def _carries(request: httpx.Request, constant: Mapping[str, Any], path: str) -> bool:
    """Whether a request carries a fixed value; lists may stand in several values or in one, objects key by key."""
    name, value = constant["name"], constant["value"]
    if constant["in"] == "body":
        body = json.loads(request.content) if request.content else {}
        return isinstance(body, dict) and name in body and bool(body[name] == value)
    if isinstance(value, dict):
        return all(
            _carries(request, {**constant, "name": f"{name}[{key}]", "value": one}, path)
            for key, one in value.items()
        )
    wanted = [_text(one) for one in value] if isinstance(value, list) else [_text(value)]
    return sent_values(request, constant, path) in (wanted, [",".join(wanted)])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(subject: Subject) -> Iterator[Problem]:
    fit = some(
        [
            (operation, wire)
            for operation in operations_of(subject)
            for wire in operation.fixture["wire"]
            if "quote" in wire
        ],
        "No operation sends a value in quotation marks.",
    )
    for operation, wire in fit:
        mark = wire["quote"]
        for value in ("any words", f"it{mark}s in two", f"{mark}whole{mark}"):
            api = api_of(subject)
            error = api.failing(operation, **{wire["field"]: value})
            right = [as_sent(value, wire)]
            sent = [
                sent_values(request, wire, operation.fixture["path"]) for request in api.requests
            ]
            if not sent:
                yield Problem(
                    f"{operation.name}({wire['field']}={value!r}) sends no request: {error!r:.150}"
                )
            elif any(one != right for one in sent):
                yield Problem(
                    f"{operation.name}({wire['field']}={value!r}) sends {sent[0]} and not {right}: marks enclose the"
                    " value, and those within it are doubled."
                )


def _without_cells(subject: Subject) -> Iterator[Problem]:
    fit = some(
        [one for one in operations_of(subject) if _may_be_left_out(one)],
        "No operation reads a table that an answer may leave out.",
    )
    for operation in fit:
        api = _answering(subject, operation, {"range": "all"})
        error = api.failing(operation)
        # A search that found nothing says with what; it does not say that the API is broken.
        told = operation.fixture["kind"] != "list" and all(
            name in str(error) for name in operation.required
        )
        if error is not None and not told:
            yield Problem(
                f"{operation.name} takes a table without any cell for a failure: {error!s:.150}"
            )
        api = _answering(subject, operation, None)
        if not isinstance(api.failing(operation), ValueError):
            yield Problem(f"{operation.name} takes a failure with status 200 for an empty table.")


def _may_be_left_out(operation: Operation) -> bool:
    path = operation.fixture["record_path"]
    return bool(operation.fixture["shape"] == "table" and path and "*" not in path)


def _answering(subject: Subject, operation: Operation, beside: Any) -> OperationApi:
    """Return an API whose answers have something beside where the table would be; an error in its place for None."""
    body = {"error": {"code": 7}} if beside is None else beside
    if beside is not None:
        for key in reversed(operation.fixture["record_path"][:-1]):
            body = {key: body}
    api = api_of(subject)
    api.failures = [lambda _: httpx.Response(200, json=body)] * 4
    return api


CHECKS = [
    Check(
        "agent.fixed-values-are-sent",
        "agent",
        "What the API always needs goes with every request.",
        _fixed,
    ),
    Check(
        "agent.quoted-values-arrive-whole",
        "agent",
        "A value in quotation marks arrives whole, whatever it holds.",
        _quoted,
    ),
    Check(
        "agent.a-table-without-cells-is-empty",
        "agent",
        "A table without any cell is empty, and a failure is not.",
        _without_cells,
    ),
]
