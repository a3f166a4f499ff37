"""Plant small mistakes into a copy of a connector, one at a time, and see which of its tests notice.

Usage: mutate_connector.py. Reads JSON from standard input:
{"copy": a copy of the connector, "work": an empty folder, "limit": mutants, "seed": text, "seconds": in all,
"slots": runs at once, "compiled": {path: text of a file in src/ that has been changed since, null when new}}.
Prints JSON: {"reason": why nothing could be said or null, "candidates", "mutants": [{"file", "line", "operator",
"before", "after", "handWritten", "outcome", "tests", "killedBy"}], "idle": ids of tests}.

The suite runs once unchanged, which shows the lines that each test runs. A mutant then meets the tests that run its
line, and, where it survives them, those that start programs of their own or share what was set up once.
"""

import ast
import difflib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from mutation_operators import Place, is_change, places_of, planted, sample
from watched_suite import run_suite

#: A mutant may take this many times as long as its tests took, and this many seconds more.
SLOWER = 5.0
MARGIN = 8.0
POLL = 0.01


# --------------------------------------------------------------------------------------------------- processes


class Child:
    """A process of its own, with everything that it starts, that runs one job."""

    def __init__(self, job: dict[str, Any], seconds: float) -> None:
        """Start it; after `seconds` it counts as hanging."""
        self.job = job
        self.deadline = time.monotonic() + seconds
        self.log = Path(job["log"])
        self.process: subprocess.Popen[bytes] | None = None
        # Forking saves the imports; not where it does not exist, nor where threads would be left behind.
        if hasattr(os, "fork") and threading.active_count() == 1:
            self.pid = os.fork()
            if self.pid == 0:
                become(job)
        else:
            self.process = subprocess.Popen(
                [sys.executable, __file__, "run", json.dumps(job)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self.pid = self.process.pid

    def ended(self) -> int | None:
        """Return the exit code, or None while it runs."""
        if self.process is not None:
            return self.process.poll()
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return None if pid == 0 else os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """End it and what it started."""
        kill_group(self.pid)
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        else:
            # It may have been waited for already, when the order to stop came in between.
            with suppress(ChildProcessError):
                os.waitpid(self.pid, 0)


def kill_group(pid: int) -> None:
    """End all that is left of a group of processes."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/pid", str(pid), "/t", "/f"], capture_output=True, check=False)
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def become(job: dict[str, Any]) -> None:
    """Be the forked child: never returns."""
    code = 3
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        code = run_suite(job)
    finally:
        os._exit(code)


# ------------------------------------------------------------------------------------------------------ the baseline


class Baseline:
    """What a run of the unchanged suite shows."""

    def __init__(self, entries: list[list[Any]]) -> None:
        """Read what the watcher wrote."""
        of = {kind: value for kind, test, value in entries if test == ""}
        self.tests = [test for kind, test, _ in entries if kind == "begin"]
        self.seconds = float(of.get("seconds") or 0)
        self.programs: list[str] = of.get("programs") or []
        self.lines: dict[str, dict[int, list[str]]] = {
            file: {int(line): contexts for line, contexts in lines.items()}
            for file, lines in (of.get("lines") or {}).items()
        }

    def ran(self, place: Place) -> bool:
        """Whether a place's line ran at all."""
        return place.line in self.lines.get(place.file, {})

    def covering(self, place: Place) -> list[str]:
        """Return the tests that ran the line; of a line that ran only once for all, those that ran something near."""
        lines = self.lines[place.file]
        tests = {test for test in lines[place.line] if test}
        if "" in lines[place.line] or not tests:
            near = range(place.scope[0], place.scope[1] + 1)
            tests |= {test for line in near for test in lines.get(line, []) if test}
        if not tests:
            tests = {test for contexts in lines.values() for test in contexts if test}
        return [test for test in self.tests if test in tests]


def read_log(log: Path) -> list[list[Any]]:
    """Return what a watcher wrote; a line that was cut off is left out."""
    entries = []
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


# ------------------------------------------------------------------------------------------------------- the mutants


class Gate:
    """Runs the sample, several mutants at once, each slot with a copy of its own."""

    def __init__(self, order: dict[str, Any]) -> None:
        """Take the order."""
        self.copy = Path(order["copy"]).resolve()
        self.work = Path(order["work"]).resolve()
        self.order = order
        self.parent = os.getppid()
        self.until = time.monotonic() + float(order["seconds"])
        self.running: dict[int, tuple[Child, int, bool]] = {}

    def job(self, number: str, slot: Path, tests: list[str] | None, *, measure: bool = False) -> dict[str, Any]:
        """Describe one run of the suite."""
        log = str(self.work / f"{number}.log")
        return {"slot": str(slot), "tests": tests, "measure": measure, "log": log}

    def left(self) -> float:
        """Return the seconds that are left; none where nobody waits for the answer any more."""
        if os.getppid() != self.parent:
            raise KeyboardInterrupt
        return self.until - time.monotonic()

    def baseline(self) -> tuple[Baseline | None, str | None]:
        """Run the unchanged suite in the copy."""
        child = Child(self.job("baseline", self.copy, None, measure=True), self.left())
        code = None
        try:
            while code is None and self.left() > 0:
                time.sleep(POLL)
                code = child.ended()
        finally:
            if code is None:
                child.kill()
        if code is None:
            return None, "the tests alone took all the time there was"
        entries = read_log(child.log)
        if code != 0:
            failed = sorted({test for kind, test, _ in entries if kind == "failed"})
            named = f": {', '.join(failed[:3])}" if failed else ""
            return None, f"the tests do not pass in a copy of the connector{named}"
        found = Baseline(entries)
        return (found, None) if found.lines else (None, "which lines the tests run could not be measured")

    def hand_written(self) -> dict[str, set[int]]:
        """Return the lines of changed files that read otherwise than compiled."""
        changed: dict[str, set[int]] = {}
        for file, before in self.order["compiled"].items():
            path = self.copy / file
            now = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            match = difflib.SequenceMatcher(None, (before or "").splitlines(), now, autojunk=False)
            changed[file] = {
                line + 1
                for tag, _, _, start, end in match.get_opcodes()
                if tag != "equal"
                for line in range(start, end)
            }
        return changed

    def choose(self, base: Baseline) -> tuple[int, list[Place], dict[str, bytes]]:
        """Return how many places there are, those to try, and the sources."""
        sources = {
            path.relative_to(self.copy).as_posix(): path.read_bytes()
            for path in sorted((self.copy / "src").rglob("*.py"))
            if "schemas" not in path.relative_to(self.copy).parts
        }
        places = [place for file in sources for place in places_of(file, sources[file]) if base.ran(place)]
        self.written = self.hand_written()

        def order(place: Place) -> str:
            line = sources[place.file].splitlines()[place.line - 1]
            column = place.start - sum(len(one) for one in sources[place.file].splitlines(True)[: place.line - 1])
            key = [self.order["seed"], place.file, place.operator, line.decode().strip(), column, place.text]
            return hashlib.sha256(json.dumps([*key, place.line]).encode()).hexdigest()

        ranks = {place: order(place) for place in places}
        chosen = sample(
            places,
            int(self.order["limit"]),
            lambda place: place.line in self.written.get(place.file, set()),
            ranks.__getitem__,
            lambda place: is_change(sources[place.file], place),
        )
        return len(places), chosen, sources

    def plant(self, slot: Path, file: str, text: bytes) -> None:
        """Write a source without leaving what the former one was compiled to."""
        path = slot / file
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
        path.write_bytes(text)

    def run(self, base: Baseline, places: list[Place], sources: dict[str, bytes]) -> list[dict[str, Any]]:
        """Try each mutant and return what came of it, in the order of the sample."""
        results = [self.described(place, sources[place.file]) for place in places]
        slots = [self.copy]
        for number in range(1, min(int(self.order["slots"]), len(places))):
            slots.append(self.work / f"slot-{number}")
            shutil.copytree(self.copy, slots[-1])
        waiting = list(range(len(places)))
        share = base.seconds / max(1, len(base.tests))

        def start(number: int, slot: int, tests: list[str], *, again: bool) -> None:
            seconds = SLOWER * (share * len(tests) + base.seconds / 4) + MARGIN
            job = self.job(f"{number}-{int(again)}", slots[slot], tests)
            self.running[slot] = (Child(job, seconds), number, again)
            results[number]["tests"] += len(tests)

        while (waiting or self.running) and self.left() > 0:
            for slot in range(len(slots)):
                if slot not in self.running and waiting:
                    number = waiting.pop(0)
                    place = places[number]
                    self.plant(slots[slot], place.file, planted(sources[place.file], place))
                    start(number, slot, base.covering(place), again=False)
            time.sleep(POLL)
            for slot, (child, number, again) in list(self.running.items()):
                code = child.ended()
                late = code is None and time.monotonic() > child.deadline
                if code is None and not late:
                    continue
                (child.kill if late else lambda: None)()
                kill_group(child.pid)
                del self.running[slot]
                place = places[number]
                rest = [test for test in base.programs if test not in base.covering(place)]
                if code == 0 and rest and not again:
                    start(number, slot, rest, again=True)
                    continue
                judge(results[number], code, read_log(child.log))
                self.plant(slots[slot], place.file, sources[place.file])
        self.stop()
        return results

    def stop(self) -> None:
        """End what still runs."""
        for child, _, _ in self.running.values():
            child.kill()
        self.running.clear()

    def described(self, place: Place, source: bytes) -> dict[str, Any]:
        """Return a mutant in words; it has not run yet."""
        before, after = (text.decode().splitlines() for text in (source, planted(source, place)))
        return {
            "file": place.file,
            "line": place.line,
            "operator": place.operator,
            "before": before[place.line - 1].strip(),
            "after": after[place.line - 1].strip(),
            "handWritten": place.line in self.written.get(place.file, set()),
            "outcome": "not-run",
            "tests": 0,
            "killedBy": [],
        }


def judge(result: dict[str, Any], code: int | None, entries: list[list[Any]]) -> None:
    """Say what became of a mutant by how its run ended and what was written down until then."""
    failed = {test for kind, test, _ in entries if kind == "failed" and test}
    if code == 0:
        result["outcome"] = "survived"
        return
    result["outcome"] = "timed-out" if code is None else "killed"
    begun = [test for kind, test, _ in entries if kind == "begin"]
    ended = {test for kind, test, _ in entries if kind == "end"}
    result["killedBy"] = sorted(failed.union(test for test in begun if test not in ended))


def idle_tests(base: Baseline, places: list[Place], results: list[dict[str, Any]]) -> list[str]:
    """Return the tests that met mutants and noticed none, where each could speak for itself."""
    noticed = {test for result in results for test in result["killedBy"]}
    met: set[str] = set()
    for place, result in zip(places, results, strict=True):
        if result["outcome"] == "survived" or (result["outcome"] == "killed" and result["killedBy"]):
            met.update(base.covering(place))
    return [test for test in base.tests if test in met and test not in noticed]


def preload(root: Path) -> None:
    """Import what the connector and its tests import of others, once for all runs; never anything of its own."""
    names = {"pytest", "coverage"}
    for path in [*(root / "src").rglob("*.py"), *(root / "tests").rglob("*.py")]:
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in tree.body:
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module)
    local = {"src", "tests", "conftest", *(path.stem for path in (root / "tests").glob("*.py"))}
    for name in sorted(names):
        if name.split(".")[0] not in local and not (root / name.split(".")[0]).exists():
            try:
                import_module(name)
            except Exception:  # noqa: BLE001  (a module that is missing here is missing in the run as well)
                continue


def main() -> int:
    """Do what was asked."""
    if sys.argv[1:2] == ["run"]:
        return run_suite(json.loads(sys.argv[2]))
    order = json.load(sys.stdin)
    gate = Gate(order)
    answer: dict[str, Any] = {"reason": None, "candidates": 0, "mutants": [], "idle": []}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        preload(gate.copy)
        base, answer["reason"] = gate.baseline()
        if base is not None:
            answer["candidates"], places, sources = gate.choose(base)
            answer["mutants"] = gate.run(base, places, sources)
            answer["idle"] = idle_tests(base, places, answer["mutants"])
    except KeyboardInterrupt:
        gate.stop()
        if os.getppid() != gate.parent:
            # Whoever would have tidied up is gone.
            shutil.rmtree(gate.work.parent, ignore_errors=True)
        return 130
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
