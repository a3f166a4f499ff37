"""The Airbyte protocol (0.3.2): one JSON message per line."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Raw

from .errors import ConnectorError
from .records import Row
from .utils import dump_json

StreamStatus = Literal["STARTED", "RUNNING", "COMPLETE", "INCOMPLETE"]
LogLevel = Literal["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"]


class Output:
    """Writes messages. `write` takes whole lines."""

    def __init__(
        self, write: Callable[[bytes], object], now: Callable[[], float] = time.time
    ) -> None:
        self._write = write
        self._now = now

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)

    def message(self, kind: str, field: str, content: Any) -> None:
        """Write any message."""
        self._write(dump_json({"type": kind, field: content}) + b"\n")

    def records(self, stream: str, records: Sequence[Row]) -> None:
        """Write a page of records. The lines are put together by hand: this is the hot path."""
        if not records:
            return
        head = b'{"type":"RECORD","record":{"stream":' + dump_json(stream) + b',"data":'
        tail = b',"emitted_at":' + str(self._milliseconds()).encode() + b"}}\n"
        texts: Sequence[Any] = records
        if set(map(type, records)) != {Raw}:
            texts = [record if isinstance(record, Raw) else dump_json(record) for record in records]
        self._write(b"".join((head, (tail + head).join(texts), tail)))

    def state(self, stream: str, state: Mapping[str, Any], records: int) -> None:
        """Write a stream's state and how many records were written since its last one."""
        self.message(
            "STATE",
            "state",
            {
                "type": "STREAM",
                "stream": {"stream_descriptor": {"name": stream}, "stream_state": state},
                "sourceStats": {"recordCount": float(records)},
            },
        )

    def log(self, level: LogLevel, text: str) -> None:
        """Write a line for the platform's log."""
        self.message("LOG", "log", {"level": level, "message": text})

    def status(
        self, stream: str, status: StreamStatus, *, quota_reset: float | None = None
    ) -> None:
        """Write that a stream has started, sent its first record, or ended one way or the other."""
        content: dict[str, Any] = {"stream_descriptor": {"name": stream}, "status": status}
        if quota_reset is not None:
            reset = int((self._now() + quota_reset) * 1000)
            content["reasons"] = [{"type": "RATE_LIMITED", "rate_limited": {"quota_reset": reset}}]
        self._trace("STREAM_STATUS", "stream_status", content)

    def error(self, error: ConnectorError, *, stream: str | None = None) -> None:
        """Write why the read, or one stream of it, failed."""
        content: dict[str, Any] = {
            "message": error.message,
            "internal_message": type(error).__name__,
            "failure_type": error.failure_type,
        }
        if stream is not None:
            content["stream_descriptor"] = {"name": stream}
        self._trace("ERROR", "error", content)

    def _trace(self, kind: str, field: str, content: Any) -> None:
        emitted_at = self._now() * 1000
        self.message("TRACE", "trace", {"type": kind, "emitted_at": emitted_at, field: content})
    # <feature auth.refresh_token>

    def new_config(self, config: Mapping[str, Any]) -> None:
        """Ask the platform to save a configuration whose refresh token has changed."""
        self.message(
            "CONTROL",
            "control",
            {
                "type": "CONNECTOR_CONFIG",
                "emitted_at": self._now() * 1000,
                "connectorConfig": {"config": config},
            },
        )
    # </feature>
