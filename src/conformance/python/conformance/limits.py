"""Checks of throttling, to the second, on a clock that never waits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise

from .comparing import differences, succeeded
from .description import Stream, description_of
from .exchange import Fault
from .model import Check, NotApplicable, Problem, Subject
from .reading import failed
from .rows import records_of
from .running import World

_SLACK = 2.0
"""Seconds that a wait may be longer than asked for: jitter."""

_MOST_TRIES = 4
"""Requests for a page that is always throttled: the first and three retries."""


def _stream(subject: Subject) -> Stream:
    roots = description_of(subject).roots
    return next((stream for stream in roots if stream.is_paged), roots[0])


def _waited(world: World, status: int) -> list[float]:
    """Return how long after each answer of a status the next request came."""
    served = world.api.served
    return [later.at - one.at for one, later in pairwise(served) if one.status == status]


def _obeys(subject: Subject, what: str, fault: Fault, seconds: float) -> Iterator[Problem]:
    stream = _stream(subject)
    world = World(subject)
    world.api.faults = [fault]
    run = world.read(stream.name)
    yield from succeeded(f"{what}: the read", run)
    yield from differences(what, run.records(stream.name), records_of(world.api.rows[stream.name]))
    waits = _waited(world, fault.status)
    if not waits:
        yield Problem(f"{what}: no request followed.")
    elif not seconds <= waits[0] <= seconds + _SLACK:
        yield Problem(
            f"{what}: the next request came after {waits[0]:.1f} seconds, not {seconds:.0f}."
        )


def _retry_after(subject: Subject) -> Iterator[Problem]:
    page = 1 if _stream(subject).is_paged else 0
    for status in (429, 503):
        for seconds in (3, 47, 59):
            fault = Fault(status, headers={"Retry-After": str(seconds)}, page=page)
            yield from _obeys(subject, f"{status} with Retry-After: {seconds}", fault, seconds)


def _retry_after_date(subject: Subject) -> Iterator[Problem]:
    moment = datetime.fromtimestamp(description_of(subject).now + 41, tz=UTC)
    date = format_datetime(moment, usegmt=True)
    if description_of(subject).rate_limit is not None:
        # The connector may have waited on its own account before.
        page = 0
    else:
        page = 1 if _stream(subject).is_paged else 0
    fault = Fault(429, headers={"Retry-After": date}, page=page)
    yield from _obeys(subject, "429 with Retry-After as a date", fault, 41)


def _retry_after_body(subject: Subject) -> Iterator[Problem]:
    page = 1 if _stream(subject).is_paged else 0
    body = {"message": "You are being rate limited.", "retry_after": 23.0}
    yield from _obeys(
        subject, "429 with retry_after in its body", Fault(429, body=body, page=page), 23
    )


def _all_senders_wait(subject: Subject) -> Iterator[Problem]:
    world = World(subject)
    world.api.fail(status=429, headers={"Retry-After": "30"})
    run = world.run("read")
    yield from succeeded("A read of all streams that is throttled once", run)
    refused = [one.at for one in world.api.served if one.status == 429]
    early = [
        one
        for one in world.api.served
        if refused and refused[0] < one.at < refused[0] + 30 and one.status != 429
    ]
    if early:
        yield Problem(f"{len(early)} requests were sent while the API had asked to wait.")


def _bounded(subject: Subject) -> Iterator[Problem]:
    stream = _stream(subject)
    for headers in ({"Retry-After": "1"}, {}):
        world = World(subject)
        world.api.fail(status=429, headers=headers, times=999)
        run = world.read(stream.name)
        yield from failed(f"{stream.name}: throttling that never ends", run, stream.name)
        asked = len(world.api.lists_of(stream.name))
        if asked > _MOST_TRIES:
            yield Problem(f"A page that is always throttled is asked for {asked} times.")
        if asked == 1:
            yield Problem("A page that is throttled is not asked for again.")
        if [one.get("failure_type") for one in run.errors][:1] != ["transient_error"]:
            yield Problem(f"Throttling that never ends is told as {run.errors[:1]}.")


def _quota(subject: Subject) -> Iterator[Problem]:
    stream = _stream(subject)
    world = World(subject)
    world.api.fail(status=429, headers={"Retry-After": "3600"}, times=999)
    run = world.read(stream.name)
    yield from failed("A quota that is used up for an hour", run, stream.name)
    asked = world.api.lists_of(stream.name)
    if len(asked) != 1:
        yield Problem(f"A quota that is used up for an hour is tried {len(asked)} times.")
    if world.clock.now() - description_of(subject).now > _SLACK:
        waited = world.clock.now() - description_of(subject).now
        yield Problem(f"A quota that is used up for an hour makes it wait {waited:.0f} seconds.")
    if [one.get("failure_type") for one in run.errors][:1] != ["transient_error"]:
        yield Problem(f"A quota that is used up is told as {run.errors[:1]}.")
    yield from _quota_reset(run.of("TRACE"))


def _quota_reset(traces: list[dict[str, object]]) -> Iterator[Problem]:
    resets: list[float] = []
    for trace in traces:
        status = trace.get("stream_status")
        if isinstance(status, dict):
            for reason in status.get("reasons") or []:
                resets.append(float(reason.get("rate_limited", {}).get("quota_reset", 0)) / 1000)
    if not resets:
        yield Problem(
            "The status INCOMPLETE does not say RATE_LIMITED and when the quota opens again."
        )


def _backoff(subject: Subject) -> Iterator[Problem]:
    stream = _stream(subject)
    taken = []
    for _ in range(3):
        world = World(subject)
        world.api.fail(status=503, times=3, page=0)
        run = world.read(stream.name)
        yield from succeeded("The read after three server errors", run)
        taken.append(_waited(world, 503))
    for waits in taken:
        if len(waits) < 3:
            continue
        if min(waits) <= 0:
            yield Problem(f"Server errors are retried at once: after {waits} seconds.")
        elif waits[2] <= waits[0]:
            yield Problem(f"Waits between retries do not grow: {waits} seconds.")
        if max(waits) > 60:
            yield Problem(f"A wait between retries is longer than a minute: {waits} seconds.")
    if len(taken) == 3 and taken[0] == taken[1] == taken[2]:
        yield Problem("Waits between retries have no jitter.")


def _known_rate(subject: Subject) -> Iterator[Problem]:
    limit = description_of(subject).rate_limit
    if limit is None:
        raise NotApplicable("No limit of the API is known.")
    requests, seconds = int(limit["requests"]), float(limit["seconds"])
    world = World(subject)
    if requests > 500:
        raise NotApplicable("The limit is higher than what this server is asked.")
    # Small pages, so that the limit is met.
    world.api.page_size = 1
    run = world.run("read")
    yield from succeeded("The read", run)
    moments = sorted(one.at for one in world.api.served if one.stream is not None)
    for first, beyond in zip(moments, moments[requests:], strict=False):
        if beyond - first < seconds - 0.001:
            yield Problem(
                f"{requests + 1} requests were sent in {beyond - first:.1f} seconds; the API allows "
                f"{requests} in {seconds:.0f}."
            )
            return
    if len(moments) > requests:
        most = (len(moments) // requests + 1) * seconds
        if moments[-1] - moments[0] > most + 5:
            yield Problem(
                f"{len(moments)} requests took {moments[-1] - moments[0]:.0f} seconds, more than the limit asks for."
            )


def _limit_headers(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    names = description.limit_headers
    if names is None:
        raise NotApplicable("The API's answers do not tell the state of its limit.")
    paged = [stream for stream in description.roots if stream.is_paged]
    if not paged:
        raise NotApplicable("No list has pages.")
    for stamp in (False, True):
        world = World(subject)
        reset = 19 + (description.now if stamp else 0)
        world.api.next_headers = {names["remaining"]: "0", names["reset"]: f"{reset:.0f}"}
        run = world.read(paged[0].name)
        yield from succeeded("The read", run)
        moments = [one.at for one in world.api.served if one.stream is not None]
        if len(moments) > 1 and not 19 <= moments[1] - description.now <= 19 + _SLACK + 20:
            yield Problem(
                f"After an answer that said that the limit is reached for 19 seconds the next request came "
                f"after {moments[1] - moments[0]:.1f}."
            )


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        ("retry-after-is-obeyed", "Retry-After in seconds is obeyed to the second.", _retry_after),
        (
            "retry-after-dates-are-obeyed",
            "Retry-After as a date is obeyed to the second.",
            _retry_after_date,
        ),
        (
            "a-wait-in-the-body-is-obeyed",
            "A wait that stands in the body is obeyed to the second.",
            _retry_after_body,
        ),
        (
            "all-senders-wait",
            "While the API asks to wait, nothing is sent for any stream.",
            _all_senders_wait,
        ),
        (
            "throttling-ends",
            "Throttling that never ends is given up after three retries.",
            _bounded,
        ),
        ("a-used-up-quota-ends-at-once", "A quota that is used up ends the read at once.", _quota),
        ("backoff-grows", "Waits between retries grow, with jitter.", _backoff),
        ("known-limits-are-kept", "A limit that is known is never overstepped.", _known_rate),
        (
            "limit-headers-are-heeded",
            "Answers that say the limit is reached are heeded.",
            _limit_headers,
        ),
    )
]
