"""Runs the connector as others do: its command line as a program, or in this process with a clock that never waits."""

import asyncio
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from .api import ConformanceApi
from .description import Description, UnusableConnectorError, description_of
from .in_process import Clock, Transport
from .model import Subject

PROGRAM_LIMIT = 90
"""Seconds that one run of the program may take."""


@dataclass(frozen=True)
class Run:
    """What one run of a command brought."""

    code: int
    #: Lines of standard output as they were written.
    lines: list[str]
    #: Standard error, and in this process the traceback of what was not caught.
    stderr: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the contents of the messages of a type."""
        name = "connectionStatus" if kind == "CONNECTION_STATUS" else kind.lower()
        found = [message.get(name) for message in self.messages if message.get("type") == kind]
        return [content for content in found if isinstance(content, dict)]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """Return a stream's records."""
        return [one["data"] for one in self.of("RECORD") if one.get("stream") == stream]

    def states(self, stream: str) -> list[Any]:
        """Return a stream's states, oldest first."""
        told = [one["stream"] for one in self.of("STATE") if isinstance(one.get("stream"), dict)]
        return [
            one.get("stream_state")
            for one in told
            if one.get("stream_descriptor", {}).get("name") == stream
        ]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Return what the error traces say."""
        return [one["error"] for one in self.of("TRACE") if one.get("type") == "ERROR"]

    def statuses(self, stream: str) -> list[str]:
        """Return what was said about how a stream gets on."""
        told = [
            one["stream_status"] for one in self.of("TRACE") if one.get("type") == "STREAM_STATUS"
        ]
        return [one["status"] for one in told if one["stream_descriptor"]["name"] == stream]

    def told(self) -> str:
        """Return why it failed, in few words, for messages of problems."""
        if self.errors:
            return f"exit {self.code}: {str(self.errors[0].get('message'))[:200]}"
        last = self.stderr.strip().splitlines()[-1:] or ["nothing was said"]
        return f"exit {self.code}: {last[0][:200]}"


def catalog(*streams: str, mode: str = "full_refresh") -> dict[str, Any]:
    """Return a configured catalog."""
    return {
        "streams": [
            {
                "stream": {"name": name, "json_schema": {}, "supported_sync_modes": [mode]},
                "sync_mode": mode,
                "destination_sync_mode": "append",
            }
            for name in streams
        ]
    }


def saved_state(stream: str, state: Any) -> list[dict[str, Any]]:
    """Return a stream's state as platforms hand it back."""
    saved = {"stream_descriptor": {"name": stream}, "stream_state": state}
    return [{"type": "STREAM", "stream": saved}]


class World:
    """A connector between a server and a clock of ours."""

    def __init__(self, subject: Subject, *, way: int = 0, **options: Any) -> None:
        self.directory = subject.directory
        self.description: Description = description_of(subject)
        self.way = way
        self.clock = Clock(self.description.now)
        self.api = ConformanceApi(self.description, way=way, now=self.clock.now, **options)
        self.transport = Transport(self.api)
        #: What the connector sends through: the transport itself, or another one around it.
        self.through: httpx.AsyncBaseTransport = self.transport

    def run(self, command: str, *, config: Any = None, **files: Any) -> Run:
        """Run a command in this process."""
        main = module("src.__main__", self.directory).main
        if command != "spec":
            files["config"] = self.description.configuration(self.way) if config is None else config
        with tempfile.TemporaryDirectory() as folder:
            arguments = options_into(command, files, Path(folder))
            options = {
                "transport": self.through,
                "sleep": self.clock.sleep,
                "now": self.clock.now,
            }
            with _Captured() as captured:
                code = _code_of(main, arguments, options)
        return _run(code, captured.out, captured.err)

    def read(self, *streams: str, mode: str = "full_refresh", **files: Any) -> Run:
        """Read streams in this process."""
        return self.run("read", catalog=catalog(*streams, mode=mode), **files)


def program(subject: Subject, command: str, **files: Any) -> Run:
    """Run a command of the connector's command line as a program, with each of `files` as an option."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = options_into(command, files, Path(folder))
        try:
            done = subprocess.run(  # noqa: S603 - this is the connector under judgement
                [sys.executable, "-m", "src", *arguments],
                cwd=subject.directory,
                env=program_environment(),
                capture_output=True,
                timeout=PROGRAM_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            said = f"The program was ended after {PROGRAM_LIMIT} seconds."
            return _run(-1, late.stdout or b"", said.encode())
    return _run(done.returncode, done.stdout, done.stderr)


def program_environment() -> dict[str, str]:
    """Return the environment that the program is run in: ours, but without anything that leads into our own package."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "*"}


def module(name: str, directory: Path) -> Any:
    """Import a module of the connector. Raises `UnusableConnectorError` where that fails."""
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    try:
        return importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - whatever its code does, the connector is to blame
        raise UnusableConnectorError(f"import {name}: {type(error).__name__}: {error}") from None


def options_into(command: str, files: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the words of a command line, after writing its files to a folder."""
    words = [command]
    for name, content in files.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        words += [f"--{name}", str(path)]
    return words


def _code_of(main: Any, arguments: list[str], options: dict[str, Any]) -> int:
    try:
        return int(main(arguments, **options))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except (Exception, asyncio.CancelledError):  # noqa: BLE001 - a program would end like this
        traceback.print_exc()
        return 1


class _Captured:
    """Standard output and error of this process while the block runs, whoever writes to them and how."""

    def __init__(self) -> None:
        self.out = self.err = b""

    def __enter__(self) -> "_Captured":
        sys.stdout.flush()
        sys.stderr.flush()
        self._kept = [os.dup(number) for number in (1, 2)]
        self._files = [tempfile.TemporaryFile() for _ in (1, 2)]  # noqa: SIM115 - closed on leaving
        for number, file in zip((1, 2), self._files, strict=True):
            os.dup2(file.fileno(), number)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        texts = []
        for number, file, kept in zip((1, 2), self._files, self._kept, strict=True):
            os.dup2(kept, number)
            os.close(kept)
            file.seek(0)
            texts.append(file.read())
            file.close()
        self.out, self.err = texts


def _run(code: int, out: bytes, err: bytes) -> Run:
    lines = out.decode("utf-8", "replace").splitlines()
    messages = []
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict):
            messages.append(message)
    return Run(code, lines, err.decode("utf-8", "replace"), messages)
