"""Checks of access tokens: fetched once, renewed in time and when refused, rotated ones handed on."""

from collections.abc import Iterator

from .comparing import differences, succeeded
from .concurrency import read_slowly
from .description import Description, description_of
from .model import Check, NotApplicable, Problem, Subject
from .rows import records_of
from .running import Run, World

_SHORT = 100.0
"""Seconds that a token holds which expires during a read."""


def _ways(description: Description, *, timed: bool = False) -> list[int]:
    """Return the ways to authenticate that fetch tokens; `timed`: that are told how long one holds."""
    found = [
        way
        for way, option in enumerate(description.auth)
        if any(
            check.get("token_url") and not (timed and check["in"] == "session")
            for check in option["checks"]
        )
    ]
    if not found:
        raise NotApplicable("No way to authenticate fetches tokens.")
    return found


def _complete(world: World, run: Run) -> Iterator[Problem]:
    yield from succeeded("The read", run)
    for name, collections in world.api.rows.items():
        yield from differences(name, run.records(name), records_of(collections))


def _fetched_once(subject: Subject) -> Iterator[Problem]:
    for way in _ways(description_of(subject)):
        for lifetime in (360_000.0, None):
            world = World(subject, way=way)
            world.api.gate.lifetime = lifetime
            run = world.run("read")
            yield from _complete(world, run)
            if len(world.api.gate.tokens) != 1:
                yield Problem(f"{len(world.api.gate.tokens)} tokens were fetched for one read.")
        # Requests that begin together find no token, all of them.
        world = World(subject, way=way)
        run, _ = read_slowly(world, None)
        yield from _complete(world, run)
        if len(world.api.gate.tokens) != 1:
            yield Problem(
                f"{len(world.api.gate.tokens)} tokens were fetched by requests that began together."
            )


def _renewed_in_time(subject: Subject) -> Iterator[Problem]:
    for way in _ways(description_of(subject), timed=True):
        world = World(subject, way=way)
        world.api.gate.lifetime = _SHORT
        # The clock moves on while the connector waits.
        world.api.fail(status=429, headers={"Retry-After": "55"}, times=3)
        run = world.run("read")
        yield from _complete(world, run)
        if len(world.api.gate.tokens) < 2:
            yield Problem("A token that expired during the read was not renewed.")
        refused = [one for one in world.api.served if one.status == 401]
        if refused:
            yield Problem(f"{len(refused)} requests were sent with a token that had expired.")


def _renewed_when_refused(subject: Subject) -> Iterator[Problem]:
    for way in _ways(description_of(subject)):
        for moment in (2, 3):
            world = World(subject, way=way)
            gate = world.api.gate

            def expire(number: int, world: World = world, moment: int = moment) -> None:
                if number == moment:
                    world.api.gate.expire()

            world.api.before = expire
            run = world.run("read")
            if len(world.api.served) <= moment:
                continue
            yield from _complete(world, run)
            if len(gate.tokens) != 2:
                yield Problem(
                    f"A token was refused once, and {len(gate.tokens) - 1} new ones were fetched."
                )


def _refused_for_good(subject: Subject) -> Iterator[Problem]:
    for way in _ways(description_of(subject)):
        world = World(subject, way=way)
        world.api.fail(status=401, times=999)
        run = world.read(world.description.roots[0].name)
        if run.code == 0:
            yield Problem("A read whose every token is refused passes for a success.")
        if [one.get("failure_type") for one in run.errors][:1] != ["config_error"]:
            yield Problem(f"Tokens that are always refused are told as {run.errors[:1]}.")
        if len(world.api.gate.tokens) > 2:
            yield Problem(
                f"{len(world.api.gate.tokens)} tokens were fetched though each was refused."
            )


def _rotated(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    ways = [
        way
        for way in _ways(description)
        if any(
            check.get("grant_type") == "refresh_token" for check in description.auth[way]["checks"]
        )
    ]
    if not ways:
        raise NotApplicable("No way to authenticate has a refresh token.")
    for way in ways:
        world = World(subject, way=way)
        world.api.gate.rotates = True
        world.api.before = lambda number, world=world: (
            world.api.gate.expire() if number == 3 else None
        )
        run = world.run("read")
        yield from _complete(world, run)
        kept = [one.get("connectorConfig", {}).get("config") for one in run.of("CONTROL")]
        sent = [(one or {}).get("credentials", {}).get("refresh_token") for one in kept]
        latest = world.api.gate.refresh_token
        if sent[-1:] != [latest]:
            yield Problem(
                "The refresh token that replaced the configured one is in no CONTROL message."
            )
            continue
        again = World(subject, way=way)
        again.api.gate.refresh_token = latest
        yield from succeeded(
            "The read with the configuration of the CONTROL message",
            again.run("read", config=kept[-1]),
        )
        first = [m["type"] for m in run.messages].index("CONTROL")
        if "RECORD" in [m["type"] for m in run.messages[:first]]:
            yield Problem(
                "Records came before the CONTROL message: a crash between would lose the token."
            )


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        ("a-token-is-fetched-once", "One token serves a whole read.", _fetched_once),
        ("expiring-tokens-are-renewed", "A token is renewed before it expires.", _renewed_in_time),
        (
            "a-refused-token-is-renewed-once",
            "A refused token is renewed once and the request sent again.",
            _renewed_when_refused,
        ),
        (
            "tokens-refused-for-good-are-told",
            "Tokens that are always refused end the read.",
            _refused_for_good,
        ),
        (
            "rotated-tokens-are-handed-on",
            "A rotated refresh token is handed on by a CONTROL message.",
            _rotated,
        ),
    )
]
