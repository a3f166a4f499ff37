"""What a line of the Airbyte protocol (0.3.2) must look like."""

import json
from collections.abc import Callable, Iterator
from typing import Any

_LEVELS = ("FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE")
_STATUSES = ("STARTED", "RUNNING", "COMPLETE", "INCOMPLETE")
_EARLIEST = 10**11
"""Milliseconds since 1970; in seconds the year 5138."""
_FAILURES = ("system_error", "config_error", "transient_error")


def faults_of(line: str) -> list[str]:
    """Return what is wrong with a line of standard output; nothing where it is a valid message."""
    try:
        message = json.loads(line)
    except ValueError:
        return [f"is not JSON: {line[:120]}"]
    if not isinstance(message, dict):
        return [f"is not an object: {line[:120]}"]
    check = _CHECKS.get(message.get("type", ""))
    if check is None:
        return [f"has the type {message.get('type')!r}, which the protocol does not know"]
    field, look = check
    content = message.get(field)
    if not isinstance(content, dict):
        return [f"{message['type']} has no object {field!r}"]
    return [f"{message['type']}: {fault}" for fault in look(content)]


def _record(content: dict[str, Any]) -> Iterator[str]:
    yield from _wants(content, "stream", str)
    yield from _wants(content, "data", dict)
    yield from _milliseconds(content)


def _state(content: dict[str, Any]) -> Iterator[str]:
    if content.get("type") != "STREAM":
        yield "its type is not STREAM"
        return
    stream = content.get("stream")
    if not isinstance(stream, dict):
        yield "it has no object stream"
        return
    yield from _descriptor(stream)
    if not isinstance(stream.get("stream_state"), dict):
        yield "stream_state is not an object"
    count = (content.get("sourceStats") or {}).get("recordCount")
    if not isinstance(count, (int, float)):
        yield "sourceStats.recordCount is missing"


def _log(content: dict[str, Any]) -> Iterator[str]:
    yield from _one_of(content, "level", _LEVELS)
    yield from _wants(content, "message", str)


def _spec(content: dict[str, Any]) -> Iterator[str]:
    yield from _wants(content, "connectionSpecification", dict)


def _status(content: dict[str, Any]) -> Iterator[str]:
    yield from _one_of(content, "status", ("SUCCEEDED", "FAILED"))
    if content.get("status") == "FAILED" and not content.get("message"):
        yield "FAILED without a message"


def _catalog(content: dict[str, Any]) -> Iterator[str]:
    streams = content.get("streams")
    if not isinstance(streams, list):
        yield "streams is not a list"
        return
    for stream in streams:
        yield from _wants(stream, "name", str)
        yield from _wants(stream, "json_schema", dict)
        modes = stream.get("supported_sync_modes")
        if not modes or set(modes) - {"full_refresh", "incremental"}:
            yield f"supported_sync_modes of {stream.get('name')} is {modes!r}"


def _trace(content: dict[str, Any]) -> Iterator[str]:
    yield from _milliseconds(content)
    kind = content.get("type")
    if kind == "ERROR":
        error = content.get("error") or {}
        yield from _wants(error, "message", str)
        yield from _one_of(error, "failure_type", _FAILURES)
    elif kind == "STREAM_STATUS":
        status = content.get("stream_status") or {}
        yield from _descriptor(status)
        yield from _one_of(status, "status", _STATUSES)
    elif kind not in ("ESTIMATE", "ANALYTICS"):
        yield f"its type is {kind!r}"


def _control(content: dict[str, Any]) -> Iterator[str]:
    yield from _one_of(content, "type", ("CONNECTOR_CONFIG",))
    if not isinstance((content.get("connectorConfig") or {}).get("config"), dict):
        yield "connectorConfig.config is not an object"


def _wants(content: dict[str, Any], name: str, kind: type) -> Iterator[str]:
    value = content.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        yield f"{name} is not of the type {kind.__name__}"


def _milliseconds(content: dict[str, Any]) -> Iterator[str]:
    moment = content.get("emitted_at")
    if not isinstance(moment, (int, float)) or isinstance(moment, bool):
        yield "emitted_at is not a number"
    elif moment < _EARLIEST:
        yield f"emitted_at is {moment}, which is no time in milliseconds since 1970"


def _one_of(content: dict[str, Any], name: str, values: tuple[str, ...]) -> Iterator[str]:
    if content.get(name) not in values:
        yield f"{name} is {content.get(name)!r}"


def _descriptor(content: dict[str, Any]) -> Iterator[str]:
    descriptor = content.get("stream_descriptor")
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("name"), str):
        yield "stream_descriptor has no name"


_CHECKS: dict[str, tuple[str, Callable[[dict[str, Any]], Iterator[str]]]] = {
    "RECORD": ("record", _record),
    "STATE": ("state", _state),
    "LOG": ("log", _log),
    "SPEC": ("spec", _spec),
    "CONNECTION_STATUS": ("connectionStatus", _status),
    "CATALOG": ("catalog", _catalog),
    "TRACE": ("trace", _trace),
    "CONTROL": ("control", _control),
}
