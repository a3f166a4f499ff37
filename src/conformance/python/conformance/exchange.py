"""Requests and answers as the suite's server sees them, and what may go wrong instead of an answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Loss = Literal["refused", "dropped", "timeout"]
"""How a connection fails: nobody answers, it ends in the middle of the body, or the answer never comes."""


@dataclass(frozen=True)
class Request:
    """A request. Names of headers are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Return the path, with percent signs resolved."""
        return unquote(urlsplit(self.url).path)

    @property
    def query(self) -> dict[str, Any]:
        """Return the query by name: a list where a name comes several times."""
        found: dict[str, Any] = {}
        for name, value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True):
            if name not in found:
                found[name] = value
            elif isinstance(found[name], list):
                found[name].append(value)
            else:
                found[name] = [found[name], value]
        return found

    @property
    def cookies(self) -> dict[str, str]:
        """Return the cookies by name."""
        pairs = (pair.strip().split("=", 1) for pair in self.headers.get("cookie", "").split(";"))
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}

    def json(self) -> Any:
        """Return the body, an empty object where there is none."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            raise RefusedError(400, "The body is not JSON.") from None


@dataclass(frozen=True)
class Answer:
    """What the server sends, or how the connection fails."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    loss: Loss | None = None


@dataclass
class Fault:
    """Something else than the right answer, for the next requests that fit."""

    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    #: JSON, or bytes to send as they are.
    body: Any = None
    loss: Loss | None = None
    times: int = 1
    #: Requests that fit and are answered all the same before the first that is not.
    skips: int = 0
    #: Only for lists of this stream.
    stream: str | None = None
    #: Only for this page of a list, counted from 0.
    page: int | None = None
    #: The body repeats the headers and the address that were sent, as careless servers do.
    echoes: bool = False
    #: A redirect to the same address, with one more parameter.
    moves: bool = False

    def answer(self, request: Request | None = None, known: Sequence[str] = ()) -> Answer:
        """Return what is sent in answer to a request; an echo shows what else is known of the sender, too."""
        content = (
            _echo(request, [*known, self.body])
            if self.echoes and request is not None
            else self.body
        )
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"Content-Type": "application/json", **self.headers}
        if self.moves and request is not None:
            mark = "&" if urlsplit(request.url).query else "?"
            headers["Location"] = f"{request.url}{mark}moved=yes"
        return Answer(self.status, headers, body, self.loss)


_PLAIN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    }
)


def _echo(request: Request, shown: Sequence[Any]) -> bytes:
    """Return a body that shows what was sent; what may be secret comes first, as excerpts are short."""
    sent = {name: value for name, value in request.headers.items() if name not in _PLAIN_HEADERS}
    *known, body = shown
    more = body if isinstance(body, bytes) else json.dumps(body).encode()
    return json.dumps({"known": known[-2:], "sent": sent, "to": request.url}).encode() + more


@dataclass(frozen=True)
class Served:
    """A request that was answered, for the checks."""

    request: Request
    #: Seconds since 1970 on the server's clock.
    at: float
    status: int
    #: None for requests of tokens, and for those that lead nowhere.
    stream: str | None = None
    collection: int = 0
    #: Number of the first row, None where no page was sent.
    start: int | None = None
    rows: int = 0
    #: Bounds of the window of time that was asked for.
    window: tuple[Any, Any] = (None, None)


class RefusedError(Exception):
    """A request that the API does not accept."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
