"""Runs checks in processes of their own and watches the time: a connector that hangs fails the check, not the suite."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .model import Check

DEFAULT_LIMIT = 120.0
"""Seconds for one check."""

_START = 60.0
"""Seconds for a worker to start."""

Outcomes = list[dict[str, Any]]


def supervise(
    directory: Path, checks: list[Check], limit: float, say: Callable[[dict[str, Any]], None]
) -> Outcomes:
    """Return what came of each check, in their order. Two workers share them: one waits, the other one computes."""
    outcomes: dict[str, dict[str, Any]] = {}
    lock = threading.Lock()

    def tell(check: Check, content: dict[str, Any]) -> None:
        outcome = {
            "id": check.id,
            "face": check.face,
            "title": check.title,
            "rules": list(check.rules),
            **content,
        }
        with lock:
            outcomes[check.id] = outcome
            say(outcome)

    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(_Workers(directory, share, limit, tell))
            for share in (_quick(checks), _slow(checks))
            if share
        ]
        threads = [threading.Thread(target=one.run, daemon=True) for one in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            # In short waits, so that a signal is acted on.
            while thread.is_alive():
                thread.join(0.2)
    return [outcomes[check.id] for check in checks if check.id in outcomes]


def _is_slow(check: Check) -> bool:
    return check.face != "data" or check.run.__module__.endswith((".processes", ".memory"))


def _quick(checks: list[Check]) -> list[Check]:
    return [check for check in checks if not _is_slow(check)]


def _slow(checks: list[Check]) -> list[Check]:
    return [check for check in checks if _is_slow(check)]


class _Workers:
    """Works through checks with one worker process at a time; a new one is started where one had to be ended."""

    def __init__(
        self,
        directory: Path,
        checks: list[Check],
        limit: float,
        tell: Callable[[Check, dict[str, Any]], None],
    ) -> None:
        self._directory = directory
        self._waiting = {check.id: check for check in checks}
        self._limit = limit
        self._tell = tell
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._end()

    def run(self) -> None:
        """Run all checks."""
        while self._waiting and not self._stopped:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                self._run_some(folder)

    def _run_some(self, folder: str) -> None:
        """Run checks until all are done or one had to be ended."""
        process = self._start(folder)
        lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=_listen, args=(process, lines), daemon=True).start()
        current: Check | None = None
        since = time.monotonic()
        while self._waiting:
            limit = self._limit if current is not None else _START
            try:
                message = lines.get(timeout=max(since + limit - time.monotonic(), 0.01))
            except queue.Empty:
                self._give_up(current, f"The check did not end within {limit:.0f} seconds.")
                break
            if message is None:
                self._give_up(current, "The process of the check ended in the middle of it.")
                break
            since = time.monotonic()
            if "started" in message:
                current = self._waiting[message["started"]]
            elif current is not None:
                self._tell(self._waiting.pop(current.id), _content(message))
                current = None
        self._end()

    def _start(self, folder: str) -> "subprocess.Popen[str]":
        package = Path(__file__).resolve().parent.parent
        environment = {**os.environ, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(  # noqa: S603 - our own worker
            [sys.executable, "-m", f"{__package__}.worker", str(self._directory), *self._waiting],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # A group of its own, so that what it starts is ended with it.
            start_new_session=True,
        )
        return self._process

    def _give_up(self, current: Check | None, message: str) -> None:
        """Tell of the check that was running; without one the worker itself does not work, so of all that wait."""
        if current is not None:
            self._waiting.pop(current.id)
            self._tell(current, _failure("failed", message, self._limit))
            return
        for check in list(self._waiting.values()):
            self._tell(check, _failure("broken", message, 0.0))
        self._waiting.clear()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _content(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "ended"}


def _failure(status: str, message: str, seconds: float) -> dict[str, Any]:
    problems = [{"message": message, "file": None, "line": None, "note": False}]
    return {
        "status": status,
        "problems": problems if status == "failed" else [],
        "seconds": seconds,
        "reason": message if status == "broken" else None,
    }


def _listen(process: "subprocess.Popen[str]", lines: "queue.Queue[dict[str, Any] | None]") -> None:
    """Hand on what a worker says; None at its end."""
    if process.stdout is not None:
        with process.stdout:
            for line in process.stdout:
                with contextlib.suppress(ValueError):
                    lines.put(json.loads(line))
    lines.put(None)
