"""The connector: what it needs, whether it reaches the API, what it offers, and reading it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from . import api
from .client import ApiClient
from .config import Config, connection_specification
from .errors import ApiError, ConfigError, ConnectorError, RateLimitedError
from .models import Stream
from .progress import Position, Progress
from .protocol import Output
from .reader import StreamReader
from .records import Record, parsed
from .state import StreamState
from .streams import STREAMS

_CHECKED_STREAMS = 3
_CHECKPOINT_RECORDS = 1_000
_RECORDS_PER_CURSOR = 2

SyncMode = Literal["full_refresh", "incremental"]


@dataclass(frozen=True)
class Selection:
    """A stream to read, and whether from its state on or in full."""

    stream: str
    sync_mode: SyncMode = "full_refresh"


class Connector:
    """Reads the API. Further arguments go to `ApiClient`; tests put a transport and a clock there."""

    def __init__(self, config: Config, **client_options: Any) -> None:
        self._config = config
        self._client_options = client_options

    @staticmethod
    async def spec() -> dict[str, Any]:
        """Return what a configuration must look like, as an Airbyte connector specification."""
        return {
            "protocol_version": "0.3.2",
            # Platforms refuse an empty address.
            **({"documentationUrl": api.DOCUMENTATION_URL} if api.DOCUMENTATION_URL else {}),
            "connectionSpecification": connection_specification(),
        }

    @staticmethod
    async def discover() -> dict[str, Any]:
        """Return the streams with their schemas, as an Airbyte catalog."""
        return {"streams": [_catalog_entry(stream) for stream in STREAMS.values()]}

    async def check(self) -> None:
        """Ask for the first rows of a stream. Raises `ConnectorError` when that fails.

        Credentials may be good for some streams only: the first that answers is enough.
        """
        # <feature parents>
        roots = [stream for stream in STREAMS.values() if stream.parent is None]
        # </feature>
        # <feature !parents>
        roots = list(STREAMS.values())
        # </feature>
        failure: ConnectorError | None = None
        async with self._client() as client:
            reader = StreamReader(client, self._config)
            for stream in roots[:_CHECKED_STREAMS]:
                try:
                    async with aclosing(reader.read(stream)) as pages:
                        async for _ in pages:
                            break
                except ConnectorError as error:
                    failure = failure or error
                    if error.status not in (403, 404):
                        break
                else:
                    return
        if failure is not None:
            raise failure

    async def read(
        self, stream: str, state: Mapping[str, Any] | None = None
    ) -> AsyncIterator[Record]:
        """Yield the records of one stream, those that changed since a state if there is one."""
        source = _stream(stream)
        progress = _progress(source, "incremental", state)
        async with self._client() as client:
            pages = StreamReader(client, self._config).read(source, progress)
            async with aclosing(pages):
                async for page in pages:
                    for record in page:
                        yield parsed(record)

    async def sync(
        self,
        selections: list[Selection],
        states: Mapping[str, Mapping[str, Any]],
        output: Output,
    ) -> bool:
        """Write the records and states of streams as protocol messages; false if any stream failed.

        As many streams are read at a time as requests may be under way. A stream that fails is reported,
        and the others are read all the same.
        """
        async with self._client(output) as client:  # <feature auth.refresh_token>
        async with self._client() as client:  # <feature !auth.refresh_token>
            reader = StreamReader(client, self._config)
            places = asyncio.Semaphore(self._config.concurrency)

            async def in_turn(selection: Selection) -> bool:
                async with places:
                    state = states.get(selection.stream)
                    return await _reported(client, reader, selection, state, output)

            tasks = [asyncio.create_task(in_turn(selection)) for selection in selections]
            try:
                return all(await asyncio.gather(*tasks))
            finally:
                # Whatever ends the read: every stream that was begun says how far it got.
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    # <feature auth.refresh_token>
    def _client(self, output: Output | None = None) -> ApiClient:
        def save(refresh_token: str) -> None:
            """Keep a rotated refresh token for later clients, and ask the platform to save it."""
            self._config = self._config.with_refresh_token(refresh_token)
            if output is not None:
                output.new_config(self._config.plain())

        return ApiClient(self._config, on_rotation=save, **self._client_options)
    # </feature>
    # <feature !auth.refresh_token>
    def _client(self) -> ApiClient:
        return ApiClient(self._config, **self._client_options)
    # </feature>


async def _reported(
    client: ApiClient,
    reader: StreamReader,
    selection: Selection,
    state: Mapping[str, Any] | None,
    output: Output,
) -> bool:
    """Read a stream and write how that ended; false if it failed."""
    name = selection.stream
    failure: ConnectorError
    try:
        await _sync_stream(reader, selection, state, output)
    except asyncio.CancelledError:
        output.status(name, "INCOMPLETE")
        raise
    except BrokenPipeError:
        raise
    except ConnectorError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - reported, and the other streams go on
        reason = client.redact(f"{type(error).__name__}: {error}")
        failure = ApiError(f"Stream {name}: unexpected failure. {reason}")
    else:
        output.status(name, "COMPLETE")
        return True
    output.error(failure, stream=name)
    reset = failure.retry_after if isinstance(failure, RateLimitedError) else None
    output.status(name, "INCOMPLETE", quota_reset=reset)
    return False


async def _sync_stream(
    reader: StreamReader,
    selection: Selection,
    state: Mapping[str, Any] | None,
    output: Output,
) -> None:
    """Write one stream's records, and where it got to also when the read breaks off."""
    name = selection.stream
    stream = _stream(name)
    progress = _progress(stream, selection.sync_mode, state)
    output.status(name, "STARTED")
    written = unsaved = 0
    complete = False
    try:
        async with aclosing(reader.read(stream, progress)) as pages:
            async for records in pages:
                # The state of many partitions is long: it is written the less often.
                if progress.changed and unsaved >= max(
                    _CHECKPOINT_RECORDS, _RECORDS_PER_CURSOR * progress.size
                ):
                    output.state(name, progress.to_json(), unsaved)
                    unsaved = 0
                if records and not written:
                    output.status(name, "RUNNING")
                output.records(name, records)
                written += len(records)
                unsaved += len(records)
        complete = True
    finally:
        if complete or progress.kept:
            output.state(name, progress.to_json(), unsaved)


def _progress(stream: Stream, sync_mode: SyncMode, state: Mapping[str, Any] | None) -> Progress:
    """Return what is kept of a read of a stream, as far as it got earlier."""
    # <feature incremental>
    if sync_mode == "incremental" and stream.incremental is not None:
        return StreamState(stream.incremental, state)
    # </feature>
    # <feature resumable>
    if stream.is_resumable:
        return Position(state)
    # </feature>
    return Progress()


def _stream(name: str) -> Stream:
    stream = STREAMS.get(name)
    if stream is None:
        raise ConfigError(f"There is no stream {name!r}. There are: {', '.join(STREAMS)}.")
    return stream


def _catalog_entry(stream: Stream) -> dict[str, Any]:
    # <feature incremental>
    incremental = stream.incremental
    modes = ["full_refresh"] if incremental is None else ["full_refresh", "incremental"]
    # </feature>
    entry: dict[str, Any] = {
        "name": stream.name,
        "json_schema": stream.json_schema(),
        # <feature incremental>
        "supported_sync_modes": modes,
        # </feature>
        # <feature !incremental>
        "supported_sync_modes": ["full_refresh"],
        # </feature>
        "source_defined_primary_key": [list(path) for path in stream.primary_key],
        "is_resumable": stream.is_resumable,  # <feature resumable>
        "is_resumable": False,  # <feature !resumable>
    }
    # <feature incremental>
    if incremental is not None:
        entry["source_defined_cursor"] = True
        entry["default_cursor_field"] = list(incremental.cursor_field)
        entry["is_resumable"] = True
    # </feature>
    return entry
