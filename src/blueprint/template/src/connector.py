"""The connector: what it needs, whether it reaches the API, what it offers, and reading it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from . import api
from .client import ApiClient
from .config import Config, connection_specification
from .errors import ApiError, ConfigError, ConnectorError, RateLimitedError
from .models import Stream
from .protocol import Output
from .reader import StreamReader
from .records import Record
from .state import StreamState
from .streams import STREAMS

_CHECKED_STREAMS = 3
# <feature incremental>
_CHECKPOINT_RECORDS = 1_000
# </feature>
_NO_CURSOR = {"__ab_no_cursor_state_message": True}


@dataclass(frozen=True)
class Selection:
    """A stream to read, and whether from its state on or in full."""

    stream: str
    sync_mode: Literal["full_refresh", "incremental"] = "full_refresh"


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
                    async for _ in reader.read(stream):
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
        self,
        stream: str,
        # <feature incremental>
        state: Mapping[str, Any] | None = None,
        # </feature>
    ) -> AsyncIterator[Record]:
        """Yield the records of one stream."""
        source = _stream(stream)
        # <feature incremental>
        progress = None
        if source.incremental is not None:
            progress = StreamState(source.incremental, state)
        # </feature>
        async with self._client() as client:
            # <feature incremental>
            pages = StreamReader(client, self._config).read(source, progress)
            # </feature>
            # <feature !incremental>
            pages = StreamReader(client, self._config).read(source)
            # </feature>
            async for page in pages:
                for record in page:
                    yield record

    async def sync(
        self,
        selections: list[Selection],
        # <feature incremental>
        states: Mapping[str, Mapping[str, Any]],
        # </feature>
        output: Output,
    ) -> bool:
        """Write the records and states of streams as protocol messages; false if any stream failed.

        A stream that fails is reported, and the others are read all the same.
        """
        complete = True
        async with self._client(output) as client:  # <feature auth.refresh_token>
        async with self._client() as client:  # <feature !auth.refresh_token>
            reader = StreamReader(client, self._config)
            for selection in selections:
                name = selection.stream
                failure: ConnectorError | None = None
                try:
                    # <feature incremental>
                    await _sync_stream(reader, selection, states.get(name), output)
                    # </feature>
                    # <feature !incremental>
                    await _sync_stream(reader, selection, output)
                    # </feature>
                except asyncio.CancelledError:
                    output.status(name, "INCOMPLETE")
                    raise
                except ConnectorError as error:
                    failure = error
                except Exception as error:  # noqa: BLE001 - reported, and the other streams go on
                    reason = client.redact(f"{type(error).__name__}: {error}")
                    failure = ApiError(f"Stream {name}: unexpected failure. {reason}")
                if failure is None:
                    output.status(name, "COMPLETE")
                    continue
                complete = False
                output.error(failure, stream=name)
                reset = failure.retry_after if isinstance(failure, RateLimitedError) else None
                output.status(name, "INCOMPLETE", quota_reset=reset)
        return complete

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


async def _sync_stream(
    reader: StreamReader,
    selection: Selection,
    # <feature incremental>
    state: Mapping[str, Any] | None,
    # </feature>
    output: Output,
) -> None:
    """Write one stream's records, and its state also when the read breaks off."""
    name = selection.stream
    stream = _stream(name)
    # <feature incremental>
    progress = None
    if selection.sync_mode == "incremental" and stream.incremental is not None:
        progress = StreamState(stream.incremental, state)
    # </feature>
    output.status(name, "STARTED")
    # <feature incremental>
    written = unsaved = 0
    try:
        async for records in reader.read(stream, progress):
            if progress is not None and progress.changed and unsaved >= _CHECKPOINT_RECORDS:
                output.state(name, progress.to_json(), unsaved)
                unsaved = 0
            if records and not written:
                output.status(name, "RUNNING")
            output.records(name, records)
            written += len(records)
            unsaved += len(records)
    finally:
        if progress is not None:
            output.state(name, progress.to_json(), unsaved)
    if progress is None:
        output.state(name, _NO_CURSOR, unsaved)
    # </feature>
    # <feature !incremental>
    written = 0
    async for records in reader.read(stream):
        if records and not written:
            output.status(name, "RUNNING")
        output.records(name, records)
        written += len(records)
    output.state(name, _NO_CURSOR, written)
    # </feature>


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
        "is_resumable": False,
    }
    # <feature incremental>
    if incremental is not None:
        entry["source_defined_cursor"] = True
        entry["default_cursor_field"] = list(incremental.cursor_field)
        entry["is_resumable"] = True
    # </feature>
    return entry
