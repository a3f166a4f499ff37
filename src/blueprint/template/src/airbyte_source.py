"""The connector as a source of airbyte-cdk, for `airbyte_cdk.entrypoint.launch` and its tests.

Only this module needs airbyte-cdk, and only who calls it: the command line speaks the protocol without.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteMessageSerializer,
    AirbyteRecordMessage,
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    ConfiguredAirbyteCatalog,
    ConnectorSpecification,
    FailureType,
    Status,
    Type,
)
from airbyte_cdk.sources import Source
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from .connector import Connector, Selection
from .errors import ConfigError, ConnectorError
from .stepping import Records, parse_config, read_steps


class AirbyteSource(Source):
    """What airbyte-cdk drives. Every method hands on to `Connector`."""

    def spec(self, logger: logging.Logger) -> ConnectorSpecification:
        """Return what a configuration must look like."""
        return _message("SPEC", "spec", asyncio.run(Connector.spec())).spec

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        """Return the streams and their schemas."""
        return _message("CATALOG", "catalog", asyncio.run(Connector.discover())).catalog

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """Return whether the API can be reached; raises what no change of configuration mends."""
        failure: ConnectorError
        try:
            asyncio.run(Connector(parse_config(config)).check())
        except ConnectorError as error:
            failure = error
        else:
            return AirbyteConnectionStatus(status=Status.SUCCEEDED)
        if isinstance(failure, ConfigError):
            return AirbyteConnectionStatus(status=Status.FAILED, message=failure.message)
        raise _traced(failure)

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        """Yield records, states and what else there is to say; raises at the end if a stream failed."""
        failure: ConnectorError | None = None
        try:
            settings = parse_config(config)
        except ConfigError as error:
            failure = error
        if failure is not None:
            raise _traced(failure)
        selections = [
            Selection(entry.stream.name, entry.sync_mode.value) for entry in catalog.streams
        ]
        steps = read_steps(settings, selections, _states(state or []))
        failed: list[str] = []
        for step in steps:
            if isinstance(step, Records):
                for record in step.records:
                    yield _record(step.stream, record)
                continue
            yield AirbyteMessageSerializer.load(step.content)
            if step.content.get("trace", {}).get("type") == "ERROR":
                failed.append(step.content["trace"]["error"]["failure_type"])
        if failed:
            raise AirbyteTracedException(
                message="Not every stream could be read.", failure_type=FailureType(failed[-1])
            )


def _message(kind: str, field: str, content: dict[str, Any]) -> AirbyteMessage:
    return AirbyteMessageSerializer.load({"type": kind, field: content})


def _record(stream: str, record: Mapping[str, Any]) -> AirbyteMessage:
    content = AirbyteRecordMessage(stream=stream, data=record, emitted_at=int(time.time() * 1000))
    return AirbyteMessage(type=Type.RECORD, record=content)


def _traced(error: ConnectorError) -> AirbyteTracedException:
    return AirbyteTracedException(
        message=error.message,
        internal_message=type(error).__name__,
        failure_type=FailureType(error.failure_type),
    )


def _states(messages: list[AirbyteStateMessage]) -> dict[str, dict[str, Any]]:
    """Return the saved states by stream."""
    saved = [AirbyteStateMessageSerializer.dump(message)["stream"] for message in messages]
    return {
        stream["stream_descriptor"]["name"]: stream.get("stream_state") or {} for stream in saved
    }
