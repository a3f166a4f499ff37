"""The check of memory: a read holds a page or a few, however many there are."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .api import ConformanceApi
from .description import Description, Stream, description_of
from .model import Check, NotApplicable, Problem, Subject
from .processes import configuration_for
from .rows import MARK, grow
from .running import catalog, options_into, program_environment
from .sockets import serving

_FEW, _MANY = 50, 400
"""Pages of the two reads that are compared."""

_PAGE_BYTES = 100_000
_MOST_ROWS = 20
"""Rows of a page."""

_ALLOWED_GROWTH = 10_000_000
"""Bytes; whoever keeps what was read grows by three and a half times as much."""

_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Starts a program and prints what it had at most. A program counts what the one had that started it: this one is small."""


def _flat(subject: Subject) -> Iterator[Problem]:
    if sys.platform == "win32":
        raise NotApplicable("Windows does not say how much memory a program had at most.")
    description = description_of(subject)
    if description.rate_limit is not None:
        raise NotApplicable("The API has a known limit: so many pages would take minutes.")
    stream = _stream(description)
    few, many = (_peak(subject, description, stream, pages) for pages in (_FEW, _MANY))
    if many - few > _ALLOWED_GROWTH:
        yield Problem(
            f"{stream.name}: a read of {_MANY} pages takes {(many - few) / 1e6:.0f} MB more memory than one of "
            f"{_FEW} pages; each has {_PAGE_BYTES / 1e6:.1f} MB."
        )


def _stream(description: Description) -> Stream:
    """Return the list to read: a paged one, at best one whose pages the server finds quickly."""
    parents = {stream.parent for stream in description.children}
    paged = [stream for stream in description.roots if stream.is_paged and stream.shape == "list"]
    if not paged:
        raise NotApplicable("No list has pages.")
    return min(
        paged,
        key=lambda stream: (
            stream.incremental is not None and stream.incremental.required,
            stream.name in parents,
            stream.paging.last_record_field is not None,
        ),
    )


def _peak(subject: Subject, description: Description, stream: Stream, pages: int) -> int:
    """Return the bytes that the program had at most while it read so many pages."""
    size = min(_MOST_ROWS, stream.paging.page_size or _MOST_ROWS)
    needed = dict.fromkeys(description.streams, 0) | {stream.name: pages * size}
    api = ConformanceApi(description, rows=grow(description, lengths=needed))
    api.page_size = size
    for row in api.rows[stream.name][0].rows:
        if isinstance(row, dict):
            row[MARK] = "x" * (_PAGE_BYTES // size)
    with serving(api) as base_url, tempfile.TemporaryDirectory() as folder:
        files: dict[str, Any] = {
            "config": configuration_for(description, base_url),
            "catalog": catalog(stream.name),
        }
        words = ["-m", "src", *options_into("read", files, Path(folder))]
        told = subprocess.run(  # noqa: S603 - this is the connector under judgement
            [sys.executable, "-c", _MEASURE, sys.executable, *words],
            cwd=subject.directory,
            env=program_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    served = {one.start for one in api.lists_of(stream.name) if one.rows}
    if len(served) < pages:
        raise NotApplicable(f"Only {len(served)} of {pages} pages of {stream.name} were read.")
    return int(told.stdout) * (1 if sys.platform == "darwin" else 1024)


CHECKS: list[Check] = [
    Check(
        "data.memory-does-not-grow-with-pages",
        "data",
        "A read of many pages takes no more memory than one of few.",
        _flat,
    )
]
