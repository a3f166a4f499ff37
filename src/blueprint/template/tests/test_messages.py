"""That what is written to standard output is nothing but messages, each with what its reader counts on."""

import logging
import subprocess
import sys
from pathlib import Path

import httpx

from tests.conftest import World, of_type
from tests.mock_api import STREAMS, MockApi

#: Milliseconds since 1970 of a day in 2001; the same day in seconds is far below.
EARLIEST = 1_000_000_000_000
STREAM = next(name for name, stream in STREAMS.items() if stream["parent"] is None)


class LoggedApi(MockApi):
    """An API whose every request is logged within the connector."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        logging.getLogger("src.client").warning("asked for %s", request.url.path)
        return await super().handle_async_request(request)


def test_log_lines_are_messages(world: World) -> None:
    world.api = LoggedApi()
    code, messages = world.run("check")
    assert code == 0
    told = of_type(messages, "LOG")
    assert [one["level"] for one in told] == ["WARN"] * len(world.api.requests)
    assert all(one["message"].startswith("asked for /") for one in told)


def test_times_are_in_milliseconds(world: World) -> None:
    _, messages = world.run("read")
    records = of_type(messages, "RECORD")
    traces = of_type(messages, "TRACE")
    assert records
    assert min(one["emitted_at"] for one in [*records, *traces]) > EARLIEST


def test_a_quota_that_is_used_up_is_told_with_its_end(world: World) -> None:
    world.api.fail(status=429, headers={"Retry-After": "7200"}, times=99)
    catalog = {"streams": [{"stream": {"name": STREAM}, "sync_mode": "full_refresh"}]}
    code, messages = world.run("read", catalog=catalog)
    assert code == 1
    told = [one["stream_status"] for one in of_type(messages, "TRACE") if "stream_status" in one]
    (reason,) = told[-1]["reasons"]
    assert reason["type"] == "RATE_LIMITED"
    assert reason["rate_limited"]["quota_reset"] > EARLIEST


def test_records_are_read_without_pandas() -> None:
    program = "import sys; sys.modules['pandas'] = None; import src.__main__, src.connector"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
