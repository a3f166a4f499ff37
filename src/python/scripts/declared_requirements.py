"""Print which packages a pyproject.toml asks for, and where it wants them from.

Usage: declared_requirements.py, with the file's text on standard input. Prints JSON: {"build": lines that building needs,
"declared": lines that installing the connector would ask for, "elsewhere": tables that name other places than the index}.
What is no TOML gives nothing: whoever reads it next says so.
"""

import json
import re
import sys
import tomllib
from typing import Any

#: Tables and keys by which tools fetch packages from other places than the person's index.
ELSEWHERE = (
    "uv.sources", "uv.index", "uv.index-url", "uv.extra-index-url", "uv.find-links",
    "uv.pip.index-url", "uv.pip.extra-index-url", "uv.pip.find-links", "pdm.source", "poetry.source",
)  # fmt: skip
#: What a dependency of Poetry's says where it is no package by name.
NOT_BY_NAME = {"git", "url", "path", "file", "source"}


def texts(value: Any) -> list[str]:
    """Return the texts in a list; whatever else stands there is told as it is written."""
    if not isinstance(value, list):
        return []
    groups = [one for one in value if isinstance(one, dict) and set(one) == {"include-group"}]
    return [one if isinstance(one, str) else json.dumps(one, default=str) for one in value if one not in groups]


def tables(value: Any) -> list[Any]:
    """Return the values of a table."""
    return list(value.values()) if isinstance(value, dict) else []


def normal(name: str) -> str:
    """Return a name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def poetry(tool: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the names that Poetry would install, and those that it would fetch from elsewhere."""
    groups = [at(tool, "poetry.dependencies"), at(tool, "poetry.dev-dependencies")]
    groups += [at({"group": group}, "group.dependencies") for group in tables(at(tool, "poetry.group"))]
    entries = [(name, wanted) for group in groups if isinstance(group, dict) for name, wanted in group.items()]
    strange = [name for name, wanted in entries if isinstance(wanted, dict) and NOT_BY_NAME & set(wanted)]
    return [name for name, _ in entries if name != "python"], [f"poetry.dependencies.{name}" for name in strange]


def at(tool: dict[str, Any], path: str) -> Any:
    """Return what stands at a dotted path."""
    value: Any = tool
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def main() -> None:
    """Print what was found."""
    try:
        whole = tomllib.loads(sys.stdin.read())
    except tomllib.TOMLDecodeError:
        whole = {}
    project = whole.get("project", {})
    system = whole.get("build-system", {})
    project, system = (one if isinstance(one, dict) else {} for one in (project, system))
    optional = [line for extra in tables(project.get("optional-dependencies")) for line in texts(extra)]
    grouped = [line for group in tables(whole.get("dependency-groups")) for line in texts(group)]
    own = normal(str(project.get("name", "")))
    tool = whole.get("tool", {})
    names, strange = poetry(tool)
    overrides = [*texts(at(tool, "uv.override-dependencies")), *texts(at(tool, "uv.constraint-dependencies"))]
    declared = [*texts(project.get("dependencies")), *optional, *grouped, *overrides, *names]
    paths = [path for path in ELSEWHERE if at(tool, path) not in (None, False, [], {})]
    elsewhere = [f"tool.{path}" for path in paths + strange]
    found = {
        "build": texts(system.get("requires")),
        "declared": [line for line in declared if normal(re.split(r"[\[<>=!~; ]", line.strip())[0]) != own],
        "elsewhere": elsewhere,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
