"""What a check of a connector is, and what comes of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Face = Literal["data", "agent", "package"]
Status = Literal["passed", "failed", "not_applicable", "broken"]


class NotApplicable(Exception):  # noqa: N818 - it is no error
    """Raised by a check that has nothing to look at in this connector; its text says why."""


@dataclass(frozen=True)
class Problem:
    """One way in which a connector falls short, worded for its developer."""

    message: str
    #: Below the connector's folder, with forward slashes; None where no file is to blame.
    file: str | None = None
    #: Counts from 1.
    line: int | None = None
    #: Worth knowing, but no reason to fail: a field of the schema that no row of the test server holds.
    note: bool = False


@dataclass(frozen=True)
class Subject:
    """The connector that is judged."""

    #: Folder that holds `src/` and `tests/`.
    directory: Path


@dataclass(frozen=True)
class Check:
    """One requirement. `run` yields every way in which a connector breaks it; nothing means that it passed."""

    #: Stable name: `data.keys-are-unique`, `agent.params-are-bounded`.
    id: str
    face: Face
    #: The requirement as a sentence: "Primary keys are unique and never null."
    title: str
    run: Callable[[Subject], Iterable[Problem]]
    #: Numbers of the rules of the implementation guide that this checks (agent face).
    rules: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a check. `broken`: the check itself failed, so nothing is known."""

    check: Check
    status: Status
    problems: tuple[Problem, ...]
    seconds: float
    #: Why it was not applicable or broke.
    reason: str | None = None
