"""The command line: `spec`, `check`, `discover` and `read`, as the Airbyte protocol has them."""

import argparse
import asyncio
import contextlib
import importlib
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from . import api
from .config import Config, describe_errors
from .connector import Connector, Selection
from .errors import ApiError, ConfigError, ConnectorError
from .protocol import LogLevel, Output
from .streams import STREAMS

_STANDARD_OUTPUT = 1
# <feature operations>
_STANDARD_ERROR = 2
# </feature>
_STOPPED = 143
"""Exit code after SIGTERM, as shells have it: 128 + 15."""


class _LogMessages(logging.Handler):
    """Turns log records of the connector into protocol messages."""

    def __init__(self, output: Output) -> None:
        super().__init__(logging.INFO)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        level: LogLevel = "ERROR" if record.levelno >= logging.ERROR else "WARN"
        if record.levelno < logging.WARNING:
            level = "INFO"
        self._output.log(level, record.getMessage())


def main(argv: Sequence[str] | None = None, **client_options: Any) -> int:
    """Run a command and return its exit code."""
    arguments = _parser().parse_args(argv)
    output = Output(_write)
    # <feature operations>
    if arguments.command == "mcp":
        # Its standard output belongs to the protocol of the client.
        output = Output(_write_aside)
    # </feature>
    handler = _LogMessages(output)
    logger = logging.getLogger(__package__)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        return asyncio.run(_run(arguments, output, client_options))
    except ConnectorError as error:
        output.error(error)
        return 1
    except BrokenPipeError:
        return 1
    finally:
        logger.removeHandler(handler)


def _write(lines: bytes, to: int = _STANDARD_OUTPUT) -> None:
    """Write to standard output, whole: a signal may cut a single write short."""
    rest = memoryview(lines)
    while rest:
        rest = rest[os.write(to, rest) :]
# <feature operations>


def _write_aside(lines: bytes) -> None:
    """Write to standard error, whole."""
    _write(lines, _STANDARD_ERROR)
# </feature>


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=api.NAME, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("spec", help="print what a configuration must look like")
    check = commands.add_parser("check", help="see whether the API can be reached")
    discover = commands.add_parser("discover", help="print the streams and their schemas")
    read = commands.add_parser("read", help="print the records of streams")
    check.add_argument("--config", type=Path, required=True)
    discover.add_argument("--config", type=Path)
    read.add_argument("--config", type=Path, required=True)
    read.add_argument("--catalog", type=Path, help="streams to read; without it all, in full")
    read.add_argument("--state", type=Path)
    # <feature operations>
    mcp = commands.add_parser("mcp", help="serve the operations to a language model, over stdio")
    mcp.add_argument("--config", type=Path, required=True)
    # </feature>
    return parser


async def _run(
    arguments: argparse.Namespace, output: Output, client_options: dict[str, Any]
) -> int:
    if arguments.command == "spec":
        output.message("SPEC", "spec", await Connector.spec())
        return 0
    if arguments.command == "discover":
        output.message("CATALOG", "catalog", await Connector.discover())
        return 0
    if arguments.command == "check":
        return await _check(arguments.config, output, client_options)
    # <feature operations>
    if arguments.command == "mcp":
        return await _serve(arguments.config, client_options)
    # </feature>
    connector = Connector(_config(arguments.config), **client_options)
    selections = _selections(arguments.catalog)
    reading = connector.sync(selections, _states(arguments.state), output)
    task = asyncio.ensure_future(reading)
    # Neither Windows nor a thread beside the main one has signal handlers.
    with contextlib.suppress(NotImplementedError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return 0 if await task else 1
    except asyncio.CancelledError:
        return _STOPPED


async def _check(path: Path, output: Output, client_options: dict[str, Any]) -> int:
    """Write whether the API can be reached; what the person can mend is an answer, not a failure."""
    try:
        await Connector(_config(path), **client_options).check()
    except ConfigError as error:
        status = {"status": "FAILED", "message": error.message}
    else:
        status = {"status": "SUCCEEDED"}
    output.message("CONNECTION_STATUS", "connectionStatus", status)
    return 0


# <feature operations>
async def _serve(path: Path, client_options: dict[str, Any]) -> int:
    """Serve the operations as tools until standard input ends."""
    config = _config(path)
    try:
        server = importlib.import_module(".mcp_server", __package__)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error.name} is not installed: pip install '{api.NAME}[mcp]'."
        ) from None
    await server.serve(config, **client_options)
    return 0


# </feature>
def _config(path: Path) -> Config:
    failure: ConfigError
    try:
        return Config.model_validate(_json_file(path))
    except ValidationError as error:
        failure = ConfigError(f"The configuration is not valid: {describe_errors(error)}")
    # Raised out here because the original shows what was typed, secrets included.
    raise failure


def _json_file(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}.") from None
    except ValueError:
        raise ConfigError(f"{path} is not valid JSON.") from None


def _selections(path: Path | None) -> list[Selection]:
    """Return what a configured catalog asks for; without one, every stream in full."""
    if path is None:
        return [Selection(name) for name in STREAMS]
    catalog = _json_file(path)
    try:
        return [
            Selection(entry["stream"]["name"], entry.get("sync_mode", "full_refresh"))
            for entry in catalog["streams"]
        ]
    except (TypeError, KeyError, AttributeError):
        raise ConfigError(f"{path} is not a configured catalog.") from None


def _states(path: Path | None) -> dict[str, dict[str, Any]]:
    """Return the saved states by stream: a list of state messages, one message, or a plain map."""
    if path is None:
        return {}
    saved = _json_file(path)
    if isinstance(saved, dict) and "type" not in saved:
        return saved
    states: dict[str, dict[str, Any]] = {}
    try:
        for message in saved if isinstance(saved, list) else [saved]:
            stream = (message.get("state") or message)["stream"]
            states[stream["stream_descriptor"]["name"]] = stream.get("stream_state") or {}
    except (TypeError, KeyError, AttributeError):
        raise ConfigError(f"{path} is not a state that this connector wrote.") from None
    return states


def run() -> None:
    """Run as a console script."""
    sys.exit(main())


if __name__ == "__main__":
    run()
