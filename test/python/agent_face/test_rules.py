"""The checks of the agent face pass a generated connector, and each finds the mistake that is planted for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mistakes import MISTAKES, SDK_MISTAKES, Mistake
from vendor import write_vendor

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "src" / "conformance" / "python"
sys.path.insert(0, str(PACKAGE))

from conformance.agent_face import CHECKS  # noqa: E402

RULES = range(1, 46)
ABOUT_SDKS = {mistake.check for mistake in SDK_MISTAKES}
#: Needs a package of operations that is small, which the compiler never makes.
SPLIT = "agent.no-needless-split"
#: One process judges one connector, as each is called `src`.
JUDGE = """
import json, sys
from pathlib import Path
from conformance.agent_face import CHECKS
from conformance.model import NotApplicable, Subject
told = {}
for check in CHECKS:
    if check.id in sys.argv[2:] or len(sys.argv) == 2:
        try:
            found = list(check.run(Subject(Path(sys.argv[1]).resolve())))
            told[check.id] = [problem.message for problem in found if not problem.note]
        except NotApplicable as why:
            told[check.id] = f"not applicable: {why}"
print(json.dumps(told))
"""


def judge(connector: Path, *ids: str) -> dict[str, Any]:
    """Return each check's problems, or why it is not applicable."""
    done = subprocess.run(
        [sys.executable, "-c", JUDGE, str(connector), *ids],
        env={**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.fixture(scope="session")
def connectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the connectors once."""
    folder = tmp_path_factory.mktemp("connectors")
    script = Path(__file__).with_name("connectors.ts")
    node = shutil.which("node")
    assert node is not None, "node is needed to compile connectors"
    subprocess.run(
        [node, "--import", "tsx", str(script), str(folder)], cwd=ROOT, check=True, timeout=120
    )
    return folder


@pytest.fixture
def copy(connectors: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copy a connector, so that a mistake can be planted."""
    return lambda name: Path(shutil.copytree(connectors / name, tmp_path / name))


def plant(connector: Path, mistake: Mistake) -> None:
    path = connector / mistake.file
    before = path.read_text(encoding="utf-8")
    assert mistake.find in before, f"{mistake.file} no longer holds: {mistake.find}"
    path.write_text(before.replace(mistake.find, mistake.replace, mistake.times), encoding="utf-8")


def identify(mistake: Mistake) -> str:
    return f"{mistake.check} {re.sub(r'[^A-Za-z0-9]+', '-', mistake.find)[:40]}"


def test_every_rule_has_a_check_and_every_check_a_mistake() -> None:
    assert {rule for check in CHECKS for rule in check.rules} == set(RULES)
    planted = {mistake.check for mistake in [*MISTAKES, *SDK_MISTAKES]} | {SPLIT}
    assert planted == {check.id for check in CHECKS}
    assert len({check.id for check in CHECKS}) == len(CHECKS)


def test_a_generated_connector_keeps_every_rule(connectors: Path) -> None:
    told = judge(connectors / "source-rules")
    assert {name for name, problems in told.items() if isinstance(problems, str)} == ABOUT_SDKS
    assert {
        name: problems for name, problems in told.items() if problems and name not in ABOUT_SDKS
    } == {}


def test_a_connector_without_operations_breaks_no_rule(connectors: Path) -> None:
    told = judge(connectors / "source-silent")
    assert [problems for problems in told.values() if problems and isinstance(problems, list)] == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=identify)
def test_a_mistake_is_found(mistake: Mistake, copy: Callable[[str], Path]) -> None:
    connector = copy("source-rules")
    plant(connector, mistake)
    told = judge(connector, mistake.check)[mistake.check]
    assert isinstance(told, list), told
    assert told, "the mistake was not found"


def test_small_modules_are_found(copy: Callable[[str], Path]) -> None:
    connector = copy("source-rules")
    module = connector / "src" / "operations.py"
    text = module.read_text(encoding="utf-8").replace("from .", "from ..")
    at = text.index("class SearchTasksParams")
    head = text[: text.index("class ListProjectsParams")]
    exports = text.index("#: Every operation.")
    module.unlink()
    package = connector / "src" / "operations"
    package.mkdir()
    (package / "first.py").write_text(text[:at], encoding="utf-8")
    (package / "second.py").write_text(head + text[at:exports], encoding="utf-8")
    imports = "from .first import get_project, list_projects\nfrom .second import list_cells, list_events, read_notes, search_tasks\n"
    (package / "__init__.py").write_text(f"{head}{imports}{text[exports:]}", encoding="utf-8")
    assert judge(connector, SPLIT, "agent.sets-are-exported") == {
        "agent.sets-are-exported": [],
        SPLIT: [pytest.approx(judge(connector, SPLIT)[SPLIT][0])],
    }


def test_a_connector_around_an_sdk_can_keep_the_rules(copy: Callable[[str], Path]) -> None:
    connector = copy("source-rules")
    write_vendor(connector)
    told = judge(connector, *ABOUT_SDKS)
    assert told == {name: [] for name in told}
    assert set(told) == ABOUT_SDKS


@pytest.mark.parametrize("mistake", SDK_MISTAKES, ids=identify)
def test_a_mistake_around_an_sdk_is_found(mistake: Mistake, copy: Callable[[str], Path]) -> None:
    connector = copy("source-rules")
    write_vendor(connector)
    plant(connector, mistake)
    told = judge(connector, mistake.check)[mistake.check]
    assert isinstance(told, list), told
    assert told, "the mistake was not found"
