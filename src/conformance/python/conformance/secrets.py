"""Checks that no secret is shown, in whatever form, whatever fails."""

import base64
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, quote_plus

from .description import UnusableConnectorError, description_of
from .exchange import Fault
from .model import Check, NotApplicable, Problem, Subject
from .running import Run, World, module

_SITUATIONS: tuple[tuple[str, dict[str, Any] | None], ...] = (
    ("all goes well", None),
    ("the API answers 400", {"status": 400, "times": 999}),
    ("the API refuses the credentials", {"status": 401, "times": 999}),
    ("the API answers 500", {"status": 500, "times": 999}),
    ("a page is no JSON", {"status": 200, "times": 999}),
    ("the connection is lost", {"loss": "dropped", "times": 999}),
)


def forms_of(secret: str) -> set[str]:
    """Return a secret as it is, and as it stands in URLs, in JSON and in Basic authentication."""
    forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    forms.add(json.dumps(secret)[1:-1])
    forms.add(base64.b64encode(secret.encode()).decode().rstrip("="))
    return forms


def _pairs(credentials: dict[str, Any]) -> set[str]:
    """Return what Basic authentication makes of credentials."""
    names = (("username", "password"), ("client_id", "client_secret"))
    pairs = [(str(credentials.get(a, "")), str(credentials.get(b, ""))) for a, b in names]
    return {base64.b64encode(f"{a}:{b}".encode()).decode() for a, b in pairs if a or b}


@contextmanager
def _everything_logged() -> Iterator[None]:
    """Log as a careful person does who looks for a mistake: all of it, to standard error."""
    root = logging.getLogger()
    handler = logging.StreamHandler(sys.stderr)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _nowhere(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    if not any(description.secrets(way) for way in description.ways):
        raise NotApplicable("The API asks for no credentials.")
    for way in description.ways:
        for command in ("check", "read"):
            for what, fault in _SITUATIONS:
                world = World(subject, way=way)
                secrets = description.secrets(way)
                world.api.gate.rotates = world.api.gate.refresh_token is not None
                if fault is not None:
                    echo = {"you sent": secrets}
                    body: Any = (
                        json.dumps(echo).encode() + b"<" if fault.get("status") == 200 else echo
                    )
                    world.api.faults = [Fault(**{**fault, "body": body, "echoes": True})]
                with _everything_logged():
                    run = world.run(command)
                forms = {
                    form for one in [*secrets, *world.api.gate.given] for form in forms_of(one)
                }
                if description.auth:
                    forms |= _pairs(description.auth[way]["credentials"])
                yield from secrets_shown(f"Where {what}, {command}", run, forms)


def secrets_shown(what: str, run: Run, forms: set[str]) -> Iterator[Problem]:
    """Yield where a run prints a secret; the configuration in a CONTROL message has to hold it."""
    for line in run.lines:
        kind = line[: len('{"type":"CONTROL"')].replace(" ", "")
        if not kind.startswith('{"type":"CONTROL"') and any(form in line for form in forms):
            yield Problem(f"{what} shows a secret on standard output, in {kind}…")
            break
    if any(form in run.stderr for form in forms):
        yield Problem(f"{what} shows a secret on standard error.")


def _configuration(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    if not any(description.secrets(way) for way in description.ways):
        raise NotApplicable("The API asks for no credentials.")
    config_class = module("src.config", subject.directory).Config
    for way in description.ways:
        try:
            config = config_class.model_validate(description.configuration(way))
        except Exception as error:  # noqa: BLE001 - its text may show what it should not
            raise UnusableConnectorError(
                f"A valid configuration is refused: {type(error).__name__}."
            ) from None
        shown = f"{config!r} {config} {config.model_dump_json()} {config.model_dump()}"
        for secret in description.secrets(way):
            if secret in shown:
                yield Problem("repr, str or a dump of the configuration shows a secret.")
                break


def _fixtures(subject: Subject) -> Iterator[Problem]:
    """Fixtures may hold made-up secrets only, which begin as the compiler writes them."""
    description = description_of(subject)
    secrets = [one for way in description.ways for one in description.secrets(way)]
    if not secrets:
        raise NotApplicable("The API asks for no credentials.")
    stored = (subject.directory / "tests/fixtures/api.json").read_text(encoding="utf-8")
    for secret in secrets:
        # A key that was made for this run stands in no file.
        if json.dumps(secret)[1:-1] in stored and not _is_made_up(secret):
            yield Problem(
                "A secret in the fixtures is not told as made up.", file="tests/fixtures/api.json"
            )


def _is_made_up(secret: str) -> bool:
    """Say whether a secret tells that it is none, as it is or decoded."""
    forms = [secret.encode()]
    for decode in (base64.b64decode, bytes.fromhex):
        with suppress(ValueError):
            forms.append(decode(secret))
    return any(b"made-up" in form for form in forms)


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        ("secrets-are-nowhere", "No secret is printed or logged, whatever fails.", _nowhere),
        (
            "the-configuration-hides-secrets",
            "The configuration does not show its secrets.",
            _configuration,
        ),
        ("fixtures-hold-no-secrets", "Secrets of the fixtures are made up.", _fixtures),
    )
]
