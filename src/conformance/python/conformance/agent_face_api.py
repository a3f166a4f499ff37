"""Plays an API for one operation after the other, over the connector's transport and on a clock that only sleeping moves."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

import httpx

from .agent_face_subject import Face, Operation, Played, face_of, played_of
from .model import Subject

PER_PAGE = 3
"""Rows of one page; fewer than a list has."""

LOGIN_HOST = "login.test"
BASE_PATH = "/base"
"""How the base URL of the fixtures' configuration ends."""
_LONGEST = 30.0
"""Real seconds for one call: nothing here waits, so a call that takes longer is caught in a circle."""

Failure = Callable[[httpx.Request], httpx.Response]


def throttled(seconds: float | None = None, *, body: Mapping[str, Any] | None = None) -> Failure:
    """Return a 429 that asks to wait so long, in its header; or only as `body` says."""
    headers = {} if seconds is None else {"Retry-After": f"{seconds:g}"}
    return lambda _: httpx.Response(429, headers=headers, json=dict(body or {"error": "slow down"}))


def refused(status: int, text: str = "no") -> Failure:
    """Return an answer of this status."""
    return lambda _: httpx.Response(status, json={"error": text})


class OperationApi(httpx.AsyncBaseTransport):
    """Answers requests of operations with rows of its own.

    `failures` are sent first, in their order. `rows` replaces the rows of an operation by its name.
    """

    def __init__(self, face: Face, played: Played) -> None:
        self._face = face
        self._played = played
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []
        self.failures: list[Failure] = []
        #: Failures by the number of the request that meets them, counted from 0.
        self.failures_at: dict[int, Failure] = {}
        self.rows: dict[str, list[Any]] = {}
        self.time = 1_700_000_000.0
        self._called: str | None = None

    # ---------------------------------------------------------------------------------- asking

    def ask(self, operation: Operation, **params: Any) -> Any:
        """Call an operation with its required parameters and others, and return its result."""
        return asyncio.run(self.within_limit(operation, {**operation.required, **params}))

    def failing(self, operation: Operation, **params: Any) -> BaseException | None:
        """Return what a call raises, or None."""
        try:
            self.ask(operation, **params)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
            return error
        return None

    async def within_limit(self, operation: Operation, params: Mapping[str, Any]) -> Any:
        """Call an operation within a limit of real time."""
        return await asyncio.wait_for(self.call(operation, params), _LONGEST)

    async def call(self, operation: Operation, params: Mapping[str, Any]) -> Any:
        """Call an operation with these parameters, on a client of its own."""
        self._called = operation.name
        needed = set(operation.connector.dependencies)
        if "client" not in needed:
            return await operation.connector.bind_deps(**dict.fromkeys(needed, "unknown"))(params)
        config = self._face.config.Config.model_validate(dict(self._played.config))
        client = self._face.client.ApiClient(
            config, transport=self, sleep=self._sleep, now=lambda: self.time
        )
        async with client:
            return await operation.connector.bind_deps(client=client)(params)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    # ------------------------------------------------------------------------------- answering

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        await request.aread()
        if request.url.host == LOGIN_HOST:
            token = f"{self._played.secret}-token"
            return httpx.Response(
                200, json={"access_token": token, "token_type": "bearer", "expires_in": 3600}
            )
        self.requests.append(request)
        if self.failures:
            return self.failures.pop(0)(request)
        if len(self.requests) - 1 in self.failures_at:
            return self.failures_at[len(self.requests) - 1](request)
        named = self._named(request)
        if named is None:
            return httpx.Response(404, json={"error": f"no {request.method} {request.url.path}"})
        name, fixture = named
        if fixture["result"] == "text":
            return httpx.Response(200, text="words of a document")
        return self._page(request, fixture, self.rows.get(name, list(fixture["rows"])))

    def _named(self, request: httpx.Request) -> tuple[str, Mapping[str, Any]] | None:
        """Return the operation that a request is for; paths with fewer parameters come first.

        Where several have the same address, as searches for one kind of rows or another, it is the one that was called.
        """
        found = [
            (len(re.findall(r"\{", fixture["path"])), name != self._called, name, fixture)
            for name, fixture in self._played.operations.items()
            if fixture["method"] == request.method
            and path_values(request, fixture["path"]) is not None
        ]
        if not found:
            return None
        _, _, name, fixture = min(found, key=lambda one: one[:2])
        return name, fixture

    def _page(
        self, request: httpx.Request, fixture: Mapping[str, Any], rows: list[Any]
    ) -> httpx.Response:
        paging = fixture["paging"]
        paged = paging["kind"] != "none"
        start = _start(request, paging, rows) if paged else 0
        shown = rows[start : start + PER_PAGE] if paged else rows
        following = start + len(shown)
        more = following < len(rows)
        held: Any = shown
        if fixture["shape"] == "map":
            held = {f"key-{start + at}": row for at, row in enumerate(shown)}
        if fixture["shape"] == "table" and all(isinstance(row, dict) for row in shown):
            names = [name for name in (shown[0] if shown else {}) if name != "_row"]
            held = [names, *[[row.get(name) for name in names] for row in shown]] if names else []
        body = _wrapped(held, fixture["record_path"], single=fixture["limit"] is None)
        next_url = str(request.url.copy_set_param("starting_at", following))
        headers = {"Link": f'<{next_url}>; rel="next"'} if paging["kind"] == "link" and more else {}
        facts = {
            "nextPath": (next_url if paging["kind"] == "next_url" else f"after-{following}")
            if more
            else None,
            "hasMorePath": more,
            "totalPath": len(rows),
            "totalPagesPath": -(-len(rows) // PER_PAGE),
        }
        for key, value in facts.items():
            if paged and paging.get(key):
                body = _put(body, paging[key], value)
        return httpx.Response(200, json=body, headers=headers)


def _start(request: httpx.Request, paging: Mapping[str, Any], rows: list[Any]) -> int:
    """Return the number of the first row of the page that a request asks for."""

    def sent(name: str) -> Any:
        body = json.loads(request.content) if request.content else {}
        return request.url.params.get(name) or body.get(name)

    kind = paging["kind"]
    if kind == "page":
        first = int(paging["startPage"])
        return (int(sent(paging["pageParam"]) or first) - first) * PER_PAGE
    if kind == "offset":
        first = int(paging["startOffset"])
        return int(sent(paging["offsetParam"]) or first) - first
    if kind != "cursor":
        return int(sent("starting_at") or 0)
    cursor = sent(paging["cursorParam"])
    if not cursor:
        return 0
    if paging.get("nextPath"):
        return int(str(cursor).removeprefix("after-"))
    keys = [str(value_at(row, paging["lastRecordField"])) for row in rows]
    return keys.index(str(cursor)) + 1


def _wrapped(rows: Any, path: list[str], *, single: bool) -> Any:
    if not path:
        return rows[0] if single and rows else rows
    key, *rest = path
    if key != "*":
        return {key: _wrapped(rows, rest, single=single)}
    return [_wrapped([row], rest, single=True) for row in rows] if rest else rows


def _put(body: Any, path: list[str], value: Any) -> Any:
    if not isinstance(body, dict):
        return body
    key, *rest = path
    return {**body, key: _put(body.get(key, {}), rest, value) if rest else value}


def value_at(row: Any, path: list[str]) -> Any:
    """Return what stands at a path of a row; None where it has no such path."""
    for key in path:
        if not isinstance(row, dict) or key not in row:
            return None
        row = row[key]
    return row


def path_values(request: httpx.Request, template: str) -> dict[str, str] | None:
    """Return the values of a path's parameters as they arrived; None for a request of another path."""
    plain = template.partition("?")[0]
    literals = [
        re.escape(quote(text, safe="/%:@!$&'()*+,;=~[]")) for text in re.split(r"\{[^/]*?\}", plain)
    ]
    sent = request.url.raw_path.decode().partition("?")[0]
    found = re.fullmatch(BASE_PATH + "([^/]+)".join(literals), sent)
    if found is None:
        return None
    names = re.findall(r"\{([^{}]*)\}", plain)
    return {name: unquote(value) for name, value in zip(names, found.groups(), strict=False)}


def sent_values(request: httpx.Request, wire: Mapping[str, Any], template: str) -> list[str]:
    """Return the values with which a parameter arrived."""
    place, name = wire["in"], wire["name"]
    if place == "query":
        return request.url.params.get_list(name)
    if place == "header":
        return request.headers.get_list(name)
    if place == "cookie":
        pairs = [pair.partition("=") for pair in request.headers.get("Cookie", "").split("; ")]
        return [value for key, _, value in pairs if key == name]
    if place == "body":
        body = json.loads(request.content) if request.content else {}
        return (
            [body[name] if isinstance(body[name], str) else json.dumps(body[name])]
            if name in body
            else []
        )
    return [value for key, value in (path_values(request, template) or {}).items() if key == name]


def as_sent(value: Any, wire: Mapping[str, Any]) -> str:
    """Return a value as text, within the quotation marks that the API wants, where it does."""
    mark = wire.get("quote", "")
    text = str(value)
    return f"{mark}{text.replace(mark, mark * 2)}{mark}" if mark else text


def api_of(subject: Subject) -> OperationApi:
    """Return a new API for the connector's operations."""
    return OperationApi(face_of(subject.directory), played_of(subject.directory))
