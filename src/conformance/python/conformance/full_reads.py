"""Checks of full reads that can be gone on with: where they broke off, when they ended, when their page is gone."""

from collections.abc import Iterator
from typing import Any

from .comparing import differences, succeeded
from .description import Description, Stream, description_of, typical
from .incremental import last_state
from .model import Check, NotApplicable, Problem, Subject
from .rows import grow, records_of
from .running import Run, World, saved_state

_MOST = 4
"""Streams that are looked at."""

_LONG = 3_000
"""Rows of a list that is long enough for states on the way."""

_LONG_PAGE = 200
"""Rows of its pages, where no fewer are asked for."""

_MOST_STATES = 2
"""States that a read is begun from."""


def _resumable(subject: Subject) -> tuple[Description, list[Stream]]:
    """Return the streams of which the catalog says that a full read of them can be gone on with."""
    description = description_of(subject)
    (catalog,) = World(subject).run("discover").of("CATALOG") or [{}]
    named = {
        entry["name"]
        for entry in catalog.get("streams", [])
        # With a cursor field it is the incremental read that goes on.
        if entry.get("is_resumable") and "incremental" not in entry.get("supported_sync_modes", [])
    }
    fit = [one for one in description.roots if one.name in named and one.is_paged]
    if not fit:
        raise NotApplicable("No full read can be gone on with.")
    return description, typical(fit, _MOST)


def _world(subject: Subject, description: Description, stream: Stream) -> World:
    """Return a world in which a list has several pages."""
    return World(subject, rows=grow(description, lengths={stream.name: 7}))


def _on(world: World, name: str, state: Any) -> Run:
    return world.read(name, state=saved_state(name, state))


def _broken(world: World, name: str) -> tuple[Run, Any]:
    """Read until the second page fails for good; return the run and the state it left."""
    world.api.fail(status=500, times=999, stream=name, page=1)
    run = world.read(name)
    world.api.faults.clear()
    return run, last_state(run, name) if run.states(name) else None


def _goes_on(subject: Subject) -> Iterator[Problem]:
    description, streams = _resumable(subject)
    for stream in streams:
        world = _world(subject, description, stream)
        broken, state = _broken(world, stream.name)
        if state is None:
            yield Problem(f"{stream.name}: a full read that broke off leaves no state.")
            continue
        before = len(world.api.lists_of(stream.name))
        rest = _on(world, stream.name, state)
        what = f"{stream.name}: a full read that broke off and the next one"
        yield from succeeded(what, rest)
        both = [*broken.records(stream.name), *rest.records(stream.name)]
        yield from differences(what, both, records_of(world.api.rows[stream.name]))
        if any(one.start == 0 for one in world.api.lists_of(stream.name)[before:]):
            yield Problem(f"{what}: the first page is asked for again.")


def _begins_anew(subject: Subject) -> Iterator[Problem]:
    description, streams = _resumable(subject)
    for stream in streams:
        world = _world(subject, description, stream)
        state = last_state(world.read(stream.name), stream.name)
        again = _on(world, stream.name, state)
        what = f"{stream.name}: a full read after one that ended"
        yield from succeeded(what, again)
        yield from differences(
            what, again.records(stream.name), records_of(world.api.rows[stream.name])
        )


def _page_is_gone(subject: Subject) -> Iterator[Problem]:
    description, streams = _resumable(subject)
    for stream in streams:
        world = _world(subject, description, stream)
        _, state = _broken(world, stream.name)
        if state is None:
            continue
        world.api.fail(status=410, times=1, stream=stream.name)
        again = _on(world, stream.name, state)
        what = f"{stream.name}: a full read whose page is gone"
        yield from succeeded(what, again)
        yield from differences(
            what, again.records(stream.name), records_of(world.api.rows[stream.name])
        )


def _states_on_the_way(subject: Subject) -> Iterator[Problem]:
    description, streams = _resumable(subject)
    looked = False
    for stream in streams:
        # Nothing hangs below so many rows.
        lengths = dict.fromkeys(description.streams, 0) | {stream.name: _LONG}
        world = World(subject, rows=grow(description, lengths=lengths))
        world.api.page_size = _LONG_PAGE
        expected = records_of(world.api.rows[stream.name])
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read of {_LONG} rows", run)
        for state, before in _early_states(run, stream.name)[:_MOST_STATES]:
            looked = True
            rest = _on(world, stream.name, state)
            what = f"{stream.name}: the {len(before)} records before a state and the read from it"
            yield from succeeded(what, rest)
            both = [*before, *rest.records(stream.name)]
            yield from differences(what, both, expected, more_allowed=True)
    if not looked:
        raise NotApplicable("No full read writes a state before its end.")


def _early_states(run: Run, name: str) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Return the states that were written before the last record, each with the records before it."""
    found: list[tuple[Any, list[dict[str, Any]]]] = []
    records: list[dict[str, Any]] = []
    for message in run.messages:
        if message["type"] == "RECORD" and message["record"]["stream"] == name:
            records.append(message["record"]["data"])
        told = message.get("state", {}).get("stream", {})
        if told.get("stream_descriptor", {}).get("name") == name:
            found.append((told.get("stream_state"), list(records)))
    return [one for one in found if len(one[1]) < len(records)]


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "a-full-read-goes-on",
            "A full read that broke off goes on at its page, where the catalog says so.",
            _goes_on,
        ),
        (
            "an-ended-full-read-begins-anew",
            "A full read after one that ended brings everything again.",
            _begins_anew,
        ),
        (
            "a-page-that-is-gone-begins-anew",
            "A full read whose page is gone begins anew.",
            _page_is_gone,
        ),
        (
            "full-read-states-come-after-their-records",
            "Whatever a state of a full read passes over was written before it.",
            _states_on_the_way,
        ),
    )
]
