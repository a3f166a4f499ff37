"""The operations keep the rules that make them usable for a language model."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from src import operations
from src.agent import ColumnRole, Connector, Connectors
from src.operations import CONNECTORS, FETCH_CONNECTORS
from tests.operation_api import OPERATIONS, each

SOURCE = Path(operations.__file__)
MODULES = sorted(SOURCE.parent.glob("*.py")) if SOURCE.name == "__init__.py" else [SOURCE]
KINDS = {"list", "search", "get"}
EACH = each(CONNECTORS.names)


def fields(operation: Connector) -> dict[str, dict[str, Any]]:
    """Return the schema of each parameter."""
    properties: dict[str, dict[str, Any]] = operation.params.model_json_schema()["properties"]
    return properties


def alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the types that a parameter may have, but null."""
    return [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]


def test_both_sets_are_exported() -> None:
    assert isinstance(CONNECTORS, Connectors)
    assert set(FETCH_CONNECTORS.names) <= set(CONNECTORS.names)
    needing = [operation.name for operation in CONNECTORS if operation.needs]
    assert [operation.name for operation in FETCH_CONNECTORS] == needing


def test_no_parameter_model_serves_two_operations() -> None:
    models = [operation.params for operation in CONNECTORS]
    assert len(set(models)) == len(models)


@EACH
def test_every_parameter_is_typed_described_and_bounded(name: str) -> None:
    operation = CONNECTORS[name]
    assert operation.params.model_config.get("extra") == "forbid"
    for field, schema in fields(operation).items():
        assert len(schema.get("description", "")) > 3, field
        for part in alternatives(schema):
            assert part.keys() & {"type", "enum", "const"}, field
            if part.get("type") in ("integer", "number") and not part.keys() & {"enum", "const"}:
                assert {"minimum", "maximum"} <= part.keys(), field


@EACH
def test_the_docstring_names_only_what_exists(name: str) -> None:
    operation = CONNECTORS[name]
    named = re.findall(r"\b(\w+)\((\w+)=<", operation.description)
    for target, parameter in named:
        assert target in CONNECTORS, target
        assert parameter in fields(CONNECTORS[target]), f"{target}({parameter}=)"
    for step in OPERATIONS[operation.name]["next"]:
        assert (step["operation"], step["parameter"]) in named


@EACH
def test_a_model_is_told_everything(name: str) -> None:
    operation = CONNECTORS[name]
    text = operation.to_llm()
    assert operation.description in text
    for field in fields(operation):
        assert re.search(rf"^- {field}\??: ", text, re.MULTILINE), field
    assert ("result.data is text" in text) == (operation.result_type == "text")
    for column in operation.output.columns if operation.output else ():
        assert column.name in text


@EACH
def test_a_key_goes_with_one_title(name: str) -> None:
    operation = CONNECTORS[name]
    roles = [column.role for column in operation.output.columns] if operation.output else []
    if ColumnRole.KEY in roles and set(roles) != {ColumnRole.KEY}:
        assert roles.count(ColumnRole.TITLE) == 1


@EACH
def test_the_kind_stands_among_the_tags(name: str) -> None:
    operation = CONNECTORS[name]
    assert len(KINDS & set(operation.tags)) == 1
    assert OPERATIONS[operation.name]["kind"] in operation.tags


@EACH
def test_credentials_come_by_binding_only(name: str) -> None:
    operation = CONNECTORS[name]
    assert operation.dependencies == ("client",)
    assert not set(operation.dependencies) & set(fields(operation))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_modules_stay_readable_and_ask_the_api_only_through_the_client(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert not imported & {"httpx", "requests", "os", "urllib", "urllib.request"}
    assert len(text.splitlines()) <= (600 if len(functions) > 14 else 400) or len(functions) == 1
    assert 'extra="allow"' not in text
