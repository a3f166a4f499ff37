"""Reads step by step, for programs that are not asynchronous: dlt, and what runs Airbyte's sources."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from .config import Config, describe_errors
from .connector import Connector, Selection
from .errors import ConfigError
from .protocol import Output
from .records import Row, parsed


@dataclass(frozen=True)
class Records:
    """A page of a stream's records."""

    stream: str
    records: list[Mapping[str, Any]]


@dataclass(frozen=True)
class Message:
    """A protocol message other than a record, whole: `{"type": kind, …}`."""

    kind: str
    content: dict[str, Any]


def parse_config(values: Mapping[str, Any]) -> Config:
    """Return the configuration. Raises `ConfigError`, which shows nothing of what was typed."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        words = describe_errors(error)
    # Raised out here because the original shows what was typed, secrets included.
    raise ConfigError(f"The configuration is not valid: {words}")


class _Steps(Output):
    """Keeps what is written until it is taken, and wakes whoever waits for it."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self._waiting: list[Records | Message] = []
        self.written = asyncio.Event()

    def take(self) -> list[Records | Message]:
        """Return what was kept and keep it no longer."""
        taken, self._waiting = self._waiting, []
        return taken

    def message(self, kind: str, field: str, content: Any) -> None:
        """Keep a message."""
        self._waiting.append(Message(kind, {"type": kind, field: content}))
        self.written.set()

    def records(self, stream: str, records: Sequence[Row]) -> None:
        """Keep a page of records."""
        self._waiting.append(Records(stream, [parsed(record) for record in records]))
        self.written.set()


def read_steps(
    config: Config,
    selections: Sequence[Selection],
    states: Mapping[str, Mapping[str, Any]],
    **client_options: Any,
) -> Iterator[Records | Message]:
    """Yield pages of records and other messages in the order in which they were written.

    The read goes on only while the next step is asked for, so that one who takes slowly holds no more
    than what came at once; closing the generator ends the read. Failures of streams are among the
    messages. Must not be called where an event loop runs.
    """
    connector = Connector(config, **client_options)
    # Leaving early closes the runner, and that cancels the read.
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        output = _Steps()
        reading = loop.create_task(connector.sync(list(selections), states, output))
        while not reading.done():
            loop.run_until_complete(_next_step(reading, output))
            yield from output.take()
        reading.result()


async def _next_step(reading: "asyncio.Task[bool]", output: _Steps) -> None:
    """Let the read go on until it writes something or ends."""
    output.written.clear()
    written = asyncio.ensure_future(output.written.wait())
    try:
        await asyncio.wait({reading, written}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        written.cancel()
