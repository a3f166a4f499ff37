"""Streams whose rows may have rows of the same kind below them: a tree, read list by list from the top down."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from .models import Parent, Partition
from .utils import get_path


class Tree:
    """The path values of every list of a stream: those of its parent's rows, and of its own that have rows below them.

    Depth first, each list once, in whatever circles the API leads: what waits is no more than the rows on the way down.
    Several lists may be read at a time. The reader tells what it found in each (`found`) and when it is done with it
    (`finished`): only then can it be known that nothing more comes.
    """

    def __init__(self, parent: Parent | None, roots: AsyncIterator[Partition]) -> None:
        self._recursion = None if parent is None else parent.recursion
        self._roots = roots
        self._waiting: list[Partition] = []
        self._seen: set[str] = set()
        self._open = 0
        self._news = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[Partition]:
        """Yield the path values of one list after the other."""
        async for root in self._roots:
            self._add(root)
            while self._waiting:
                yield self._next()
        while self._waiting or self._open:
            if self._waiting:
                yield self._next()
            else:
                self._news.clear()
                await self._news.wait()

    def found(self, partition: Partition, rows: list[Any]) -> None:
        """Take note of rows of a list: those that have rows below them are lists to read."""
        if self._recursion is None:
            return
        # The one that is added last is read first.
        for row in reversed(rows):
            key = get_path(row, self._recursion.field)
            if key not in (None, "") and self._has_rows_below(row):
                self._add({**partition, self._recursion.parameter: key})
        self._news.set()

    def finished(self) -> None:
        """Take note that a list was read to its end, or given up."""
        self._open -= 1
        self._news.set()

    def _next(self) -> Partition:
        self._open += 1
        return self._waiting.pop()

    def _add(self, partition: Partition) -> None:
        key = repr(sorted(partition.items()))
        if key not in self._seen:
            self._seen.add(key)
            self._waiting.append(partition)

    def _has_rows_below(self, row: Any) -> bool:
        if self._recursion is None or self._recursion.flag is None:
            return True
        flag = get_path(row, self._recursion.flag)
        # Without a word the API is asked: a list too many is better than one too few.
        return flag is None or bool(flag)
