"""A server of the API for the tests: it answers HTTP requests as the API does, from `fixtures/`.

It knows nothing of the connector's code: what a request must look like, and how the answer is paged, stands in
`fixtures/api.json`. What is wrong with a request is answered as an API would (400, 401, 404), in words.
"""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx

from tests.mock_sign_in import RefusedError, SignIn, with_made_keys

FIXTURES = Path(__file__).parent / "fixtures"
API: dict[str, Any] = json.loads((FIXTURES / "api.json").read_text(encoding="utf-8"))
API["auth"] = [with_made_keys(option) for option in API["auth"]]  # <feature auth.jwt_bearer>
STREAMS: dict[str, dict[str, Any]] = API["streams"]

LARGEST_PAGE = 2
"""Rows a page, whatever is asked for: servers cap the size."""


def collections(stream: str) -> list[dict[str, Any]]:
    """The lists that a stream is read from, as they stand in its fixture."""
    text = (FIXTURES / "streams" / f"{stream}.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)
    return found


def expected_records(stream: str, skip: int = 0) -> list[dict[str, Any]]:
    """The records that a full read must bring, without those of the first few lists."""
    records = []
    for collection in collections(stream)[skip:]:
        for row in collection["rows"]:
            record = row if isinstance(row, dict) else {"value": row}
            records.append({**collection["columns"], **record})
    return records


def value_at(value: Any, path: list[str]) -> Any:
    """What stands at a path."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def put(target: dict[str, Any], path: list[str], value: Any) -> None:
    """Set what stands at a path."""
    for key in path[:-1]:
        target = target.setdefault(key, {})
    target[path[-1]] = value


@dataclass
class Fault:
    """What happens instead of the right answer: a status, or an exception of the network."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    error: type[httpx.TransportError] | None = None
    times: int = 1
    path: str = ""
    skip: int = 0


class MockApi(SignIn, httpx.AsyncBaseTransport):
    """The API, as a transport for httpx."""

    def __init__(self, auth: int = 0) -> None:
        super().__init__(API["auth"][auth] if API["auth"] else None)
        self.requests: list[httpx.Request] = []
        self.faults: list[Fault] = []
        self.rows = {name: collections(name) for name in STREAMS}
        self.base_url = httpx.URL(API["base_url"])
        # <feature paging.cursor|paging.next_url|paging.link>
        self.repeat_next = False
        # </feature>
        # <feature paging.next_url|paging.link>
        self.next_host: str | None = None
        # </feature>
        # <feature paging.page|paging.offset>
        self.ignore_page = False
        self.beyond_the_end: int | None = None
        # </feature>

    @property
    def lists(self) -> list[httpx.Request]:
        """The requests that were sent to the API itself, not to a token endpoint."""
        return [request for request in self.requests if not self.is_token(request)]

    def fail(self, **fault: Any) -> None:
        """Let the next fitting requests fail."""
        self.faults.append(Fault(**fault))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        await request.aread()
        self.requests.append(request)
        for fault in self.faults:
            if not self.is_token(request) and unquote(fault.path) in unquote(request.url.path):
                if fault.skip > 0:
                    fault.skip -= 1
                    break
                if fault.times > 0:
                    fault.times -= 1
                    if fault.error is not None:
                        raise fault.error("made up", request=request)
                    return _response(request, fault.status, fault.headers, fault.body)
        return self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request without any fault."""
        try:
            # <feature auth.exchanged>
            if self.is_token(request):
                return _response(request, 200, *self.token(request))
            # </feature>
            headers, body = self._list(request)
        except RefusedError as refused:
            return _response(request, refused.status, {}, {"error": str(refused)})
        return _response(request, 200, headers, body)

    def _list(self, request: httpx.Request) -> tuple[dict[str, str], Any]:
        query = _unique(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        self._check_sender(request, query)
        refused = RefusedError(404, f"There is no {request.method} {request.url.path}.")
        for name, stream in STREAMS.items():
            for collection in self.rows[name]:
                if self._is_asked(request, query, stream, collection):
                    wrong = None if "_next" in query else _wrong_parameter(request, query, stream)
                    if wrong is None:
                        return self._page(request, query, stream, collection)
                    # Another stream may have the same path and differ in what it always sends.
                    refused = RefusedError(400, wrong)
        raise refused

    def _check_sender(self, request: httpx.Request, query: dict[str, Any]) -> None:
        base = self.base_url
        if str(request.url.copy_with(path="/", query=None)) != str(base.copy_with(path="/")):
            raise RefusedError(421, f"{request.url.host} is not {base.host}.")
        for name, value in API["headers"].items():
            if request.headers.get(name) != value:
                raise RefusedError(406, f"The header {name} is not {value}.")
        self.check_credentials(request, query)

    def _is_asked(
        self,
        request: httpx.Request,
        query: dict[str, Any],
        stream: dict[str, Any],
        collection: dict[str, Any],
    ) -> bool:
        path = self.base_url.path.rstrip("/") + collection["path"]
        if unquote(request.url.path) != unquote(path) or request.method != stream["method"]:
            return False
        wanted = collection["query"].items()
        return all(query.get(name) == str(value) for name, value in wanted)

    def _page(
        self,
        request: httpx.Request,
        query: dict[str, Any],
        stream: dict[str, Any],
        collection: dict[str, Any],
    ) -> tuple[dict[str, str], Any]:
        rows = collection["rows"]
        # <feature paging.any|incremental.param>
        sent = query if request.method == "GET" else json.loads(request.content or b"{}")
        # </feature>
        # <feature incremental.param>
        rows = filtered(stream["incremental"], rows, sent)
        # </feature>
        # <feature !paging.any>
        return {}, body_of(stream, rows)
        # </feature>
        # <feature paging.any>
        paging = stream["paging"]
        if paging["kind"] == "none":
            return {}, body_of(stream, rows)
        size, wanted = paging["size_param"], paging["page_size"]
        follows = "_next" in query
        if not follows and size and wanted and str(sent.get(size)) != str(wanted):
            raise RefusedError(400, f"{size} is not {wanted}.")
        start = self._start(paging, rows, sent, query)
        return self._paged(request, stream, collection["query"], rows, start)
        # </feature>

    # <feature paging.any>

    def _start(
        self, paging: dict[str, Any], rows: list[Any], sent: dict[str, Any], query: dict[str, Any]
    ) -> int:
        """Return where the page that is asked for starts."""
        if paging["kind"] in ("next_url", "link"):
            return int(query.get("_next", 0))
        asked = sent.get(paging["param"])
        # <feature paging.page|paging.offset>
        if paging["kind"] in ("page", "offset"):
            number = int(asked) - paging["start"] if asked is not None else 0
            start = number * LARGEST_PAGE if paging["kind"] == "page" else number
            if start < 0:
                raise RefusedError(400, f"{paging['param']} is too small.")
            if start >= len(rows) > 0 and self.beyond_the_end is not None:
                raise RefusedError(self.beyond_the_end, "There is no such page.")
            return 0 if self.ignore_page else start
        # </feature>
        # <feature paging.cursor>
        if asked is None:
            return 0
        if paging["last_record_field"] is not None:
            keys = [str(value_at(row, paging["last_record_field"])) for row in rows]
            if str(asked) in keys:
                return len(keys) - keys[::-1].index(str(asked))
        elif str(asked).startswith("cursor-"):
            return int(str(asked).removeprefix("cursor-"))
        # </feature>
        raise RefusedError(400, f"{asked!r} is not a page.")

    def _paged(
        self,
        request: httpx.Request,
        stream: dict[str, Any],
        partition: dict[str, Any],
        rows: list[Any],
        start: int,
    ) -> tuple[dict[str, str], Any]:
        page = rows[start : start + LARGEST_PAGE]
        body = body_of(stream, page)
        # <feature stop.has_more|stop.total|stop.total_pages|cursor.body|paging.next_url|paging.link>
        paging = stream["paging"]
        # </feature>
        # <feature stop.has_more|cursor.body|paging.next_url|paging.link>
        end = start + len(page)
        more = end < len(rows)
        # </feature>
        headers: dict[str, str] = {}
        # <feature stop.has_more>
        if paging["has_more_path"] is not None:
            put(body, paging["has_more_path"], more)
        # </feature>
        # <feature stop.total>
        if paging["total_path"] is not None:
            put(body, paging["total_path"], len(rows))
        # </feature>
        # <feature stop.total_pages>
        if paging["total_pages_path"] is not None:
            put(body, paging["total_pages_path"], -(-len(rows) // LARGEST_PAGE))
        # </feature>
        # <feature cursor.body|paging.next_url|paging.link>
        if self.repeat_next:
            end, more = min(end, LARGEST_PAGE), True
        # </feature>
        # <feature cursor.body>
        if paging["kind"] == "cursor" and paging["next_path"] is not None:
            put(body, paging["next_path"], f"cursor-{end}" if more else None)
        # </feature>
        # <feature paging.next_url|paging.link>
        if paging["kind"] in ("next_url", "link"):
            following = request.url.copy_with(params={**partition, "_next": end})
            if self.next_host is not None:
                following = following.copy_with(host=self.next_host)
            # Every other link is relative to the page that it stands on.
            relative = self.next_host is None and start % (2 * LARGEST_PAGE) == 0
            link = f"?{following.query.decode()}" if relative else str(following)
        # </feature>
        # <feature paging.next_url>
        if paging["kind"] == "next_url":
            put(body, paging["next_path"], link if more else None)
        # </feature>
        # <feature paging.link>
        if paging["kind"] == "link":
            headers["Link"] = '<https://elsewhere.example/>; rel="first"'
            if more:
                headers["Link"] += f', <{link}>; rel="next"'
        # </feature>
        return headers, body

    # </feature>


def _response(
    request: httpx.Request, status: int, headers: dict[str, str], body: Any
) -> httpx.Response:
    if isinstance(body, bytes):
        return httpx.Response(status, headers=headers, content=body, request=request)
    return httpx.Response(status, headers=headers, json=body, request=request)


def _unique(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """A query by name: a list where a name comes several times."""
    query: dict[str, Any] = {}
    for name, value in pairs:
        if name not in query:
            query[name] = value
        elif isinstance(query[name], list):
            query[name].append(value)
        else:
            query[name] = [query[name], value]
    return query


def _wrong_parameter(
    request: httpx.Request, query: dict[str, Any], stream: dict[str, Any]
) -> str | None:
    """Return what is wrong with a request that lacks what all requests of a stream carry."""
    sent: dict[str, Any] = {"query": query, "header": request.headers}
    cookies = request.headers.get("Cookie", "").split("; ")
    sent["cookie"] = dict(cookie.split("=", 1) for cookie in cookies if cookie)
    sent["body"] = json.loads(request.content) if request.content else {}
    for parameter in stream["parameters"]:
        if parameter["in"] == "path":
            continue
        found = sent[parameter["in"]].get(parameter["name"])
        if _words(found) != _words(parameter["value"]):
            return f"{parameter['name']} is {found!r}, not {parameter['value']!r}."
    return None


def _words(value: Any) -> Any:
    if isinstance(value, list):
        return [_words(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def body_of(stream: dict[str, Any], rows: list[Any]) -> Any:
    """Return an answer with rows at the place where the API has them."""
    return _nested(stream["shape"], stream["record_path"], deepcopy(rows))


def _nested(shape: str, path: list[str], rows: list[Any]) -> Any:
    if path and path[0] == "*":
        half = len(rows) // 2
        parts = [rows[:half], rows[half:]] if shape != "single" else [[row] for row in rows]
        return [_nested(shape, path[1:], part) for part in parts]
    if path:
        return {path[0]: _nested(shape, path[1:], rows)}
    # <feature shape.table>
    if shape == "table":
        names = [name for name in rows[0] if name != "_row"] if rows else []
        return [names, *[[row[name] for name in names] for row in rows]] if rows else []
    # </feature>
    if shape == "map":
        return {row.pop("_key"): row["value"] if list(row) == ["value"] else row for row in rows}
    if shape == "single":
        return rows[0] if rows else None
    return rows


# <feature incremental>


def moment(value: Any, form: str) -> Any:
    """A cursor as something to compare: seconds since 1970, or days of it for dates."""
    if form in ("integer", "string"):
        return int(value) if form == "integer" else str(value)
    if form.startswith("unix") or not isinstance(value, str):
        return float(value) / (1000 if form == "unix_milliseconds" else 1)
    parsed = datetime.fromisoformat(value)
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return aware.timestamp()


# </feature>
# <feature incremental.param>


def filtered(
    incremental: dict[str, Any] | None, rows: list[Any], sent: dict[str, Any]
) -> list[Any]:
    """Return the rows that a filter by time lets through."""
    if incremental is None or incremental["param"] is None:
        return rows
    form = incremental["param_format"]
    since, until = sent.get(incremental["param"]), sent.get(incremental["end_param"] or "")
    if since is None and incremental["required"]:
        raise RefusedError(400, f"{incremental['param']} is missing.")
    # <feature incremental.end>
    longest = incremental["max_window_days"]
    if longest and since is not None and until is not None:
        if _step(until, form) - _step(since, form) > longest * 86_400:
            raise RefusedError(400, "The window of time is too long.")
    elif longest and incremental["end_param"] and since is not None:
        raise RefusedError(400, "The window of time has no end.")
    # </feature>
    kept = []
    for row in rows:
        at = value_at(row, incremental["cursor_field"])
        if at is None:
            kept.append(row)
            continue
        value = _coarse(moment(at, incremental["cursor_format"]), form)
        late = since is None or value > _step(since, form)
        on_time = since is not None and value == _step(since, form) and not incremental["strict"]
        if (late or on_time) and (until is None or value <= _step(until, form)):
            kept.append(row)
    return kept


def _step(value: Any, form: str) -> Any:
    return _coarse(moment(value, form), form)


def _coarse(value: Any, form: str) -> Any:
    """A moment in the precision that a format has."""
    return value - value % 86_400 if form == "date" else value


# </feature>
