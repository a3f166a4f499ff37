"""The agent face of the connector that is judged: its sources, its operations, what its API answers."""

import ast
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from .model import NotApplicable, Subject

#: What connectors are made of; anything else that the agent face imports is an SDK.
KNOWN_PACKAGES = frozenset(
    [
        "annotated_types",
        "cryptography",
        "httpx",
        "jwt",
        "msgspec",
        "orjson",
        "pandas",
        "pyarrow",
        "pydantic",
        "pydantic_core",
        "src",
        "tenacity",
        "typing_extensions",
    ]
)

Item = TypeVar("Item")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A parsed source file. `file` is relative to the connector's folder, with forward slashes."""

    file: str
    tree: ast.Module
    text: str

    @property
    def lines(self) -> int:
        """Return the number of lines."""
        return len(self.text.splitlines())

    @property
    def name(self) -> str:
        """Return its dotted name, as `src.client`."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> list[str]:
        """Return the parts of the package's name that relative imports start from."""
        parts = self.name.split(".")
        return parts if self.file.endswith("/__init__.py") else parts[:-1]

    @property
    def operations(self) -> list[Function]:
        """Return the functions that are decorated as operations."""
        return [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, Function)
            and any(name_of(mark).rpartition(".")[2] == "connector" for mark in node.decorator_list)
        ]

    @property
    def sdks(self) -> dict[str, str]:
        """Return the names that stand for something of an SDK, with the module each comes from."""
        return {
            name: origin
            for name, origin in imported(self.tree)
            if origin.partition(".")[0] not in KNOWN_PACKAGES | sys.stdlib_module_names
        }


@lru_cache(maxsize=4)
def modules_of(directory: Path) -> tuple[Module, ...]:
    """Return the parsed files below `src/`. Those that are no Python are left to other checks."""
    found = []
    for path in sorted((directory / "src").rglob("*.py")):
        try:
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        found.append(Module(path.relative_to(directory).as_posix(), tree, text))
    return tuple(found)


def agent_modules(directory: Path) -> list[Module]:
    """Return the modules of operations and what they import of the connector: the agent face without other faces."""
    modules = {module.name: module for module in modules_of(directory)}
    found: dict[str, Module] = {}
    waiting = [module.name for module in modules.values() if module.operations]
    while waiting:
        name = waiting.pop()
        if name in found or name not in modules:
            continue
        found[name] = modules[name]
        for node in ast.walk(modules[name].tree):
            if isinstance(node, ast.ImportFrom) and node.level > 0:
                parts = modules[name].package[: len(modules[name].package) - node.level + 1]
                base = ".".join([*parts, *filter(None, [node.module])])
                waiting.extend([base, *(f"{base}.{alias.name}" for alias in node.names)])
    return list(found.values())


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each name that an absolute import binds, and the dotted path that it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def name_of(node: ast.AST | None) -> str:
    """Return `a.b.c` for a name, a chain of attributes or a call of one, else an empty text."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def parents_of(tree: ast.AST) -> dict[int, ast.AST]:
    """Return each node's parent by the node's id."""
    return {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


# ------------------------------------------------------------------------------------ at run time


@dataclass(frozen=True)
class Face:
    """The connector's agent face, imported."""

    operations: Any
    agent: Any
    client: Any
    config: Any

    def __iter__(self) -> Iterator[Any]:
        """Yield the operations."""
        return iter(self.operations.CONNECTORS)


@lru_cache(maxsize=1)
def face_of(directory: Path) -> Face:
    """Import the agent face. One process judges one connector: its package is always called `src`."""
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    return Face(
        *(
            importlib.import_module(f"src.{name}")
            for name in ("operations", "agent", "client", "config")
        )
    )


@dataclass(frozen=True)
class Played:
    """What `tests/fixtures/operations.json` tells of the operations and their API."""

    config: Mapping[str, Any]
    #: Every secret of the configuration holds this.
    secret: str
    operations: Mapping[str, Mapping[str, Any]]


@lru_cache(maxsize=4)
def played_of(directory: Path) -> Played:
    """Read the fixtures of the operations; raises NotApplicable where there are none."""
    path = directory / "tests" / "fixtures" / "operations.json"
    if not path.is_file():
        raise NotApplicable(
            "The connector has no tests/fixtures/operations.json, which tells what its operations answer."
        )
    content = json.loads(path.read_text(encoding="utf-8"))
    return Played(content["config"], content["secret"], content["operations"])


@dataclass(frozen=True)
class Operation:
    """One operation with what is known of its API."""

    connector: Any
    fixture: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return its name."""
        return str(self.connector.name)

    @property
    def is_table(self) -> bool:
        """Whether it returns a table."""
        return bool(self.fixture["result"] == "dataframe")

    @property
    def limit(self) -> str | None:
        """Return the parameter that bounds the number of rows, if it returns a list."""
        limit: str | None = self.fixture["limit"]
        return limit

    @property
    def required(self) -> dict[str, Any]:
        """Return the smallest valid parameters."""
        return dict(self.fixture["required"])

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns that the API is known to return."""
        return [column["name"] for column in self.fixture["columns"]]

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of each parameter."""
        return dict(self.connector.params.model_json_schema().get("properties", {}))


def operations_of(subject: Subject) -> list[Operation]:
    """Return the operations; raises NotApplicable where the connector has none."""
    connectors = list(face_of(subject.directory))
    if not connectors:
        raise NotApplicable("The connector has no operation.")
    played = played_of(subject.directory)
    return [
        Operation(one, played.operations[one.name])
        for one in connectors
        if one.name in played.operations
    ]


def tables_of(subject: Subject) -> list[Operation]:
    """Return the operations that return tables; raises NotApplicable where there is none."""
    return some(
        [one for one in operations_of(subject) if one.is_table], "No operation returns a table."
    )


def lists_of(subject: Subject) -> list[Operation]:
    """Return the operations that return lists; raises NotApplicable where there is none."""
    return some(
        [one for one in operations_of(subject) if one.limit], "No operation returns a list."
    )


def some(items: list[Item], otherwise: str) -> list[Item]:
    """Return the items; raises NotApplicable with these words where there is none."""
    if not items:
        raise NotApplicable(otherwise)
    return items
