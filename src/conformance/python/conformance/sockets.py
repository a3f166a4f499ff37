"""The server behind a real address on this machine."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from .api import ConformanceApi
from .exchange import Request


@contextmanager
def serving(api: ConformanceApi) -> Iterator[str]:
    """Serve an API at a free port of 127.0.0.1 while the block runs; yields the base URL, which the API then names too."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in two writes; with Nagle's algorithm the second would wait for an acknowledgement.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            url = f"http://{self.headers.get('Host')}{self.path}"
            request = Request(self.command, url, headers, self.rfile.read(length))
            answer = api.answer(request)
            if answer.loss is not None:
                self._lose(answer.loss)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_GET  # noqa: N815

        def _lose(self, loss: str) -> None:
            """End the connection; a dropped one in the middle of the body."""
            self.close_connection = True
            if loss == "dropped":
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"data": [')

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    ).start()
    path = urlsplit(api.base_url).path.rstrip("/")
    api.base_url = f"http://127.0.0.1:{server.server_port}{path}"
    try:
        yield api.base_url
    finally:
        server.shutdown()
        server.server_close()
