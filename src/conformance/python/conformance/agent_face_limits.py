"""Rules 13 to 17, 36 and 37: throttling, refusals and empty results, as a model meets them."""

import ast
import re
import traceback
from collections.abc import Iterator
from pathlib import Path

from .agent_face_api import api_of, refused, throttled
from .agent_face_subject import (
    Operation,
    imported,
    modules_of,
    name_of,
    operations_of,
    played_of,
    some,
)
from .model import Check, Problem, Subject

_MOST_RETRIES = 3
_ADVICE = re.compile(
    r"no use|(other|another|different) (source|operation|tool|key)|instead|(do not|don't|stop) (call|retry|try|ask)",
    re.IGNORECASE,
)
"""How a message tells a model not to call again; the time alone tempts it to try."""

_PATIENCE = 60.0
"""Seconds. A longer wait is a quota that is used up."""

_LONGEST_MESSAGE = 1500
_OTHER_CLIENTS = frozenset(
    {"requests", "aiohttp", "urllib3", "urllib.request", "http.client", "pycurl", "httpx_sse"}
)
_HTTP_CALLS = frozenset(
    [
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "head",
        "options",
        "request",
        "stream",
        "Client",
        "AsyncClient",
    ]
)
_ONE_HELPER = "client.py"


def _burst(subject: Subject) -> Iterator[Problem]:
    for operation in operations_of(subject):
        api = api_of(subject)
        quiet = api_of(subject)
        quiet.ask(operation)
        api.failures = [throttled(7), throttled(7)]
        error = api.failing(operation)
        if error is not None:
            yield Problem(f"{operation.name} gives up on a short limit: {error!s:.150}")
        elif len(api.requests) != len(quiet.requests) + 2:
            yield Problem(
                f"{operation.name} sends {len(api.requests)} requests instead of {len(quiet.requests) + 2}."
            )
        elif len(api.slept) < 2 or min(sorted(api.slept)[-2:]) < 7:
            yield Problem(
                f"{operation.name} asks again before the time that the API named: {api.slept}."
            )


def _at_most_three(subject: Subject) -> Iterator[Problem]:
    for operation in operations_of(subject):
        api = api_of(subject)
        api.failures = [throttled() for _ in range(20)]
        error = api.failing(operation)
        retries = len(api.requests) - 1
        if not isinstance(error, ValueError):
            yield Problem(
                f"{operation.name} raises {error!r:.150} on an endless limit, not a ValueError in words."
            )
        if retries != _MOST_RETRIES:
            yield Problem(
                f"{operation.name} tries {retries} times again on an endless limit, not {_MOST_RETRIES} times."
            )
        waits = api.slept[-_MOST_RETRIES:]
        # Each wait has jitter of at most a half; doubling outgrows it over two steps.
        if len(waits) > 2 and waits[-1] <= waits[0]:
            yield Problem(f"{operation.name} does not wait longer from try to try: {waits}.")


def _quota(subject: Subject) -> Iterator[Problem]:
    for operation in operations_of(subject):
        api = api_of(subject)
        api.failures = [throttled(_PATIENCE * 60) for _ in range(20)]
        error = api.failing(operation)
        if not isinstance(error, ValueError) or not re.search(r"quota", str(error), re.IGNORECASE):
            yield Problem(
                f"{operation.name} does not say that the quota is used up, but {error!r:.150}"
            )
        elif not _ADVICE.search(str(error)):
            yield Problem(
                f"{operation.name} does not say that calling again is of no use, and what to do instead: {error!s:.150}"
            )
        if len(api.requests) != 1 or sum(api.slept) >= 1:
            yield Problem(
                f"{operation.name} spends {len(api.requests)} requests and {sum(api.slept):.0f} s on a quota that is used up."
            )


def _asked_wait(subject: Subject) -> Iterator[Problem]:
    operation = operations_of(subject)[0]
    for place, failure in (
        ("header", throttled(11)),
        ("body", throttled(body={"retry_after": 11})),
    ):
        api = api_of(subject)
        api.failures = [failure]
        error = api.failing(operation)
        if error is not None or not api.slept or not 11 <= max(api.slept) < 13:
            yield Problem(
                f"A wait of 11 s that the {place} names is not kept: slept {api.slept}, {error!r:.100}."
            )
    for place, failure in (
        ("header", throttled(3600)),
        ("body", throttled(body={"retry_after": 3600})),
    ):
        api = api_of(subject)
        api.failures = [failure]
        if api.failing(operation) is None:
            yield Problem(f"A quota that the {place} names is waited for: {api.slept}.")


def _one_helper(subject: Subject) -> Iterator[Problem]:
    for module in modules_of(subject.directory):
        origins = dict(imported(module.tree))
        others = {
            origin
            for origin in origins.values()
            if any(origin == one or origin.startswith(f"{one}.") for one in _OTHER_CLIENTS)
        }
        if others:
            yield Problem(
                f"Speaks HTTP through {', '.join(sorted(others))}, past the client.", module.file, 1
            )
        if Path(module.file).name == _ONE_HELPER:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                name = name_of(node)
                owner, _, last = name.rpartition(".")
                if (owner == "httpx" and last in _HTTP_CALLS) or origins.get(name, "") in {
                    f"httpx.{one}" for one in _HTTP_CALLS
                }:
                    yield Problem(
                        f"{name} is called past the client, so nothing retries or redacts.",
                        module.file,
                        node.lineno,
                    )


def _shown(error: BaseException) -> str:
    """Return everything that a traceback shows of an error and of what it is chained to."""
    return "".join(traceback.format_exception(error)) + repr(error)


def _permission(subject: Subject) -> Iterator[Problem]:
    secret = played_of(subject.directory).secret
    for operation in operations_of(subject):
        api = api_of(subject)
        api.failures = [refused(403, f"premium only {'x' * 5000}") for _ in range(20)]
        error = api.failing(operation)
        text = str(error)
        if not isinstance(error, ValueError) or not re.search(
            r"permission|scope|plan|tier|not allow", text, re.IGNORECASE
        ):
            yield Problem(
                f"{operation.name} does not say of a 403 that a permission or plan is missing, but {error!r:.150}"
            )
            continue
        if "403" not in text:
            yield Problem(f"{operation.name} does not name the status 403.")
        if len(api.requests) != 1:
            yield Problem(
                f"{operation.name} asks {len(api.requests)} times for what is not allowed."
            )
        if len(text) > _LONGEST_MESSAGE:
            yield Problem(f"{operation.name} answers a 403 with {len(text)} characters.")
        if error.__cause__ is not None or secret in _shown(error):
            yield Problem(
                f"{operation.name} chains the original error to that of a 403, which shows the request."
            )


def _empty(subject: Subject) -> Iterator[Problem]:
    for operation in operations_of(subject):
        if operation.is_table:
            yield from _empty_answer(subject, operation)


def _empty_answer(subject: Subject, operation: Operation) -> Iterator[Problem]:
    api = api_of(subject)
    api.rows[operation.name] = []
    if operation.fixture["kind"] == "list" and operation.limit is not None:
        error = api.failing(operation)
        if error is not None and not operation.required:
            yield Problem(
                f"{operation.name} fails on an empty list, which is normal without filters:"
                f" {error!r:.120}"
            )
        return
    filtered = {**operation.required, **_filters(operation)}
    for given in (operation.required, filtered):
        if operation.limit is None:
            api.failures = [refused(404, "nothing")]
        error = api.failing(operation, **given)
        unnamed = [name for name in given if name not in str(error)]
        if not isinstance(error, ValueError):
            yield Problem(
                f"{operation.name} raises no ValueError where nothing is found: {error!r:.120}"
            )
        elif unnamed:
            yield Problem(
                f"{operation.name} finds nothing and does not name {', '.join(unnamed)}: a model"
                " can't tell what to change."
            )


def _filters(operation: Operation) -> dict[str, object]:
    """Return one optional parameter with a valid value, if there is one."""
    return next(
        (
            {name: value}
            for name, value in operation.fixture["every"].items()
            if name not in operation.required
        ),
        {},
    )


def _has_search(subject: Subject) -> Iterator[Problem]:
    some([one for one in operations_of(subject) if one.is_table], "No operation returns a table.")
    yield from _empty(subject)


CHECKS = [
    Check(
        "agent.burst-is-retried", "agent", "A limit of seconds is waited for unseen.", _burst, (13,)
    ),
    Check(
        "agent.three-retries-at-most",
        "agent",
        "A limit without end is retried three times, with growing waits.",
        _at_most_three,
        (14,),
    ),
    Check(
        "agent.quota-fails-at-once",
        "agent",
        "A used-up quota fails at once and says so.",
        _quota,
        (15,),
    ),
    Check(
        "agent.named-wait-is-kept",
        "agent",
        "The wait that a header or a body names is kept.",
        _asked_wait,
        (16,),
    ),
    Check(
        "agent.one-http-helper",
        "agent",
        "Every request goes through the one client.",
        _one_helper,
        (17,),
    ),
    Check(
        "agent.missing-permission-is-clear",
        "agent",
        "A 403 reads as a missing permission and is not retried.",
        _permission,
        (36,),
    ),
    Check(
        "agent.empty-search-names-parameters",
        "agent",
        "Finding nothing raises ValueError with the parameters.",
        _has_search,
        (37,),
    ),
]
