"""A plugin of pytest: the connector's folder is searched for modules once pytest and its plugins are loaded, and not before.

Where pytest itself does that (`pythonpath`, or Python by starting it), what lies in the folder could stand in for pytest, or be
a plugin of it.
"""

import contextlib
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

# What is loaded while tests run is loaded now: by then other modules of these names could be met.
for eager in ("coverage", "pytest_cov.engine", "_pytest.junitxml", "_pytest.pastebin", "_pytest.doctest"):
    with contextlib.suppress(ImportError):
        import_module(eager)


def search_path(root: Path) -> list[str]:
    """Return the folders that the connector's own settings name, and the connector's folder."""
    named: list[str] = []
    with contextlib.suppress(OSError, ValueError, AttributeError):
        tool = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("tool", {}).get("pytest", {})
        found = tool.get("pythonpath", tool.get("ini_options", {}).get("pythonpath", []))
        named = found.split() if isinstance(found, str) else [str(folder) for folder in found]
    return list(dict.fromkeys([*(str(root / folder) for folder in named), str(root)]))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Search the connector's folder first, as Python does that is started in it."""
    sys.path[:0] = search_path(early_config.rootpath)
