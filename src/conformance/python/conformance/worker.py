"""Runs checks one after the other and tells what came of each, as lines of JSON; the parent watches the time."""

import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .description import UnusableConnectorError
from .model import Check, NotApplicable, Problem, Status, Subject
from .registry import agent_checks, data_checks


def main(directory: str, ids: list[str]) -> None:
    """Run checks. Standard output is kept for the parent; what the connector prints goes nowhere."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    subject = Subject(Path(directory).resolve())
    checks = {check.id: check for check in data_checks()}
    if not set(ids) <= set(checks):
        checks |= {check.id: check for check in agent_checks()}
    for name in ids:
        _tell(channel, {"started": name})
        _tell(channel, {"ended": name, **_outcome(checks[name], subject)})


def _tell(channel: Any, content: dict[str, Any]) -> None:
    channel.write(json.dumps(content) + "\n")
    channel.flush()


def _outcome(check: Check, subject: Subject) -> dict[str, Any]:
    started = time.monotonic()
    problems: list[Problem] = []
    status: Status = "passed"
    reason = None
    try:
        for problem in _some(check, subject):
            problems.append(problem)
    except NotApplicable as why:
        status, reason = "not_applicable", str(why)
    except UnusableConnectorError as why:
        problems.append(Problem(str(why)))
    except Exception:  # noqa: BLE001 - a check that breaks says nothing of the connector
        status, reason = "broken", traceback.format_exc(limit=-3)
    if status in ("passed", "broken") and any(not problem.note for problem in problems):
        status = "failed"
    return {
        "status": status,
        "problems": [
            {"message": one.message, "file": one.file, "line": one.line, "note": one.note}
            for one in problems
        ],
        "seconds": round(time.monotonic() - started, 3),
        "reason": reason,
    }


_MOST_PROBLEMS = 50


def _some(check: Check, subject: Subject) -> Iterator[Problem]:
    """Yield a check's problems, but not without end. Many notes hide no problem that comes after them."""
    notes = found = 0
    for problem in check.run(subject):
        notes += problem.note
        found += not problem.note
        if notes > _MOST_PROBLEMS and problem.note:
            continue
        yield problem
        if found == _MOST_PROBLEMS:
            yield Problem("There are more problems of this kind.")
            return
    if notes > _MOST_PROBLEMS:
        yield Problem(f"There are {notes - _MOST_PROBLEMS} more notes of this kind.", note=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
