"""Checks of what happens when the API fails: what passes is retried, what does not is told, and told rightly."""

from collections.abc import Iterator

from .comparing import differences, succeeded
from .description import Stream, description_of, typical
from .exchange import Fault, Loss
from .model import Check, NotApplicable, Problem, Subject
from .reading import failed
from .rows import records_of
from .running import World

_PASSING = (500, 502, 503, 504, 408)
_LOSSES: tuple[Loss, ...] = ("refused", "dropped", "timeout")
_CLASSES = {
    "config_error": (401, 403),
    "system_error": (400, 404, 405, 422),
    "transient_error": (500, 503, 408, 429),
}
_MOST = 6
"""Streams that a check looks at which reads each of them many times."""

_ENOUGH = 10
"""Requests for one page that no sensible patience goes beyond."""


def _pages(stream: Stream) -> list[int]:
    return [0, 1, 3] if stream.is_paged else [0]


def _root(subject: Subject) -> Stream:
    """Return the stream that tells most: a paged one if there is one."""
    roots = description_of(subject).roots
    return next((stream for stream in roots if stream.is_paged), roots[0])


def _survives(subject: Subject, stream: Stream, what: str, fault: Fault) -> Iterator[Problem]:
    world = World(subject)
    world.api.faults = [fault]
    run = world.read(stream.name)
    said = f"{stream.name}: {what} on page {(fault.page or 0) + 1}, once,"
    if run.code != 0:
        yield Problem(f"{said} ended the read: {run.told()}")
    yield from differences(
        f"{said} was not mended", run.records(stream.name), records_of(world.api.rows[stream.name])
    )


def _passing_failures(subject: Subject) -> Iterator[Problem]:
    for stream in typical(list(description_of(subject).streams.values()), _MOST):
        for page in _pages(stream):
            yield from _survives(subject, stream, "500", Fault(500, page=page, stream=stream.name))
    for status in _PASSING:
        yield from _survives(subject, _root(subject), str(status), Fault(status, page=0))


def _lost_connections(subject: Subject) -> Iterator[Problem]:
    for loss in _LOSSES:
        stream = _root(subject)
        for page in _pages(stream):
            yield from _survives(
                subject, stream, f"a {loss} connection", Fault(loss=loss, page=page)
            )


def _lasting_failure(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    for failing in typical(list(description.streams.values()), _MOST):
        name = failing.name
        others = [
            one.name
            for one in description.streams.values()
            if name not in description.chain(one.name)
        ]
        world = World(subject)
        world.api.fail(status=500, times=999_999, stream=name)
        run = world.read(*others[:1], name, *others[1:])
        yield from failed(f"{name}: a server error that lasts", run, name)
        blamed = [one.get("stream_descriptor", {}).get("name") for one in run.errors]
        if run.errors and name not in blamed:
            yield Problem(f"{name}: the TRACE does not name the stream that failed.")
        for other in others:
            if run.statuses(other)[-1:] != ["COMPLETE"]:
                yield Problem(f"While {name} fails, {other} is not read to its end.")
            yield from differences(
                f"{other} while {name} fails", run.records(other), records_of(world.api.rows[other])
            )
        asked = len(world.api.lists_of(name))
        if name in {one.name for one in description.roots} and asked > _ENOUGH:
            yield Problem(f"{name}: a page that always fails was asked for {asked} times.")


def _failed_pages(subject: Subject) -> Iterator[Problem]:
    paged = [stream for stream in description_of(subject).roots if stream.is_paged]
    if not paged:
        raise NotApplicable("No list has pages.")
    for stream in typical(paged, _MOST):
        for status in (500, 429, 400, 403):
            for page in (1, 3):
                if status == 400 and page == 3:
                    # The page may lie beyond the end for what is known up to there.
                    continue
                world = World(subject)
                world.api.fail(status=status, times=999, page=page)
                run = world.read(stream.name)
                if any(one.status == status for one in world.api.served):
                    yield from failed(
                        f"{stream.name}: {status} on page {page + 1}", run, stream.name
                    )


def _classes(subject: Subject) -> Iterator[Problem]:
    stream = _root(subject)
    for kind, statuses in _CLASSES.items():
        for status in statuses:
            world = World(subject)
            world.api.fail(status=status, times=999)
            run = world.read(stream.name)
            told = [one.get("failure_type") for one in run.errors]
            if told[:1] != [kind]:
                yield Problem(f"{status} is told as {told[:1]}, not as {kind}.")


def _refusals(subject: Subject) -> Iterator[Problem]:
    stream = _root(subject)
    for status in (400, 401, 403, 404, 405, 422):
        world = World(subject)
        world.api.fail(status=status, times=999)
        world.read(stream.name)
        # A refused token may be renewed once.
        most = 2 if status == 401 and world.api.gate.oauth else 1
        asked = len(world.api.lists_of(stream.name))
        if asked > most:
            yield Problem(f"A request refused with {status} is sent {asked} times.")
        if world.clock.sleeps:
            yield Problem(
                f"After a refusal with {status} it waits {world.clock.sleeps[0]:.0f} seconds."
            )


def _no_json(subject: Subject) -> Iterator[Problem]:
    stream = _root(subject)
    for page in _pages(stream)[:2]:
        world = World(subject)
        world.api.fail(
            status=200,
            times=999,
            page=page,
            body=b"<html>Please log in</html>",
            headers={"Content-Type": "text/html"},
        )
        run = world.read(stream.name)
        yield from failed(f"{stream.name}: a page of HTML as page {page + 1}", run, stream.name)


def _redirects(subject: Subject) -> Iterator[Problem]:
    stream = _root(subject)
    world = World(subject)
    world.api.fail(status=302, headers={"Location": "https://elsewhere.example/rows"})
    run = world.read(stream.name)
    if world.transport.strangers:
        yield Problem("A redirect to another host is followed, credentials and all.")
    yield from failed(f"{stream.name}: a redirect to another host", run, stream.name)


def _own_redirects(subject: Subject) -> Iterator[Problem]:
    for stream in typical(description_of(subject).roots, _MOST):
        for status in (307, 308) if stream.method == "POST" else (301, 302, 307, 308):
            for page in _pages(stream)[:2]:
                fault = Fault(status, page=page, stream=stream.name, moves=True)
                yield from _survives(subject, stream, f"a redirect with {status}", fault)


def _unknown_stream(subject: Subject) -> Iterator[Problem]:
    stream = _root(subject)
    world = World(subject)
    run = world.read("no_such_stream", stream.name)
    if run.code == 0 or not run.errors:
        yield Problem("A stream that does not exist passes without an error.")
    yield from differences(
        f"{stream.name} beside a stream that does not exist",
        run.records(stream.name),
        records_of(world.api.rows[stream.name]),
    )


def _unusable_files(subject: Subject) -> Iterator[Problem]:
    stream = _root(subject)
    files = [("catalog", []), ("catalog", {"streams": [{"name": "x"}]}), ("catalog", 7)]
    for name, content in files:
        run = World(subject).run("read", **{name: content})
        told = [one.get("failure_type") for one in run.errors]
        if run.code == 0 or told != ["config_error"]:
            yield Problem(
                f"The {name} {content!r} gives {told} and exit {run.code}, not config_error and 1."
            )
    yield from succeeded(f"{stream.name}: the read", World(subject).read(stream.name))


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "passing-failures-are-retried",
            "A server error that passes is retried, on every page.",
            _passing_failures,
        ),
        ("lost-connections-are-retried", "A lost connection is retried.", _lost_connections),
        (
            "a-lasting-failure-ends-one-stream",
            "A failure that lasts ends its stream with TRACE, INCOMPLETE and exit 1; the others are read.",
            _lasting_failure,
        ),
        (
            "no-failed-page-is-swallowed",
            "A page that fails is never taken for the end.",
            _failed_pages,
        ),
        ("errors-have-their-class", "Errors are told by whose turn it is to act.", _classes),
        ("refusals-are-not-retried", "A request that is refused is not sent again.", _refusals),
        ("no-json-is-an-error", "An answer that is not JSON is an error.", _no_json),
        (
            "foreign-redirects-are-refused",
            "A redirect to another host is not followed.",
            _redirects,
        ),
        (
            "own-redirects-keep-the-request",
            "A redirect on the same host is followed with the same method and body.",
            _own_redirects,
        ),
        (
            "unknown-streams-are-an-error",
            "A stream that does not exist is an error.",
            _unknown_stream,
        ),
        (
            "unusable-catalogs-are-refused",
            "An unusable catalog is the person's to mend.",
            _unusable_files,
        ),
    )
]
