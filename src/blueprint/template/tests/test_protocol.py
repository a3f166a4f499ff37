"""That the command line speaks the Airbyte protocol."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import World, config_json, in_any_order, of_type
from tests.mock_api import API, STREAMS, MockApi, expected_records

ROOTS = [name for name, stream in STREAMS.items() if stream["parent"] is None]


def catalog(*streams: str, mode: str = "full_refresh") -> dict[str, Any]:
    """A configured catalog."""
    entries = [
        {"stream": {"name": name}, "sync_mode": mode, "destination_sync_mode": "append"}
        for name in streams
    ]
    return {"streams": entries}


def statuses(messages: list[dict[str, Any]], stream: str) -> list[str]:
    """What was said about how a stream gets on."""
    traces = [
        trace["stream_status"]
        for trace in of_type(messages, "TRACE")
        if trace["type"] == "STREAM_STATUS"
    ]
    return [one["status"] for one in traces if one["stream_descriptor"]["name"] == stream]


def test_spec_and_discover_need_no_api(world: World) -> None:
    code, (message,) = world.run("spec")
    assert (code, message["type"]) == (0, "SPEC")
    assert message["spec"]["connectionSpecification"]["type"] == "object"
    code, (message,) = world.run("discover")
    assert (code, message["type"]) == (0, "CATALOG")
    assert [entry["name"] for entry in message["catalog"]["streams"]] == list(STREAMS)
    assert world.api.requests == []


def test_without_a_catalog_everything_is_read(world: World) -> None:
    code, messages = world.run("read")
    assert code == 0
    records = of_type(messages, "RECORD")
    for stream in STREAMS:
        found = [record["data"] for record in records if record["stream"] == stream]
        assert len(found) == len(expected_records(stream))
        expected = ["STARTED", "RUNNING", "COMPLETE"] if found else ["STARTED", "COMPLETE"]
        assert statuses(messages, stream) == expected
    assert {type(record["emitted_at"]) for record in records} <= {int}


class Indented(MockApi):
    """The API, with its answers broken into lines."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as always, but for line breaks."""
        response = await super().handle_async_request(request)
        if self.is_token(request) or not response.content:
            return response
        content = json.dumps(json.loads(response.content), indent=2).replace("\n", "\r\n")
        kept = {name: response.headers[name] for name in ("Link",) if name in response.headers}
        return httpx.Response(response.status_code, headers=kept, content=content)


def test_a_record_is_one_line_however_the_api_breaks_its_answers(world: World) -> None:
    world.api = Indented()
    code, messages = world.run("read")
    records = [(one["stream"], one["data"]) for one in of_type(messages, "RECORD")]
    assert code == 0
    for stream in STREAMS:
        read = [record for name, record in records if name == stream]
        assert in_any_order(read) == in_any_order(expected_records(stream))


def test_states_count_the_records_that_came_before(world: World) -> None:
    _, messages = world.run("read", catalog=catalog(ROOTS[0]))
    counted = sum(state["sourceStats"]["recordCount"] for state in of_type(messages, "STATE"))
    assert counted == len(expected_records(ROOTS[0])) == len(of_type(messages, "RECORD"))


def test_a_stream_that_fails_is_reported_and_the_others_are_read(world: World) -> None:
    failing = ROOTS[-1]
    world.api.fail(status=404, times=99, path=world.api.rows[failing][0]["path"])
    code, messages = world.run("read", catalog=catalog("no_such_stream", failing, ROOTS[0]))
    assert code == 1
    errors = [trace["error"] for trace in of_type(messages, "TRACE") if trace["type"] == "ERROR"]
    assert errors[0]["failure_type"] == "config_error"
    assert "no_such_stream" in errors[0]["message"]
    assert statuses(messages, failing)[-1] == "INCOMPLETE"
    if failing != ROOTS[0] and not _is_below(ROOTS[0], failing):
        assert statuses(messages, ROOTS[0])[-1] == "COMPLETE"
        assert len(of_type(messages, "RECORD")) == len(expected_records(ROOTS[0]))


def _is_below(stream: str, other: str) -> bool:
    """Whether the path of one contains that of the other, so that both fail."""
    api = MockApi()
    return str(api.rows[other][0]["path"]) in str(api.rows[stream][0]["path"])


def test_an_unusable_configuration_fails_the_read(world: World) -> None:
    code, (message,) = world.run("read", config={**config_json(), "misspelt": "hidden-value"})
    assert code == 1
    assert message["trace"]["error"]["failure_type"] == "config_error"
    assert "hidden-value" not in json.dumps(message)


@pytest.mark.parametrize("content", [[], {"streams": [{"name": "x"}]}, 7])
def test_an_unusable_catalog_fails_the_read(world: World, content: Any) -> None:
    code, (message,) = world.run("read", catalog=content)
    assert (code, message["trace"]["error"]["failure_type"]) == (1, "config_error")


# <feature auth.exchanged>
def token_url() -> str:
    """Where the first way to authenticate fetches its token, if it does."""
    urls = [check.get("token_url") for check in API["auth"][0]["checks"]]
    return next((url for url in urls if url), "")


# </feature>
@contextmanager
def served(api: MockApi) -> Iterator[str]:
    """The API behind a real socket; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = dict(self.headers.items())
            url = f"{api.base_url.scheme}://{api.base_url.netloc.decode()}{self.path}"
            # <feature auth.exchanged>
            if self.path == "/made-up-token":
                url = token_url()
            # </feature>
            request = httpx.Request(
                self.command, url, headers=headers, content=self.rfile.read(length)
            )
            answer = api.answer(request)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name == "content-length":
                    continue
                self.send_header(name, value.replace(str(api.base_url), address))
            content = answer.content.replace(str(api.base_url).encode(), address.encode())
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}{api.base_url.path.rstrip('/')}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()


def test_the_program_reads_from_a_real_server(tmp_path: Path) -> None:
    with served(MockApi()) as address:
        content = config_json(base_url=address)
        # <feature auth.exchanged>
        if token_url():
            token = str(httpx.URL(address).join("/made-up-token"))
            session = any(check["in"] == "session" for check in API["auth"][0]["checks"])
            name = "login_url" if session else "token_url"
            content["credentials"] = {**content["credentials"], name: token}
        # </feature>
        config = tmp_path / "config.json"
        config.write_text(json.dumps(content), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "src", "check", "--config", str(config)],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert done.stderr == b""
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == {
        "type": "CONNECTION_STATUS",
        "connectionStatus": {"status": "SUCCEEDED"},
    }
