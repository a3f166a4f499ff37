"""Judges a connector: `python -m conformance --connector DIR --report FILE.json`.

Needs the connector's own environment (`requirements-dev.txt`) and no network. Exit codes: 0 all checks passed, 1 some
failed, 2 bad usage.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .registry import all_checks, data_checks
from .supervisor import DEFAULT_LIMIT, Outcomes, supervise


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite and write its report; what comes of each check goes to standard error on the way."""
    arguments = _parser().parse_args(argv)
    checks = data_checks() if arguments.face == ["data"] else all_checks()
    if arguments.list:
        for check in checks:
            sys.stdout.write(f"{check.id}\t{check.title}\n")
        return 0
    directory, report = arguments.connector, arguments.report
    if directory is None or report is None or not (directory / "src").is_dir():
        sys.stderr.write("--connector must name a folder that holds src/, --report a file.\n")
        return 2
    unknown = set(arguments.only or ()) - {check.id for check in checks}
    if unknown:
        sys.stderr.write(f"There is no check {', '.join(sorted(unknown))}; --list shows all.\n")
        return 2
    wanted = [
        check
        for check in checks
        if (not arguments.only or check.id in arguments.only)
        and (not arguments.face or check.face in arguments.face)
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    outcomes = supervise(directory.resolve(), wanted, arguments.time_limit, _say)
    content = _report(directory, outcomes, time.monotonic() - started)
    report.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0 if content["verdict"] == "passed" else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("--connector", type=Path, help="folder that holds src/ and tests/")
    parser.add_argument("--report", type=Path, help="file that receives the report, as JSON")
    parser.add_argument(
        "--only", action="append", metavar="ID", help="run this check; may be given again"
    )
    parser.add_argument("--face", action="append", choices=("data", "agent", "package"))
    parser.add_argument(
        "--time-limit",
        type=float,
        default=DEFAULT_LIMIT,
        metavar="SECONDS",
        help="time for each check",
    )
    parser.add_argument("--list", action="store_true", help="print all checks and run none")
    return parser


def _say(outcome: dict[str, Any]) -> None:
    sys.stderr.write(f"{outcome['status']:<15}{outcome['id']}\n")
    sys.stderr.flush()


def _report(directory: Path, outcomes: Outcomes, seconds: float) -> dict[str, Any]:
    statuses = [outcome["status"] for outcome in outcomes]
    sound = not {"failed", "broken"} & set(statuses) and "passed" in statuses
    return {
        "schemaVersion": 1,
        "connector": directory.resolve().name,
        "verdict": "passed" if sound else "failed",
        "passed": statuses.count("passed"),
        "failed": statuses.count("failed"),
        "notApplicable": statuses.count("not_applicable"),
        "broken": statuses.count("broken"),
        "seconds": round(seconds, 3),
        "checks": outcomes,
    }


if __name__ == "__main__":
    sys.exit(main())
