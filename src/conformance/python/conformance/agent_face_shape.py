"""Rules 1 to 5 and 41 to 44: one described operation per task, what is exported, and how its modules are cut."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from .agent_face_subject import (
    Function,
    Module,
    face_of,
    modules_of,
    name_of,
    operations_of,
    played_of,
    some,
)
from .model import Check, Problem, Subject

_DISPATCHES = frozenset({"endpoint", "http_method", "route"})
_DISPATCHES_IN_PAIRS = frozenset({"method", "path", "url", "action", "operation"})
"""Each of these alone is a filter as APIs have them; two of them together choose what is called."""

_SECRETS = frozenset(
    [
        "access_token",
        "api_key",
        "apikey",
        "auth_token",
        "authorization",
        "client_secret",
        "password",
        "private_key",
        "refresh_token",
        "secret",
    ]
)
_SHORTEST_DESCRIPTION = 8
_LONGEST_NAME = 80
_MOST_LINES, _MOST_LINES_OF_MANY, _MANY = 400, 600, 15
_ENVIRONMENT = frozenset(
    {
        "os.environ",
        "os.getenv",
        "os.environb",
        "environ",
        "getenv",
        "dotenv.load_dotenv",
        "load_dotenv",
    }
)


def _operation_modules(subject: Subject) -> list[Module]:
    return some(
        [module for module in modules_of(subject.directory) if module.operations],
        "The connector has no operation.",
    )


def _one_task(subject: Subject) -> Iterator[Problem]:
    for module in _operation_modules(subject):
        for function in module.operations:
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and name_of(call).rpartition(".")[2] in (
                    "Request",
                    "request_json",
                ):
                    for part in call.args[:2]:
                        if any(
                            isinstance(node, ast.Attribute) and name_of(node).startswith("params.")
                            for node in ast.walk(part)
                        ):
                            yield Problem(
                                f"{function.name} lets the caller choose what is requested: make one operation per task.",
                                module.file,
                                call.lineno,
                            )
    for operation in operations_of(subject):
        schema = operation.schema()
        free = {name for name, part in schema.items() if _is_free_text(part)}
        chosen = free & _DISPATCHES or (
            free & _DISPATCHES_IN_PAIRS if len(set(schema) & _DISPATCHES_IN_PAIRS) > 1 else set()
        )
        for name in sorted(chosen):
            yield Problem(
                f"{operation.name}({name}=…) chooses what is called: make one operation per task."
            )


def _is_free_text(schema: Mapping[str, Any]) -> bool:
    return any(
        part.get("type") == "string" and not part.keys() & {"enum", "const", "pattern"}
        for part in _alternatives(schema)
    )


def _alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]


def _refuses_unknown(subject: Subject) -> Iterator[Problem]:
    for operation in operations_of(subject):
        model: type[BaseModel] = operation.connector.params
        try:
            model.model_validate({**operation.required, "a_parameter_that_is_not_there": 1})
        except ValidationError:
            continue
        yield Problem(
            f'{model.__name__} takes a parameter that does not exist: set extra="forbid".'
        )


def _own_model(subject: Subject) -> Iterator[Problem]:
    fields = {one.name: set(one.connector.params.model_fields) for one in operations_of(subject)}
    for module in _operation_modules(subject):
        for function in module.operations:
            read = {
                node.attr
                for node in ast.walk(function)
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "params"
            }
            if _hands_on_all(function):
                continue
            for name in sorted(fields.get(function.name, set()) - read):
                yield Problem(
                    f"{function.name} never uses its parameter {name}: its model is another operation's. Share a model only"
                    " where the parameters are truly the same.",
                    module.file,
                    function.lineno,
                )
        yield from _left_over(module, _used(subject))


def _used(subject: Subject) -> set[str]:
    """Return every name that is read anywhere in the connector, in quoted annotations too."""
    nodes = [node for module in modules_of(subject.directory) for node in ast.walk(module.tree)]
    read = {node.id for node in nodes if isinstance(node, ast.Name)}
    return read | {part for node in nodes for part in _written(node)}


def _left_over(module: Module, used: set[str]) -> Iterator[Problem]:
    """Yield models that no operation takes: most often another one's stands in their place."""
    for node in module.tree.body:
        bases = [name_of(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
        if isinstance(node, ast.ClassDef) and "BaseModel" in bases and node.name not in used:
            yield Problem(
                f"{node.name} is taken by no operation: the one it was made for takes another one's.",
                module.file,
                node.lineno,
            )


def _written(node: ast.AST) -> list[str]:
    """Return the names in a short text: a quoted annotation, or a part of `__all__`."""
    text = node.value if isinstance(node, ast.Constant) else None
    return re.findall(r"\w+", text) if isinstance(text, str) and len(text) < _LONGEST_NAME else []


def _hands_on_all(function: Function) -> bool:
    """Whether all parameters are sent at once, as `params.model_dump()` gives them."""
    return any(
        isinstance(node, ast.Call) and name_of(node) == "params.model_dump"
        for node in ast.walk(function)
    )


def _described(subject: Subject) -> Iterator[Problem]:
    for operation in operations_of(subject):
        for name, schema in operation.schema().items():
            text = str(schema.get("description", "")).strip()
            if len(text) < _SHORTEST_DESCRIPTION or text.lower().rstrip(".") == name.replace(
                "_", " "
            ):
                yield Problem(
                    f"{operation.name}({name}=…) is not described: {text!r} tells a model nothing."
                )
            if not all(
                part.keys() & {"type", "enum", "const", "$ref"} for part in _alternatives(schema)
            ):
                yield Problem(f"{operation.name}({name}=…) has no type.")


def _bounded(subject: Subject) -> Iterator[Problem]:
    lower, upper = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
    for operation in operations_of(subject):
        for name, schema in operation.schema().items():
            for part in _alternatives(schema):
                if part.get("type") not in ("integer", "number") or part.keys() & {"enum", "const"}:
                    continue
                missing = [
                    word for word, keys in (("ge", lower), ("le", upper)) if not part.keys() & keys
                ]
                if missing:
                    yield Problem(
                        f"{operation.name}({name}=…) has no bound {' and '.join(missing)}."
                    )


def _exports(subject: Subject) -> Iterator[Problem]:
    face = face_of(subject.directory)
    for name in ("CONNECTORS", "FETCH_CONNECTORS"):
        if not isinstance(getattr(face.operations, name, None), face.agent.Connectors):
            yield Problem(f"src.operations exports no {name}, by which agents find the operations.")
            return
    exported = set(face.operations.CONNECTORS.names)
    for module in modules_of(subject.directory):
        for function in module.operations:
            if function.name not in exported and not _is_nested(module, function):
                yield Problem(
                    f"{function.name} is missing in CONNECTORS.", module.file, function.lineno
                )
    needing = {one.name for one in face.operations.CONNECTORS if one.needs}
    fetching = set(face.operations.FETCH_CONNECTORS.names)
    for name in sorted(needing ^ fetching):
        problem = (
            "needs a binding and is missing in"
            if name in needing
            else "needs no binding and stands in"
        )
        yield Problem(f"{name} {problem} FETCH_CONNECTORS.")
    if exported:
        for name in sorted(set(played_of(subject.directory).operations) - exported):
            yield Problem(f"{name} is known to the fixtures and missing in CONNECTORS.")


def _is_nested(module: Module, function: Function) -> bool:
    return function not in module.tree.body


def _binding(subject: Subject) -> Iterator[Problem]:
    for module in modules_of(subject.directory):
        for node in ast.walk(module.tree):
            read = isinstance(node, (ast.Attribute, ast.Name)) and name_of(node) in _ENVIRONMENT
            brought = (
                isinstance(node, ast.ImportFrom)
                and node.module in ("os", "dotenv")
                and any(alias.name in _ENVIRONMENT for alias in node.names)
            )
            if read or brought:
                yield Problem(
                    "Reads the environment: credentials come through bind_deps alone.",
                    module.file,
                    getattr(node, "lineno", 1),
                )
    for operation in operations_of(subject):
        for name in sorted(set(operation.schema()) & _SECRETS):
            yield Problem(
                f"{operation.name}({name}=…) takes a secret from the model: hand it over with bind_deps."
            )
        if not set(operation.connector.dependencies).isdisjoint(operation.schema()):
            yield Problem(f"{operation.name} takes a dependency as a parameter too.")


def _most_lines(operations: int) -> int:
    return _MOST_LINES_OF_MANY if operations >= _MANY else _MOST_LINES


def _short(subject: Subject) -> Iterator[Problem]:
    for module in modules_of(subject.directory):
        count = len(module.operations)
        most = _most_lines(count)
        # One operation can't be cut, however long the list of its parameters is.
        if module.lines > most and count != 1:
            yield Problem(
                f"{module.lines} lines: a module with {count} operations has at most {most}.",
                module.file,
                note=count == 0,
            )


def _not_split(subject: Subject) -> Iterator[Problem]:
    modules = _operation_modules(subject)
    lines, count = (
        sum(module.lines for module in modules),
        sum(len(module.operations) for module in modules),
    )
    if len(modules) > 1 and lines <= _most_lines(count):
        yield Problem(
            f"{count} operations of {lines} lines are spread over {len(modules)} modules: one would do.",
            modules[0].file,
        )
    for module in modules:
        others = [
            one for one in modules if one is not module and one.lines + module.lines <= _MOST_LINES
        ]
        if len(others) > 1 and module.lines < _MOST_LINES / 4:
            yield Problem(
                f"{module.lines} lines: it fits into {others[0].file}.", module.file, note=True
            )


CHECKS = [
    Check(
        "agent.one-operation-per-task",
        "agent",
        "No operation lets its caller choose an endpoint.",
        _one_task,
        (1,),
    ),
    Check(
        "agent.unknown-parameters-are-refused",
        "agent",
        "A parameter that does not exist is refused.",
        _refuses_unknown,
        (2,),
    ),
    Check(
        "agent.own-parameter-model",
        "agent",
        "Each operation uses every field of its parameter model.",
        _own_model,
        (3,),
    ),
    Check(
        "agent.parameters-are-described",
        "agent",
        "Every parameter has a type and a description.",
        _described,
        (4,),
    ),
    Check(
        "agent.numbers-are-bounded",
        "agent",
        "Every number has a least and a greatest value.",
        _bounded,
        (5,),
    ),
    Check(
        "agent.sets-are-exported",
        "agent",
        "CONNECTORS has every operation, FETCH_CONNECTORS those to bind.",
        _exports,
        (41,),
    ),
    Check(
        "agent.credentials-by-binding",
        "agent",
        "Credentials come through bind_deps alone.",
        _binding,
        (42,),
    ),
    Check("agent.modules-are-short", "agent", "A module fits into one reading.", _short, (43,)),
    Check(
        "agent.no-needless-split",
        "agent",
        "Operations that fit into one module stand in one.",
        _not_split,
        (44,),
    ),
]
