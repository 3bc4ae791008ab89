"""Common operations on JSON Schema: references, merging, and the check for unsupported keywords."""

from typing import Any

Schema = dict[str, Any] | bool
"""A schema; true fits everything, false nothing."""

MAX_DEPTH = 64
_BEYOND = (
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "unevaluatedItems",
    "unevaluatedProperties",
    "$dynamicRef",
    "$recursiveRef",
)


class Unfit(Exception):
    """The fake relay can't generate a value for this schema."""


def plain(schema: Any) -> Schema:
    """Return the schema if it is supported. Raises Unfit."""
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, dict):
        raise Unfit(f"a schema is an object or a boolean, not {_kind(schema)}")
    for keyword in _BEYOND:
        if keyword in schema:
            raise Unfit(f"the fake relay makes up no values for '{keyword}'")
    return schema


def resolved(reference: Any, root: Schema) -> Schema:
    """Return the schema that a `$ref` within the document stands for. Raises Unfit."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise Unfit(f"$ref '{reference}' does not begin with '#/'")
    place: Any = root
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict) and name in place:
            place = place[name]
        elif isinstance(place, list) and name.isdigit() and int(name) < len(place):
            place = place[int(name)]
        else:
            raise Unfit(f"$ref '{reference}' leads nowhere")
    return plain(place)


def types_of(schema: dict[str, Any]) -> list[str]:
    """Return the types that a schema names, `null` last; may be empty. Raises Unfit."""
    named = schema.get("type", [])
    types = [named] if isinstance(named, str) else named
    if not isinstance(types, list) or not all(each in KINDS for each in types):
        raise Unfit(f"'type' is {named!r}")
    if types and schema.get("nullable") is True:
        types = [*types, "null"]
    return sorted(types, key=lambda name: name == "null")


KINDS = ("object", "array", "string", "number", "integer", "boolean", "null")


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with the constraints of both. Where only a solver could merge keywords, the second wins."""
    both = {**one}
    for keyword, value in other.items():
        mine = both.get(keyword, value)
        if keyword in ("properties", "$defs", "definitions") and isinstance(mine, dict) and isinstance(value, dict):
            both[keyword] = {**mine, **value}
        elif keyword == "required" and isinstance(mine, list) and isinstance(value, list):
            both[keyword] = list(dict.fromkeys([*mine, *value]))
        elif keyword == "enum" and isinstance(mine, list) and isinstance(value, list):
            both[keyword] = [each for each in mine if each in value]
        elif keyword in _BOUNDS and mine != value:
            both[keyword] = _BOUNDS[keyword](mine, value)
        else:
            both[keyword] = value
    return both


_BOUNDS: dict[str, Any] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
