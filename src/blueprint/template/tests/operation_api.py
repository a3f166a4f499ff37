"""Plays the API for the tests of the operations: answers requests from fixtures, page by page."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import httpx
import pytest

from src.client import ApiClient
from src.config import Config

FIXTURE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "fixtures" / "operations.json").read_text(encoding="utf-8")
)
OPERATIONS: dict[str, dict[str, Any]] = FIXTURE["operations"]
CONFIG: dict[str, Any] = FIXTURE["config"]
#: Every secret of the configuration holds this.
SECRET: str = FIXTURE["secret"]
ROWS_PER_PAGE = 2


Test = TypeVar("Test", bound=Callable[..., None])


def each(names: list[str]) -> Callable[[Test], Test]:
    """Run a test for each operation; where there is none, leave it out."""
    if names:
        return pytest.mark.parametrize("name", names)

    def leave_out(test: Test) -> Test:
        test.__test__ = False  # type: ignore[attr-defined]
        return test

    return leave_out


class PlayedApi(httpx.AsyncBaseTransport):
    """Answers one operation. `failures` are sent first, in order; time passes only by sleeping."""

    def __init__(self, fixture: dict[str, Any], *failures: httpx.Response) -> None:
        self.fixture = fixture
        self.rows: list[Any] = list(fixture["rows"])
        self.failures = list(failures)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []
        self.time = 1_700_000_000.0

    def client(self) -> ApiClient:
        """Return a client that asks this API and doesn't wait."""
        return ApiClient(
            Config.model_validate(CONFIG), transport=self, sleep=self._sleep, now=lambda: self.time
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        await request.aread()
        if request.url.host == "login.test":
            token = {"access_token": f"{SECRET}-token", "token_type": "bearer", "expires_in": 3600}
            return httpx.Response(200, json=token)
        self.requests.append(request)
        if self.failures:
            return self.failures.pop(0)
        if request.method != self.fixture["method"] or not self._is_path(request.url):
            return httpx.Response(404, json={"error": f"no {request.method} {request.url.path}"})
        if self.fixture["result"] == "text":
            return httpx.Response(200, text="words of the document", headers={"X": "y"})
        return self._page(request)

    def _is_path(self, url: httpx.URL) -> bool:
        pattern = _path_pattern(self.fixture["path"].partition("?")[0])
        return re.fullmatch(pattern, url.raw_path.decode().partition("?")[0]) is not None

    # ---------------------------------------------------------------------------------- pages

    def _page(self, request: httpx.Request) -> httpx.Response:
        paging = self.fixture["paging"]
        kind = paging["kind"]
        start = 0 if kind == "none" else int(getattr(self, f"_{kind}_start")(request, paging))
        rows = self.rows if kind == "none" else self.rows[start : start + ROWS_PER_PAGE]
        following = start + len(rows)
        more = following < len(self.rows)
        held: Any = rows
        if self.fixture["shape"] == "map":
            held = {f"key-{start + at}": row for at, row in enumerate(rows)}
        if self.fixture["shape"] == "table":
            held = matrix_of(rows)
        single = self.fixture["limit"] is None
        body = wrap(held, self.fixture["record_path"], single=single)
        headers: dict[str, str] = {}
        next_url = str(request.url.copy_set_param("starting_at", following))
        if kind == "next_url":
            body = put(body, paging["nextPath"], next_url if more else None)
        elif kind == "cursor" and "nextPath" in paging:
            body = put(body, paging["nextPath"], f"after-{following}" if more else None)
        elif kind == "link" and more:
            headers["Link"] = f'<{request.url}>; rel="self", <{next_url}>; rel="next"'
        for key, value in (
            ("hasMorePath", more),
            ("totalPath", len(self.rows)),
            ("totalPagesPath", -(-len(self.rows) // ROWS_PER_PAGE)),
        ):
            if key in paging:
                body = put(body, paging[key], value)
        return httpx.Response(200, json=body, headers=headers)

    def _page_start(self, request: httpx.Request, paging: dict[str, Any]) -> int:
        first: int = paging["startPage"]
        return (int(self._sent(request, paging["pageParam"]) or first) - first) * ROWS_PER_PAGE

    def _offset_start(self, request: httpx.Request, paging: dict[str, Any]) -> int:
        first: int = paging["startOffset"]
        return int(self._sent(request, paging["offsetParam"]) or first) - first

    def _cursor_start(self, request: httpx.Request, paging: dict[str, Any]) -> int:
        cursor = self._sent(request, paging["cursorParam"])
        if not cursor:
            return 0
        if "nextPath" in paging:
            return int(str(cursor).removeprefix("after-"))
        keys = [get(row, paging["lastRecordField"]) for row in self.rows]
        return keys.index(cursor) + 1

    def _next_url_start(self, request: httpx.Request, paging: dict[str, Any]) -> int:
        return int(request.url.params.get("starting_at", 0))

    _link_start = _next_url_start

    def _sent(self, request: httpx.Request, name: str) -> Any:
        in_body = json.loads(request.content).get(name) if request.content else None
        return request.url.params.get(name, in_body)


def matrix_of(rows: list[Any]) -> list[list[Any]]:
    """Return rows as a table: a list of lists, of which the first names the columns."""
    names = [name for name in rows[0] if name != "_row"] if rows else []
    return [names, *([row[name] for name in names] for row in rows)] if rows else []


def wrap(rows: Any, path: list[str], *, single: bool) -> Any:
    """Put rows where the record path says; `*` stands for the elements of a list."""
    if not path:
        return rows[0] if single and rows else rows
    key, *rest = path
    if key != "*":
        return {key: wrap(rows, rest, single=single)}
    return [wrap([row], rest, single=True) for row in rows] if rest else rows


def put(body: Any, path: list[str], value: Any) -> Any:
    """Set a value in a body beside its rows."""
    if not isinstance(body, dict):
        return body
    key, *rest = path
    return {**body, key: put(body.get(key, {}), rest, value) if rest else value}


def get(row: Any, path: list[str]) -> Any:
    """Return what stands at a path."""
    for key in path:
        row = row[key]
    return row


def sent_values(request: httpx.Request, place: str, name: str, template: str) -> list[str]:
    """Return the values of a parameter as they arrived."""
    if place == "query":
        return request.url.params.get_list(name)
    if place == "header":
        return request.headers.get_list(name)
    if place == "cookie":
        pairs = request.headers.get("Cookie", "").split("; ")
        return [pair.partition("=")[2] for pair in pairs if pair.partition("=")[0] == name]
    if place == "body":
        body = json.loads(request.content)
        return [json.dumps(body[name])] if name in body else []
    found = re.fullmatch(_path_pattern(template), request.url.raw_path.decode().partition("?")[0])
    names = re.findall(r"\{([^{}]*)\}", template)
    return [unquote(found.group(names.index(name) + 1))] if found else []


def _path_pattern(template: str) -> str:
    """Return what a path looks like on the wire: what stands in it is percent-encoded there."""
    literals = re.split(r"\{[^/]*?\}", f"/base{template}")
    return "([^/]+)".join(re.escape(quote(text, safe="/%:@!$&'()*+,;=~[]")) for text in literals)
