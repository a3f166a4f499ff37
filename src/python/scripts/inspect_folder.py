"""Look at what lies beside a connector's tests and could bend what comes of them, without running it.

Usage: inspect_folder.py CONNECTOR_DIR, with JSON on standard input: {"files": [paths], "pyproject": text as generated}.
Prints JSON: {"found": [{"kind", "path", "line", "what"}]}, where kind is

- shadow: a module that would be imported in the place of one of Python or of an installed package
- reach: code that gets hold of what tests it, or asks whether it is being tested
- hook: a name that pytest takes for a hook, outside of tests/
- settings: what pyproject.toml says to pytest, coverage or a plugin, and did not say when it was generated
"""

import ast
import importlib.util
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inspect_tests import HOOK, dotted, named

Found = dict[str, Any]

#: What judges the code: code that is judged has no use for it.
JUDGES = {"pytest", "_pytest", "pluggy", "unittest", "coverage", "pytest_cov", "tests", "conftest"}
#: What tells a program that it is being tested.
TELLING = {"PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", *(JUDGES - {"tests", "coverage"})}
#: Modules that stand for the whole suite, and are no stand-ins.
OWN = {"src", "tests", "conftest", "__init__", "__main__"}


def finding(kind: str, path: str, what: str, line: int = 1) -> Found:
    """Return one find."""
    return {"kind": kind, "path": path, "line": line, "what": what}


def module_of(path: str) -> str | None:
    """Return the top-level module that a file is where its folder, or the one above its package, is searched."""
    parts = path.split("/")
    if parts[0] == "src" or not path.endswith(".py"):
        return None
    return parts[-2] if parts[-1] == "__init__.py" and len(parts) > 1 else parts[-1].removesuffix(".py")


def is_taken(name: str) -> bool:
    """Whether Python or an installed package has a module of this name."""
    if name in sys.stdlib_module_names:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def reaches(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield where code gets hold of what tests it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in TELLING:
            yield node.lineno, node.value
            continue
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.partition(".")[0] in JUDGES)


def in_code(path: str, tree: ast.Module) -> Iterator[Found]:
    """Yield what code outside of tests/ does to those who judge it."""
    yield from (finding("reach", path, what, line) for line, what in reaches(tree))
    for node in ast.walk(tree):
        for name in named(node):
            if HOOK.fullmatch(name):
                yield finding("hook", path, name, getattr(node, "lineno", 1))


def tables(text: str) -> dict[str, Any]:
    """Return what a pyproject.toml says to those who judge."""
    try:
        project = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    tool = project.get("tool", {})
    entry_points = project.get("project", {}).get("entry-points", {})
    return {
        "[tool.pytest]": tool.get("pytest"),
        "[tool.coverage]": tool.get("coverage"),
        "[project.entry-points.pytest11]": entry_points.get("pytest11"),
    }


def main() -> None:
    """Print what was found in the given folder."""
    folder = Path(sys.argv[1])
    given = json.load(sys.stdin)
    found: list[Found] = []
    for path in given["files"]:
        module = module_of(path)
        if module is not None and module not in OWN and is_taken(module):
            found.append(finding("shadow", path, module))
        if not path.endswith(".py") or path.startswith("tests/"):
            continue
        try:
            tree = ast.parse((folder / path).read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue  # What can't be read can't be imported either: the tests fail by it.
        found.extend(in_code(path, tree))
    settings = folder / "pyproject.toml"
    if settings.exists():
        before = tables(given["pyproject"])
        now = tables(settings.read_text(encoding="utf-8", errors="replace"))
        changed = [name for name, value in now.items() if value is not None and value != before.get(name)]
        found.extend(finding("settings", "pyproject.toml", name) for name in changed)
    print(json.dumps({"found": found}))


if __name__ == "__main__":
    main()
