"""Validates values against JSON schemas, as far as schemas of records and configurations go (2020-12, a subset).

Keywords beyond it (`$dynamicRef`, `unevaluatedProperties`, `if`) let everything pass.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

Place = tuple[str, ...]
Fault = tuple[Place, str]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def faults(value: Any, schema: Any, root: Any = None, place: Place = ()) -> Iterator[Fault]:
    """Yield where a value breaks a schema, and how; list items are shown as `*`."""
    if schema is False:
        yield place, "nothing is allowed here"
    if not isinstance(schema, dict):
        return
    root = schema if root is None else root
    if "$ref" in schema:
        yield from faults(value, _target(schema["$ref"], root), root, place)
    wanted = schema.get("type")
    types = wanted if isinstance(wanted, list) else [wanted] if wanted else []
    if types and not any(_is(value, kind) for kind in types):
        if not (value is None and schema.get("nullable")):
            yield place, f"is {_kind(value)}, not {' or '.join(types)}"
        return
    if "const" in schema and value != schema["const"]:
        yield place, f"is not {schema['const']!r}"
    if schema.get("enum") and value not in schema["enum"]:
        yield place, f"is {value!r}, which is none of the values listed"
    yield from _combined(value, schema, root, place)
    yield from _bounds(value, schema, place)
    if isinstance(value, dict):
        yield from _object(value, schema, root, place)
    if isinstance(value, list):
        for item in value:
            yield from faults(item, schema.get("items"), root, (*place, "*"))


def _combined(value: Any, schema: dict[str, Any], root: Any, place: Place) -> Iterator[Fault]:
    for part in schema.get("allOf", []):
        yield from faults(value, part, root, place)
    for keyword in ("anyOf", "oneOf"):
        parts = schema.get(keyword)
        if not parts:
            continue
        tried = [list(faults(value, part, root, place)) for part in parts]
        if all(tried):
            # The one that went deepest is most likely the one that was meant.
            yield max(tried, key=lambda found: len(found[0][0]))[0]


def _bounds(value: Any, schema: dict[str, Any], place: Place) -> Iterator[Fault]:
    if isinstance(value, bool):
        return
    if isinstance(value, (int, float)):
        if "minimum" in schema and value < schema["minimum"]:
            yield place, f"is less than {schema['minimum']}"
        if "maximum" in schema and value > schema["maximum"]:
            yield place, f"is more than {schema['maximum']}"
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield place, f"is shorter than {schema['minLength']}"
        if len(value) > schema.get("maxLength", len(value)):
            yield place, f"is longer than {schema['maxLength']}"
        if not _has_format(value, schema.get("format")):
            yield place, f"is no {schema['format']}: {value[:40]!r}"
        if "pattern" in schema and not _matches(schema["pattern"], value):
            yield place, f"does not match {schema['pattern']!r}"


def _object(
    value: dict[str, Any], schema: dict[str, Any], root: Any, place: Place
) -> Iterator[Fault]:
    for name in schema.get("required", []):
        if name not in value:
            yield (*place, name), "is missing"
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name, below in value.items():
        if name in properties:
            yield from faults(below, properties[name], root, (*place, name))
        elif others is False:
            yield (*place, name), "is not declared"
        elif isinstance(others, dict):
            yield from faults(below, others, root, (*place, name))


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, (object,)))


def _kind(value: Any) -> str:
    return next((kind for kind in ("null", "boolean", "integer", *_TYPES) if _is(value, kind)), "?")


def _has_format(value: str, form: Any) -> bool:
    try:
        if form == "date-time":
            datetime.fromisoformat(value)
        elif form == "date":
            date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


def _target(reference: str, root: Any) -> Any:
    found = root
    for part in reference.removeprefix("#").split("/"):
        if part:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key, {}) if isinstance(found, dict) else {}
    return found


def declared(schema: Any, root: Any = None, place: Place = (), depth: int = 6) -> Iterator[Place]:
    """Yield the place of every field that a schema declares, so many levels deep."""
    if not isinstance(schema, dict) or depth == 0:
        return
    root = schema if root is None else root
    if "$ref" in schema:
        yield from declared(_target(schema["$ref"], root), root, place, depth - 1)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(keyword, []):
            yield from declared(part, root, place, depth - 1)
    for name, below in schema.get("properties", {}).items():
        yield (*place, name)
        yield from declared(below, root, (*place, name), depth - 1)
    if isinstance(schema.get("items"), dict):
        yield from declared(schema["items"], root, (*place, "*"), depth - 1)


def present(value: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the place of every field that a value has; list items are shown as `*`."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield (*place, name)
            yield from present(below, (*place, name))
    elif isinstance(value, list):
        for item in value:
            yield from present(item, (*place, "*"))
