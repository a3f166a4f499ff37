"""Reads one stream: its partitions, its time windows, its pages, its records."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx

from .client import ApiClient, Params
from .config import Config
from .errors import ApiError
from .incremental import full_pieces, pieces
from .models import Location, Parent, Partition, Stream
from .paging import Request, read_pages
from .records import Record, as_records, rows_in
from .state import StreamState
from .streams import STREAMS
from .utils import get_path

# <feature parents>
_LOG = logging.getLogger(__name__)
# </feature>
# <feature parameters>
_LOCATIONS: tuple[Location, ...] = ("path", "query", "header", "cookie", "body")
# </feature>


class StreamReader:
    """Reads streams with one client."""

    def __init__(self, client: ApiClient, config: Config) -> None:
        self._client = client
        self._config = config
    # <feature incremental>

    async def read(
        self, stream: Stream, state: StreamState | None = None
    ) -> AsyncIterator[list[Record]]:
        """Yield a stream's records page by page, and move its state on where that is safe."""
        # <feature parents>
        read = missing = 0
        async for partition in self._partitions(stream):
            read += 1
            try:
                async for records in self._read_partition(stream, partition, state):
                    yield records
            except ApiError as error:
                _pass_over_missing(stream, error)
                missing += 1
        _check_missing(stream, read, missing)

    async def _read_partition(
        self, stream: Stream, partition: Partition, state: StreamState | None
    ) -> AsyncIterator[list[Record]]:
        cursor = state.cursor(partition) if state is not None else None
        for piece in pieces(stream.incremental, self._config, cursor, self._client.now()):
            async for rows in self._pages(stream, partition, piece.params):
                records = piece.wanted(_labelled(stream, partition, rows))
                if state is not None:
                    state.observe(records, partition)
                yield records
            # Rows may come in any order: only a piece that was read to its end counts.
            if state is not None:
                state.commit()
        # </feature>
        # <feature !parents>
        cursor = state.cursor() if state is not None else None
        for piece in pieces(stream.incremental, self._config, cursor, self._client.now()):
            async for rows in self._pages(stream, piece.params):
                records = piece.wanted(as_records(rows))
                if state is not None:
                    state.observe(records)
                yield records
            # Rows may come in any order: only a piece that was read to its end counts.
            if state is not None:
                state.commit()
        # </feature>
    # </feature>
    # <feature !incremental>

    async def read(self, stream: Stream) -> AsyncIterator[list[Record]]:
        """Yield a stream's records page by page."""
        # <feature parents>
        read = missing = 0
        async for partition in self._partitions(stream):
            read += 1
            try:
                async for rows in self._pages(stream, partition):
                    yield _labelled(stream, partition, rows)
            except ApiError as error:
                _pass_over_missing(stream, error)
                missing += 1
        _check_missing(stream, read, missing)
        # </feature>
        # <feature !parents>
        async for rows in self._pages(stream):
            yield as_records(rows)
        # </feature>
    # </feature>
    # <feature parents>

    async def _partitions(self, stream: Stream) -> AsyncIterator[Partition]:
        """Yield the path values to read a stream for: those of each parent row, each once."""
        if stream.parent is None:
            yield {}
            return
        parent = STREAMS[stream.parent.stream]
        seen: set[str] = set()
        rows_seen = 0
        async for above in self._partitions(parent):
            try:
                async for rows in self._all_pages(parent, above):
                    for row in as_records(rows):
                        rows_seen += 1
                        partition = _partition_of(stream.parent, row, above)
                        key = repr(partition)
                        if partition is None or key in seen:
                            continue
                        seen.add(key)
                        yield partition
            except ApiError as error:
                _pass_over_missing(parent, error)
        if rows_seen and not seen:
            names = ", ".join(key.parameter for key in stream.parent.keys)
            raise ApiError(
                f"Stream {stream.name}: no row of {parent.name} holds what {names} is made from."
            )

    async def _all_pages(self, stream: Stream, partition: Partition) -> AsyncIterator[list[Any]]:
        """Yield every page of a parent, whatever its own state: an old parent may have new children."""
        # <feature incremental>
        for piece in full_pieces(stream.incremental, self._config, self._client.now()):
            async for rows in self._pages(stream, partition, piece.params):
                yield rows
        # </feature>
        # <feature !incremental>
        async for rows in self._pages(stream, partition):
            yield rows
        # </feature>
    # </feature>

    def _pages(
        self,
        stream: Stream,
        # <feature parents>
        partition: Partition,
        # </feature>
        # <feature incremental>
        changed: Params,
        # </feature>
    ) -> AsyncIterator[list[Any]]:
        """Yield the pages of a stream's list as the API gives them."""
        # <feature parameters>
        fixed = {location: self._parameters(stream, location) for location in _LOCATIONS}
        # </feature>
        # <feature parents>
        partition = _sent(stream, partition)  # <feature parents.quoted>
        # A parent's value that is not part of the path goes into the query.
        in_path = {name: value for name, value in partition.items() if f"{{{name}}}" in stream.path}
        in_query = {name: value for name, value in partition.items() if name not in in_path}
        # </feature>
        request = Request(
            method=stream.method,  # <feature post>
            method="GET",  # <feature !post>
            path=stream.path,
            path_params={**fixed["path"], **in_path},  # <feature parameters&parents>
            path_params=fixed["path"],  # <feature parameters&!parents>
            path_params=in_path,  # <feature !parameters&parents>
            # <feature !post&parameters|!post&parents|!post&incremental>
            params={
                **fixed["query"],  # <feature parameters>
                **in_query,  # <feature parents>
                **changed,  # <feature incremental>
            },
            # </feature>
            # <feature post>
            params={
                **fixed["query"],  # <feature parameters>
                **in_query,  # <feature parents>
                **({} if stream.method == "POST" else changed),  # <feature incremental>
            },
            body={
                **fixed["body"],  # <feature parameters>
                **(changed if stream.method == "POST" else {}),  # <feature incremental>
            },
            # </feature>
            # <feature parameters>
            headers={
                **{name: str(value) for name, value in fixed["header"].items()},
                **_cookies(fixed["cookie"]),
            },
            # </feature>
        )
        return read_pages(self._client, request, stream.paging, lambda body: rows_in(stream, body))
    # <feature parameters>

    def _parameters(self, stream: Stream, location: Location) -> dict[str, Any]:
        """Return the fixed parameters of a place, those left empty in the configuration left out."""
        values: dict[str, Any] = {}
        for parameter in stream.parameters:
            if parameter.location == location:
                value = parameter.value
                if parameter.config_key is not None:
                    value = getattr(self._config, parameter.config_key)
                if value is not None:
                    values[parameter.name] = value
        return values
    # </feature>
# <feature parameters>


def _cookies(values: dict[str, Any]) -> dict[str, str]:
    if not values:
        return {}
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in values.items())}
# </feature>
# <feature parents>


def _partition_of(parent: Parent, row: Record, above: Partition) -> Partition | None:
    """Return the path values that a parent's row stands for; `None` where one is missing in it."""
    partition: Partition = {}
    for key in parent.keys:
        value = above.get(key.inherited) if key.inherited else get_path(row, key.field or ())
        if value is None or value == "":
            _LOG.warning("A row of %s has no value for %s.", parent.stream, key.parameter)
            return None
        partition[key.parameter] = value
    return partition


# <feature parents.quoted>
def _sent(stream: Stream, partition: Partition) -> Partition:
    """Return the parent's values as the request has them."""
    if stream.parent is None:
        return partition
    keys = {key.parameter: key for key in stream.parent.keys}
    return {name: keys[name].sent(value) for name, value in partition.items()}


# </feature>
def _labelled(stream: Stream, partition: Partition, rows: list[Any]) -> list[Record]:
    """Return rows as records that say which parent they belong to."""
    records = as_records(rows)
    if stream.parent is None:
        return records
    columns = {key.column: partition[key.parameter] for key in stream.parent.keys}
    return [{**columns, **record} for record in records]


def _pass_over_missing(stream: Stream, error: ApiError) -> None:
    """Go on where a parent was deleted while the read went on; raise anything else."""
    if stream.parent is None or error.status != httpx.codes.NOT_FOUND:
        raise error
    _LOG.warning("Stream %s: passed over a parent that is gone. %s", stream.name, error)


def _check_missing(stream: Stream, read: int, missing: int) -> None:
    """Refuse to call it success when no parent at all had an answer: then the path is wrong."""
    if read and read == missing:
        raise ApiError(f"Stream {stream.name}: not found for any of {read} parents.", status=404)
# </feature>
