"""Runs generated connectors by their command line, as a platform does."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notion import NotionApi
from served import served
from sheets import SheetsApi

#: The suite compiles connectors side by side and starts these tests in the folder of one of them.
CONNECTORS = Path.cwd().parent


@dataclass
class Outcome:
    """What a command ended with."""

    code: int
    messages: list[dict[str, Any]]
    stderr: str

    def of(self, kind: str) -> list[Any]:
        """Return the contents of the messages of a type."""
        return [message[kind.lower()] for message in self.messages if message["type"] == kind]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """Return a stream's records."""
        return [record["data"] for record in self.of("RECORD") if record["stream"] == stream]

    def states(self) -> list[dict[str, Any]]:
        """Return the states, as they are handed to the next read."""
        return [message for message in self.messages if message["type"] == "STATE"]

    def last_status(self, stream: str) -> str:
        """Return how a stream ended."""
        statuses = [
            trace["stream_status"]["status"]
            for trace in self.of("TRACE")
            if trace["type"] == "STREAM_STATUS"
            and trace["stream_status"]["stream_descriptor"]["name"] == stream
        ]
        return str(statuses[-1])

    def errors(self) -> list[dict[str, Any]]:
        """Return what was reported as an error."""
        return [trace["error"] for trace in self.of("TRACE") if trace["type"] == "ERROR"]


class Program:
    """A connector's command line with its configuration."""

    def __init__(self, name: str, config: dict[str, Any], directory: Path) -> None:
        self.folder = CONNECTORS / f"source-{name}"
        self.config = config
        self._directory = directory

    def run(self, command: str, **files: Any) -> Outcome:
        """Run a command with the configuration and further files."""
        arguments = [sys.executable, "-m", "src", command]
        for name, content in {"config": self.config, **files}.items():
            path = self._directory / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            arguments += [f"--{name}", str(path)]
        done = subprocess.run(
            arguments, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        return Outcome(done.returncode, messages, done.stderr)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call an operation of the agent face; return its rows, their number and their columns."""
        done = subprocess.run(
            [sys.executable, "-c", CALL],
            input=json.dumps([self.config, operation, params]),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result

    def read(self, *streams: str, state: Any = None, mode: str = "incremental") -> Outcome:
        """Read streams, incrementally where they can be."""
        able = {
            entry["name"]
            for entry in self.run("discover").of("CATALOG")[0]["streams"]
            if mode in entry["supported_sync_modes"]
        }
        entries = [
            {
                "stream": {"name": name},
                "sync_mode": mode if name in able else "full_refresh",
                "destination_sync_mode": "append",
            }
            for name in streams
        ]
        files = {"catalog": {"streams": entries}}
        return self.run("read", **files, **({} if state is None else {"state": state}))


CALL = """
import asyncio, json, sys
from src.client import ApiClient
from src.config import Config
from src.operations import CONNECTORS

async def call(config, name, params):
    async with ApiClient(Config.model_validate(config)) as client:
        return await CONNECTORS[name].bind_deps(client=client)(params)

result = asyncio.run(call(*json.loads(sys.stdin.read())))
columns = [column.name for column in result.output_schema.columns]
print(json.dumps({"rows": result.rows, "row_count": result.row_count, "columns": columns}))
"""


@pytest.fixture
def notion() -> NotionApi:
    """An API like Notion's."""
    return NotionApi()


@pytest.fixture
def sheets() -> SheetsApi:
    """An API like that of Google Sheets."""
    return SheetsApi()


@pytest.fixture
def notion_program(notion: NotionApi, tmp_path: Path) -> Iterator[Program]:
    """The connector for Notion before that API."""
    with served(notion) as url:
        config = {"credentials": {"access_token": notion.TOKEN}, "base_url": url}
        yield Program("notion", config, tmp_path)


@pytest.fixture
def sheets_program(sheets: SheetsApi, tmp_path: Path) -> Iterator[Program]:
    """The connector for Google Sheets before that API."""
    with served(sheets) as url:
        credentials = {
            "auth_type": "oauth2",
            "client_id": "client",
            "client_secret": sheets.CLIENT_SECRET,
            "refresh_token": sheets.REFRESH_TOKEN,
            "token_url": f"{url}/token",
        }
        config = {"credentials": credentials, "base_url": url, "spreadsheet_id": "book-1"}
        yield Program("google-sheets", config, tmp_path)


Keys = Callable[[list[dict[str, Any]]], list[Any]]


@pytest.fixture
def ids() -> Keys:
    """The identifiers of records, in order."""
    return lambda records: sorted(record["id"] for record in records)
