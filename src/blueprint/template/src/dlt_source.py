"""The connector as a source of dlt: `pipeline.run(source(config))`.

Only this module needs dlt (`pip install '.[dlt]'`). Each stream is a resource; where a read got to is kept
in dlt's own state, which is saved together with the rows.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dlt
from dlt.extract import DltResource

from . import api
from .config import Config
from .connector import Selection
from .errors import ApiError, ConfigError
from .models import Stream
from .stepping import Message, Records, parse_config, read_steps
from .streams import STREAMS

_NAME = api.NAME.removeprefix("source-").replace("-", "_")
# <feature auth.refresh_token>
_ROTATED = (
    "The API has replaced the refresh token, and dlt has no place to keep the new one: "
    "authenticate again before the next run."
)
# </feature>


@dlt.source(name=_NAME)
def source(
    config: dict[str, Any] = dlt.secrets.value, streams: Sequence[str] | None = None
) -> Iterator[DltResource]:
    """Yield a resource for each stream, or for each of `streams`.

    `config` is the connector's configuration; left out, dlt looks for it among its secrets. Rows of a
    stream with a primary key are merged, others added where only new ones are read, else replaced.
    Raises `ConfigError` for an unusable configuration or an unknown stream.
    """
    settings = parse_config(config)
    unknown = [name for name in streams or () if name not in STREAMS]
    if unknown:
        raise ConfigError(
            f"There is no stream {', '.join(unknown)}. There are: {', '.join(STREAMS)}."
        )
    for stream in STREAMS.values():
        if streams is None or stream.name in streams:
            yield dlt.resource(
                _pages(settings, stream),
                name=stream.name,
                primary_key=["__".join(path) for path in stream.primary_key] or None,
                write_disposition=_write_disposition(stream),
            )


def _write_disposition(stream: Stream) -> str:
    if stream.primary_key:
        return "merge"
    # <feature incremental>
    if stream.incremental is not None:
        return "append"
    # </feature>
    return "replace"


def _pages(settings: Config, stream: Stream) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the pages of one stream. Raises `ApiError` when it can't be read to its end."""
    # <feature incremental>
    if stream.incremental is None:
        steps = read_steps(settings, [Selection(stream.name)], {})
    else:
        saved = dlt.current.resource_state()
        states = {stream.name: saved.get("stream_state", {})}
        steps = read_steps(settings, [Selection(stream.name, "incremental")], states)
    # </feature>
    # <feature !incremental>
    steps = read_steps(settings, [Selection(stream.name)], {})
    # </feature>
    failure = ""
    for step in steps:
        if isinstance(step, Records):
            if step.records:
                yield step.records
            continue
        # <feature incremental>
        if step.kind == "STATE" and stream.incremental is not None:
            saved["stream_state"] = step.content["state"]["stream"]["stream_state"]
        # </feature>
        # <feature auth.refresh_token>
        if step.kind == "CONTROL":
            logging.getLogger(__name__).warning(_ROTATED)
        # </feature>
        failure = failure or _failure(step)
    if failure:
        raise ApiError(failure)


def _failure(step: Message) -> str:
    """Return what a message says went wrong, if it says so."""
    trace = step.content.get("trace", {})
    return str(trace["error"]["message"]) if trace.get("type") == "ERROR" else ""
