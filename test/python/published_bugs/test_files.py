"""What is committed is whole: a fresh copy of a repository has everything that the tests need."""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CONNECTORS


@pytest.mark.parametrize("name", ["notion", "google-sheets"])
def test_git_leaves_no_file_of_a_connector_behind(name: str, tmp_path: Path) -> None:
    folder = CONNECTORS / f"source-{name}"
    files = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".mypy_cache", ".pytest_cache"} & set(path.parts)
    }
    git = [
        "git",
        "-c",
        "core.excludesFile=",
        "--git-dir",
        str(tmp_path / "git"),
        "--work-tree",
        str(folder),
    ]
    subprocess.run([*git, "init", "-q"], check=True, cwd=folder)
    subprocess.run([*git, "add", "."], check=True, cwd=folder)
    listed = subprocess.run(
        [*git, "ls-files"], check=True, cwd=folder, capture_output=True, text=True
    )
    assert files <= set(listed.stdout.splitlines())


@pytest.mark.parametrize("name", ["notion", "google-sheets"])
def test_a_configuration_shows_no_secret(name: str) -> None:
    code = (
        "from src.config import Config;"
        "import json, sys;"
        "config = Config.model_validate(json.loads(sys.argv[1]));"
        "print(repr(config), str(config), config.model_dump())"
    )
    secret = "hidden-value-77"
    extra = ', "spreadsheet_id": "x"' if name == "google-sheets" else ""
    kind = '"auth_type": "access_token", ' if name == "google-sheets" else ""
    config = f'{{"credentials": {{{kind}"access_token": "{secret}"}}{extra}}}'
    done = subprocess.run(
        [sys.executable, "-c", code, config],
        cwd=CONNECTORS / f"source-{name}",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "access_token" in done.stdout
    assert secret not in done.stdout
