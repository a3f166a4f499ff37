"""Run the test suite of a connector's copy once, and write down at once what comes of each test.

Each line of the log is JSON: [kind, test, value], where kind is collected, begin, failed, end, seconds, programs
(ids of tests that start programs of their own) or lines ({file: {line: ids of the tests that run it}}).
"""

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


class Watcher:
    """A plugin of pytest: runs only the chosen tests and writes down at once what comes of each."""

    def __init__(self, log: Path, chosen: set[str] | None, lines: Any) -> None:
        """Watch the tests `chosen`, or all; `lines` is what measures lines, or None."""
        self.log = log.open("a", encoding="utf-8", buffering=1)
        self.chosen = chosen
        self.lines = lines
        self.test = ""
        self.programs: set[str] = set()
        sys.addaudithook(self.audit)

    def audit(self, event: str, _arguments: tuple[object, ...]) -> None:
        """Note the tests that start programs."""
        if event in {"subprocess.Popen", "os.fork", "os.posix_spawn"} and self.test:
            self.programs.add(self.test)

    def say(self, kind: str, test: str, value: object = None) -> None:
        """Write one line."""
        self.log.write(json.dumps([kind, test, value]) + "\n")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep the chosen tests."""
        if self.chosen is not None:
            items[:] = [item for item in items if item.nodeid in self.chosen]

    def pytest_collection_finish(self) -> None:
        """Note when the tests begin."""
        self.say("collected", "")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Lines that run from here on belong to this test."""
        self.test = nodeid
        self.say("begin", nodeid)
        if self.lines is not None:
            self.lines.switch_context(nodeid)

    def pytest_fixture_setup(self, fixturedef: Any) -> None:
        """Give what is set up once for several tests to none of them."""
        if self.lines is not None:
            self.lines.switch_context(self.test if fixturedef.scope == "function" else "")

    def pytest_runtest_call(self) -> None:
        """Go on with the test itself after its set-up."""
        if self.lines is not None:
            self.lines.switch_context(self.test)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note a failure in whatever part of a test."""
        if report.failed:
            self.say("failed", report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note that a test has ended."""
        self.say("end", nodeid)
        self.test = ""


def run_suite(job: dict[str, Any]) -> int:
    """Run the tests of a job in this process; the exit code is pytest's."""
    pytest = import_module("pytest")
    slot = Path(job["slot"])
    os.chdir(slot)
    own = str(Path(__file__).parent)
    plugins = Path(own) / "pytest_plugins"
    # As in an ordinary run: what lies in the connector's folder is found once pytest and its plugins are loaded.
    sys.path[:] = [*(entry for entry in sys.path if entry not in {own, ""}), str(plugins)]
    # The copy is ours: what its modules compile to is kept there from run to run.
    sys.dont_write_bytecode = False
    lines = None
    if job["measure"]:
        coverage = import_module("coverage")
        os.environ["COVERAGE_CORE"] = "ctrace"
        lines = coverage.Coverage(data_file=None, config_file=False, include=[f"{slot}/src/*"], messages=False)
        lines.start()
    chosen = None if job["tests"] is None else set(job["tests"])
    files = ["tests"] if chosen is None else sorted({test.split("::")[0] for test in chosen})
    watcher = Watcher(Path(job["log"]), chosen, lines)
    options = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", "--tb=line", "--color=no"]
    own_settings = slot / "pyproject.toml"
    settings = own_settings if own_settings.exists() else plugins / "none.ini"
    options += ["-o", "pythonpath=", "-p", "connector_path"]
    options += ["-c", str(settings), "--rootdir=.", "--confcutdir=tests"]
    began = time.monotonic()
    code = int(pytest.main([*files, *options], plugins=[watcher]))
    watcher.say("seconds", "", time.monotonic() - began)
    watcher.say("programs", "", sorted(watcher.programs))
    if lines is not None:
        lines.stop()
        data = lines.get_data()
        found = {
            Path(file).resolve().relative_to(slot).as_posix(): {
                str(line): contexts for line, contexts in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        watcher.say("lines", "", found)
    return code
