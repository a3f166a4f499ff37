"""The suite's own server of the connector's API: it remembers what it was asked, and fails as it is told to.

It is a function from requests to answers; `sockets.py` puts it behind an address, `in_process.py` behind a transport.
"""

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from .credentials import Gate
from .description import Description, Stream
from .exchange import Answer, Fault, RefusedError, Request, Served
from .pages import answer_with, filtered, first_row, words
from .rows import LARGEST_PAGE, Collection, grow

MANY = 1_000_000

MOST_REQUESTS = 3_000
"""After so many a read is going round in circles; everything is refused then, so that it ends."""


class ConformanceApi:
    """An API with rows of its own. `base_url` is where it says that it is; `now` its clock, in seconds since 1970."""

    def __init__(
        self,
        description: Description,
        *,
        way: int = 0,
        rows: dict[str, list[Collection]] | None = None,
        base_url: str | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        self.description = description
        self.base_url = base_url or description.base_url
        self.rows = rows if rows is not None else grow(description)
        self.now = now or (lambda: description.now)
        self.gate = Gate(
            description.auth[way] if description.auth else None,
            self.now,
            same_clock=now is not None,
        )
        self.page_size = LARGEST_PAGE
        self.served: list[Served] = []
        self.faults: list[Fault] = []
        #: The next page after the second is the second again.
        self.leads_in_circles = False
        #: Says which page is asked for to nobody: always the first one comes.
        self.ignores_page = False
        #: Names a next page after the last one too, although it says that no more follow.
        self.names_beyond = False
        #: Tells as total what the page holds, on its first page, as careless servers do.
        self.counts_page_only = False
        #: Named as host of the next page, instead of its own.
        self.next_host: str | None = None
        #: Called before an answer is sent, with the number of requests so far.
        self.before: Callable[[int], None] | None = None
        #: Rows that are left out of their page, which gets shorter by that: many APIs look at rights after paging.
        self.hides: Callable[[Any], bool] | None = None
        #: By stream: what becomes of the body of each of its pages.
        self.alters: dict[str, Callable[[Any], Any]] = {}
        #: Headers of the next page that is sent, once.
        self.next_headers: dict[str, str] = {}
        self._lock = threading.Lock()

    def fail(self, **fault: Any) -> None:
        """Let the next fitting requests fail; see `Fault`."""
        self.faults.append(Fault(**fault))

    def lists_of(self, stream: str) -> list[Served]:
        """Return the requests for lists of a stream."""
        return [one for one in self.served if one.stream == stream]

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        if self.before is not None:
            self.before(len(self.served))
        with self._lock:
            return self._answer(request)

    def _answer(self, request: Request) -> Answer:
        if len(self.served) >= MOST_REQUESTS:
            return self._refuse(request, RefusedError(400, "Too many requests for one read."))
        token = self.gate.token_answer(request, self.base_url)
        if token is not None:
            self.served.append(Served(request, self.now(), token.status))
            return token
        try:
            stream, number, collection = self._asked(request)
        except RefusedError as refused:
            return self._refuse(request, refused)
        try:
            self._check_sender(request)
            return self._page(request, stream, number, collection)
        except RefusedError as refused:
            return self._refuse(request, refused, stream.name, number)

    def _refuse(
        self, request: Request, error: RefusedError, stream: str | None = None, collection: int = 0
    ) -> Answer:
        self.served.append(Served(request, self.now(), error.status, stream, collection))
        return Fault(status=error.status, body={"error": str(error)}).answer()

    def _asked(self, request: Request) -> tuple[Stream, int, Collection]:
        """Return the list that a request means."""
        refusal = RefusedError(404, f"There is no {request.method} {request.path}.")
        base = unquote(urlsplit(self.base_url).path).rstrip("/")
        query = request.query
        for name, stream in self.description.streams.items():
            if request.method != stream.method:
                continue
            for number, collection in enumerate(self.rows[name]):
                if request.path != base + unquote(collection.path):
                    continue
                if any(query.get(key) != words(value) for key, value in collection.query.items()):
                    continue
                wrong = None if "_next" in query else _wrong_parameter(stream, request)
                if wrong is None:
                    return stream, number, collection
                # Another stream may have the same path and differ in what it always sends.
                refusal = RefusedError(400, wrong)
        raise refusal

    def _check_sender(self, request: Request) -> None:
        for name, value in self.description.headers.items():
            if request.headers.get(name.lower()) != value:
                raise RefusedError(406, f"The header {name} is not {value}.")
        self.gate.check(request)

    def _page(
        self, request: Request, stream: Stream, number: int, collection: Collection
    ) -> Answer:
        query = request.query
        sent = {**query, **request.json()} if request.method == "POST" else query
        rows, window = collection.rows, (None, None)
        by = stream.incremental
        if by is not None:
            rows = filtered(by, rows, sent)
            window = (sent.get(by.param or ""), sent.get(by.end_param or ""))
        size = self._size(stream, sent, follows="_next" in query)
        start = 0 if self.ignores_page else first_row(stream.paging, rows, sent, size)
        fault = self._fault(stream.name, start // size)
        if fault is not None:
            self.served.append(Served(request, self.now(), fault.status, stream.name, number))
            return fault.answer(request, self.gate.given)
        end = min(start + size, len(rows))
        following = end if end < len(rows) else None
        if self.leads_in_circles:
            following = min(end, size)
        shown = request if self.next_host is None else _elsewhere(request, self.next_host)
        headers, body = answer_with(
            stream,
            shown,
            rows,
            start,
            size,
            following=following,
            relative=self.next_host is None,
            hides=self.hides,
            total=end if self.counts_page_only and start == 0 else len(rows),
            beyond=end if self.names_beyond else None,
            alters=self.alters.get(stream.name),
        )
        self.served.append(
            Served(
                request, self.now(), 200, stream.name, number, start, max(end - start, 0), window
            )
        )
        more, self.next_headers = self.next_headers, {}
        return Answer(200, {**headers, **more}, body)

    def _size(self, stream: Stream, sent: dict[str, Any], *, follows: bool) -> int:
        paging = stream.paging
        if paging.kind == "none":
            return MANY
        if paging.size_param and paging.page_size and not follows:
            asked = words(sent.get(paging.size_param))
            if asked != words(paging.page_size):
                raise RefusedError(400, f"{paging.size_param} is {asked}, not {paging.page_size}.")
        return min(self.page_size, paging.page_size or self.page_size)

    def _fault(self, stream: str, page: int) -> Fault | None:
        for fault in self.faults:
            fits = fault.stream in (None, stream) and fault.page in (None, page)
            if fits and fault.skips > 0:
                fault.skips -= 1
            elif fits and fault.times > 0:
                fault.times -= 1
                return fault
        return None


def _elsewhere(request: Request, host: str) -> Request:
    parts = urlsplit(request.url)
    url = parts._replace(netloc=host).geturl()
    return Request(request.method, url, request.headers, request.body)


def _wrong_parameter(stream: Stream, request: Request) -> str | None:
    """Return what is wrong with a request that lacks what all requests of a stream carry."""
    body = request.json() if request.body else {}
    sent = {"query": request.query, "cookie": request.cookies, "body": body}
    for parameter in stream.parameters:
        name, place, value = parameter["name"], parameter["in"], parameter["value"]
        if place == "path":
            continue
        found = request.headers.get(name.lower()) if place == "header" else sent[place].get(name)
        if words(found) != words(value):
            return f"{name} is {found!r}, not {value!r}."
    return None
