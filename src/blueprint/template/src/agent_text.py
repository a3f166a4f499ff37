"""How the parameters of an operation read for a language model."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel

#: Bounds from here on only say what fits into a number.
_UNTOLD = 10**15


def parameter_lines(model: type[BaseModel]) -> list[str]:
    """Return a line per parameter: name (`?` where optional), type, description, bounds."""
    schema = model.model_json_schema()
    required = set(schema.get("required", []))
    return [
        f"- {name}{'' if name in required else '?'}: {_type_text(part)} — {_parameter_text(part)}"
        for name, part in schema.get("properties", {}).items()
    ]


def schema_of(model: type[BaseModel], answered: Collection[str] = ()) -> dict[str, Any]:
    """Return the JSON schema of parameters, some of which are answered where they are not given."""
    schema = model.model_json_schema()
    for name in answered:
        part = schema["properties"][name]
        part["description"] = f"{part.get('description', '')} Absent: as configured.".lstrip()
    required = [name for name in schema.pop("required", []) if name not in answered]
    return {**schema, "required": required} if required else schema


def _parameter_text(schema: Mapping[str, Any]) -> str:
    bounds = next(
        (part for part in _alternatives(schema) if "minimum" in part or "maximum" in part), {}
    )
    notes = []
    if abs(bounds.get("minimum", _UNTOLD)) < _UNTOLD:
        notes.append(f"at least {bounds['minimum']}")
    if abs(bounds.get("maximum", _UNTOLD)) < _UNTOLD:
        notes.append(f"at most {bounds['maximum']}")
    if schema.get("default") is not None:
        notes.append(f"default {json.dumps(schema['default'], default=str)}")
    text = str(schema.get("description", ""))
    return f"{text} ({', '.join(notes)})" if notes else text


def _type_text(schema: Mapping[str, Any]) -> str:
    texts = [_one_type_text(part) for part in _alternatives(schema) if part.get("type") != "null"]
    return " | ".join(dict.fromkeys(texts)) or "any"


def _alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(schema.get("anyOf", [schema]))


def _one_type_text(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if schema.get("type") == "array":
        items = _type_text(schema.get("items", {}))
        return f"({items})[]" if "|" in items else f"{items}[]"
    return str(schema.get("type", "any"))
