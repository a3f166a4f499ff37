"""Reads one stream: its partitions, its time windows, its pages, its records."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from .client import ApiClient, Params
from .config import Config
from .errors import ApiError
from .incremental import full_pieces, pieces
from .models import Location, Parent, Partition, Stream
from .pages import Request, read_pages
from .progress import Position, Progress
from .records import Row, as_records, parse_body, rows_in, with_columns
from .recursion import Tree
from .state import StreamState
from .streams import STREAMS
from .utils import get_path

# <feature parents>
_LOG = logging.getLogger(__name__)
# </feature>
# <feature parameters>
_LOCATIONS: tuple[Location, ...] = ("path", "query", "header", "cookie", "body")
# </feature>


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records, and what may be taken note of once they are written."""

    records: list[Row]
    written: Callable[[], None] | None = None


class StreamReader:
    """Reads streams with one client.

    All streams together have as many partitions open at a time as requests may be under way.
    """

    def __init__(self, client: ApiClient, config: Config) -> None:
        self._client = client
        self._config = config
        self._open = asyncio.Semaphore(config.concurrency)

    async def read(
        self, stream: Stream, progress: Progress | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """Yield a stream's records page by page, and move its progress on where that is safe."""
        # <feature parents>
        if stream.parent is None:
            batches = self._alone(stream, progress)
        else:
            batches = self._side_by_side(stream, progress)
        # </feature>
        # <feature !parents>
        batches = self._alone(stream, progress)
        # </feature>
        async with aclosing(batches):
            async for batch in batches:
                yield batch.records
                if batch.written is not None:
                    batch.written()
        if progress is not None:
            progress.finish()

    async def _alone(
        self, stream: Stream, progress: Progress | None
    ) -> AsyncGenerator[_Batch, None]:
        async with self._open:
            pages = self._read_partition(stream, {}, progress)  # <feature parents>
            pages = self._read_partition(stream, progress)  # <feature !parents>
            async for batch in pages:
                yield batch

    async def _read_partition(
        self,
        stream: Stream,
        # <feature parents>
        partition: Partition,
        # </feature>
        progress: Progress | None,
    ) -> AsyncIterator[_Batch]:
        # <feature resumable>
        position = progress if isinstance(progress, Position) else None
        # </feature>
        # <feature incremental>
        state = progress if isinstance(progress, StreamState) else None
        cursor = state.cursor(partition) if state is not None else None  # <feature parents>
        cursor = state.cursor() if state is not None else None  # <feature !parents>
        for piece in pieces(stream.incremental, self._config, cursor, self._client.now()):
            pages = self._pages(
                stream,
                partition,  # <feature parents>
                piece.params,
                position,  # <feature resumable>
            )
            async for rows in pages:
                # <feature parents>
                yield _Batch(piece.wanted(_labelled(stream, partition, rows)))
                # </feature>
                # <feature !parents>
                yield _Batch(piece.wanted(as_records(rows)))
                # </feature>
            # Rows may come in any order: only a piece that was read to its end counts.
            if state is not None:
                # <feature parents>
                yield _Batch([], partial(state.commit, piece.greatest, partition))
                # </feature>
                # <feature !parents>
                yield _Batch([], partial(state.commit, piece.greatest))
                # </feature>
        # </feature>
        # <feature !incremental>
        pages = self._pages(
            stream,
            partition,  # <feature parents>
            position,  # <feature resumable>
        )
        async for rows in pages:
            yield _Batch(_labelled(stream, partition, rows))  # <feature parents>
            yield _Batch(as_records(rows))  # <feature !parents>
        # </feature>
    # <feature parents>

    async def _side_by_side(
        self, stream: Stream, progress: Progress | None
    ) -> AsyncGenerator[_Batch, None]:
        """Yield what the partitions of a child stream hold, several being read at a time.

        The first failure ends the read, once what came before it was taken.
        """
        found: asyncio.Queue[_Batch | Exception | None] = asyncio.Queue(maxsize=1)
        feeding = asyncio.create_task(self._feed(stream, progress, found))
        try:
            while (batch := await found.get()) is not None:
                if isinstance(batch, Exception):
                    raise batch
                yield batch
        finally:
            feeding.cancel()
            await asyncio.wait([feeding])

    async def _feed(
        self,
        stream: Stream,
        progress: Progress | None,
        found: "asyncio.Queue[_Batch | Exception | None]",
    ) -> None:
        """Open one partition after the other, and at last put how it all ended."""
        ended: Exception | None = None
        missing: list[Partition] = []
        read = 0

        async def worker(partition: Partition) -> None:
            try:
                async for batch in self._read_partition(stream, partition, progress):
                    lists.found(partition, batch.records)  # <feature parents.recursive>
                    await found.put(batch)
            except ApiError as error:
                _pass_over_missing(stream, error)
                missing.append(partition)
            # <feature parents.recursive>
            finally:
                lists.finished()
            # </feature>

        lists = Tree(stream.parent, self._partitions(stream))  # <feature parents.recursive>
        lists = self._partitions(stream)  # <feature !parents.recursive>
        try:
            async with asyncio.TaskGroup() as workers:
                async for partition in lists:
                    read += 1
                    await self._open.acquire()
                    # By callback: a task that is cancelled before it begins has no other end.
                    opened = workers.create_task(worker(partition))
                    opened.add_done_callback(lambda _: self._open.release())
            _check_missing(stream, read, len(missing))
        except ExceptionGroup as failures:
            ended = failures.exceptions[0]
        except ApiError as error:
            ended = error
        await found.put(ended)
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
        lists = Tree(parent.parent, self._partitions(parent))  # <feature parents.recursive>
        lists = self._partitions(parent)  # <feature !parents.recursive>
        async for above in lists:
            try:
                async for rows in self._all_pages(parent, above):
                    lists.found(above, rows)  # <feature parents.recursive>
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
            lists.finished()  # <feature parents.recursive>
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
        # <feature resumable>
        position: Position | None = None,
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
        return read_pages(
            self._client,
            request,
            stream.paging,
            partial(rows_in, stream),
            parse=partial(parse_body, stream),
            position=position,  # <feature resumable>
        )
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


def _partition_of(parent: Parent, row: Row, above: Partition) -> Partition | None:
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
def _labelled(stream: Stream, partition: Partition, rows: list[Any]) -> list[Row]:
    """Return rows as records that say which parent they belong to."""
    records = as_records(rows)
    if stream.parent is None:
        return records
    columns = {key.column: partition[key.parameter] for key in stream.parent.keys}
    return [with_columns(record, columns) for record in records]


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
