"""What the played APIs have in common: a real server on 127.0.0.1 that can be told to fail."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    """A request as the API sees it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    form: dict[str, str]


@dataclass
class Answer:
    """What the API answers."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """Fails the next requests for a path, `times` of them."""

    path: str
    status: int
    headers: dict[str, str]
    times: int
    body: Any = None


class PlayedApi:
    """An API that remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []

    def fail(
        self,
        path: str,
        status: int,
        *,
        times: int = 1,
        headers: dict[str, str] | None = None,
        body: Any = None,
    ) -> None:
        """Let the next requests for a path fail."""
        self.faults.append(Fault(path, status, headers or {}, times, body))

    def asked(self, path: str) -> list[Request]:
        """Return the requests for a path."""
        return [request for request in self.requests if request.path == path]

    def receive(self, request: Request) -> Answer:
        """Answer a request."""
        self.requests.append(request)
        for fault in self.faults:
            if fault.path in request.path and fault.times > 0:
                fault.times -= 1
                return Answer(fault.body or {"message": "made up"}, fault.status, fault.headers)
        return self.answer(request)

    def answer(self, request: Request) -> Answer:
        """Answer a request as the API does when all is well."""
        raise NotImplementedError


@contextmanager
def served(api: PlayedApi) -> Iterator[str]:
    """Yield the address of a server for an API."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            is_form = "form" in self.headers.get("Content-Type", "")
            request = Request(
                self.command,
                url.path,
                dict(parse_qsl(url.query)),
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(content) if content and not is_form else None,
                dict(parse_qsl(content)) if is_form else {},
            )
            answer = api.receive(request)
            body = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
