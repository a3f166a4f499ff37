"""What the tests share: the API, a clock that never waits, and shorthands for reading."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.__main__ import main
from src.client import ApiClient
from src.config import Config
from src.connector import Connector
from tests.mock_api import API, MockApi


class Clock:
    """Time that passes only when someone sleeps."""

    def __init__(self) -> None:
        self.time = float(API["now"])
        self.sleeps: list[float] = []

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.sleeps.append(seconds)
        self.time += seconds


def config_json(auth: int = 0, **changes: Any) -> dict[str, Any]:
    """A configuration as a person writes it."""
    config = {**API["config"], **changes}
    if API["auth"]:
        config.setdefault("credentials", API["auth"][auth]["credentials"])
    return config


class World:
    """A connector between an API and a clock."""

    def __init__(self, directory: Path, capture: Callable[[], bytes]) -> None:
        self.api = MockApi()
        self.clock = Clock()
        self._directory = directory
        self._capture = capture

    @property
    def options(self) -> dict[str, Any]:
        """What puts a client into this world."""
        return {"transport": self.api, "sleep": self.clock.sleep, "now": self.clock.now}

    def connector(self, auth: int = 0, **changes: Any) -> Connector:
        """A connector in this world."""
        return Connector(Config.model_validate(config_json(auth, **changes)), **self.options)

    def check(self, auth: int = 0, **changes: Any) -> None:
        """Check the connection."""
        asyncio.run(self.connector(auth, **changes).check())

    def read(self, stream: str, *, auth: int = 0, **changes: Any) -> list[dict[str, Any]]:
        """Read a stream in full."""
        connector = self.connector(auth, **changes)

        async def records() -> list[dict[str, Any]]:
            return [record async for record in connector.read(stream)]

        return asyncio.run(records())

    def request(self, path: str = "/") -> Any:
        """Send one request below the base URL and return what it answers."""

        async def send() -> Any:
            async with ApiClient(Config.model_validate(config_json()), **self.options) as client:
                return await client.request_json("GET", path)

        return asyncio.run(send())

    def run(
        self, command: str, *, config: Any = None, **files: Any
    ) -> tuple[int, list[dict[str, Any]]]:
        """Run a command line; return its exit code and the messages that it printed."""
        arguments = [command]
        if command != "spec":
            files["config"] = config_json() if config is None else config
        for name, content in files.items():
            path = self._directory / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            arguments += [f"--{name}", str(path)]
        self._capture()
        code = main(arguments, **self.options)
        return code, [json.loads(line) for line in self._capture().splitlines()]


@pytest.fixture
def world(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> World:
    """A connector, its API and its clock."""
    return World(tmp_path, lambda: capfdbinary.readouterr().out)


def in_any_order(records: list[dict[str, Any]]) -> list[str]:
    """Records as something that can be compared without regard to their order."""
    return sorted(json.dumps(record, sort_keys=True) for record in records)


def of_type(messages: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The contents of the messages of a type."""
    fields = {"CONNECTION_STATUS": "connectionStatus"}
    return [one[fields.get(kind, kind.lower())] for one in messages if one["type"] == kind]
