"""Checks of the connector as a program: real processes, real connections, real signals."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .api import ConformanceApi
from .comparing import differences, succeeded
from .credentials import TOKEN_PATH
from .description import Description, Stream, description_of, typical
from .model import Check, NotApplicable, Problem, Subject
from .protocol import faults_of
from .rows import ROWS, records_of
from .running import Run, catalog, options_into, program, program_environment
from .secrets import forms_of, secrets_shown
from .sockets import serving

_PATIENCE = 15.0
"""Seconds that a program may take to end after it was asked to."""

_MOST = 6
"""Streams that are read over real connections."""

_BEFORE_SIGNAL = 1
"""Pages that are served before the signal."""


def configuration_for(description: Description, base_url: str) -> dict[str, Any]:
    """Return a configuration that leads to a server on this machine."""
    config = description.configuration(base_url=base_url)
    for check in description.auth[0]["checks"] if description.auth else []:
        # Tokens and sessions come from there too.
        if check.get("token_url"):
            name = "login_url" if check["in"] == "session" else "token_url"
            config["credentials"] = {**config["credentials"], name: base_url + TOKEN_PATH}
    return config


def _protocol(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    api = _api(description)
    with serving(api) as base_url:
        config = configuration_for(description, base_url)
        runs = {
            "spec": program(subject, "spec"),
            "check": program(subject, "check", config=config),
            "discover": program(subject, "discover", config=config),
            "read": program(
                subject,
                "read",
                config=config,
                catalog=catalog(*_quick(description), mode="incremental"),
            ),
        }
    secrets = [*description.secrets(), *api.gate.given]
    forms = {form for secret in secrets for form in forms_of(secret)}
    for command, run in runs.items():
        yield from succeeded(command, run)
        yield from secrets_shown(command, run, forms)
        for number, line in enumerate(run.lines, 1):
            for fault in faults_of(line):
                yield Problem(f"{command}, line {number} {fault}.")
        if "Traceback" in run.stderr:
            yield Problem(
                f"{command} prints a traceback: {run.stderr.strip().splitlines()[-1][:200]}"
            )
    expected = {"spec": "SPEC", "check": "CONNECTION_STATUS", "discover": "CATALOG"}
    for command, kind in expected.items():
        if len(runs[command].of(kind)) != 1:
            yield Problem(f"{command} prints {len(runs[command].of(kind))} messages {kind}.")
    for name in _quick(description):
        yield from differences(name, runs["read"].records(name), records_of(api.rows[name]))


def _quick(description: Description) -> list[str]:
    """Return a few streams; where the API has a known limit the simplest one, so that it is not waited for."""
    if description.rate_limit is None:
        return [stream.name for stream in typical(list(description.streams.values()), _MOST)]
    simplest = min(
        description.roots, key=lambda stream: (stream.incremental is not None, stream.is_paged)
    )
    return [simplest.name]


def _api(description: Description) -> ConformanceApi:
    api = ConformanceApi(description)
    if description.rate_limit is not None:
        # Few requests: what the connector waits for the limit's sake is waited for in truth here.
        api.page_size = ROWS // 2 + 1
    return api


def _bad_words(subject: Subject) -> Iterator[Problem]:
    run = program(subject, "no-such-command")
    if run.code == 0:
        yield Problem("An unknown command ends with 0.")
    if run.lines:
        yield Problem("An unknown command prints to standard output, where only messages belong.")


def _dropped(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    stream = _paged(description)
    if description.rate_limit is not None:
        stream = description.streams[_quick(description)[0]]
    api = _api(description)
    api.fail(loss="dropped", page=1 if stream.is_paged else 0)
    with serving(api) as base_url:
        config = configuration_for(description, base_url)
        run = program(subject, "read", config=config, catalog=catalog(stream.name))
    yield from succeeded(
        f"{stream.name}: the read with a connection that broke in the middle of a page", run
    )
    yield from differences(
        f"{stream.name} with a connection that broke",
        run.records(stream.name),
        records_of(api.rows[stream.name]),
    )


def _paged(description: Description) -> Stream:
    roots = description.roots
    paged = [stream for stream in roots if stream.is_paged]
    return next((one for one in paged if one.incremental is not None), (paged or roots)[0])


def _signalled(subject: Subject) -> Iterator[Problem]:
    if sys.platform == "win32":
        raise NotApplicable("Windows has no SIGTERM that a program could act on.")
    description = description_of(subject)
    stream = _paged(description)
    run = _stopped(subject, description, stream)
    what = f"{stream.name}: a read that is asked to stop"
    if run.code == -9:
        yield Problem(f"{what} goes on for {_PATIENCE:.0f} seconds and more.")
        return
    if run.code < 0:
        yield Problem(f"{what} is killed by the signal {-run.code} instead of ending by itself.")
    if "Traceback" in run.stderr:
        yield Problem(f"{what} ends with a traceback.")
    for number, line in enumerate(run.lines, 1):
        for fault in faults_of(line):
            yield Problem(f"{what}: line {number} {fault}.")
    if run.statuses(stream.name)[-1:] == ["COMPLETE"]:
        yield Problem(f"{what} says COMPLETE.")
    elif run.statuses(stream.name)[-1:] != ["INCOMPLETE"]:
        yield Problem(f"{what} does not say INCOMPLETE.")
    if stream.incremental is not None and not run.states(stream.name):
        yield Problem(f"{what} leaves no state.")


def _stopped(subject: Subject, description: Description, stream: Stream) -> Run:
    """Return a read that got SIGTERM while a page was on its way."""
    api = _api(description)
    reached, leave = threading.Event(), threading.Event()

    def hold(number: int) -> None:
        del number
        pages = len(api.lists_of(stream.name))
        if pages >= (_BEFORE_SIGNAL if stream.is_paged else 0):
            reached.set()
            leave.wait(_PATIENCE + 30)

    api.before = hold if not api.gate.oauth else lambda n: hold(n) if api.gate.tokens else None
    with serving(api) as base_url, tempfile.TemporaryDirectory() as folder:
        files = {
            "config": configuration_for(description, base_url),
            "catalog": catalog(stream.name, mode="incremental"),
        }
        words = options_into("read", files, Path(folder))
        out = Path(folder) / "out"
        err = Path(folder) / "err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            child = subprocess.Popen(  # noqa: S603 - this is the connector under judgement
                [sys.executable, "-m", "src", *words],
                cwd=subject.directory,
                env=program_environment(),
                stdout=stdout,
                stderr=stderr,
            )
            try:
                reached.wait(60)
                time.sleep(0.1)
                os.kill(child.pid, signal.SIGTERM)
                code = child.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                code = -9
            finally:
                leave.set()
        lines = out.read_text(encoding="utf-8").splitlines()
        said = err.read_text(encoding="utf-8")
    messages = []
    for line in lines:
        try:
            messages.append(json.loads(line))
        except ValueError:
            continue
    return Run(code, lines, said, messages)


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        (
            "the-program-speaks-the-protocol",
            "Every line that the program prints is a valid message.",
            _protocol,
        ),
        ("bad-words-are-refused", "An unknown command is refused.", _bad_words),
        (
            "a-broken-page-is-read-again",
            "A connection that breaks in the middle of a page is retried.",
            _dropped,
        ),
        (
            "sigterm-ends-with-the-state",
            "On SIGTERM a read ends by itself, with its state.",
            _signalled,
        ),
    )
]
