"""Merges schemas, and checks for keywords for which no values are made up."""

from typing import Any

from relayload.core.wire.schema_keywords import Schema, Unfit, valid

_BEYOND = (
    *("if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies"),
    *("unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef"),
)


def plain(schema: Any) -> Schema:
    """Return the schema if values are made up for it. Raises Unfit."""
    for keyword in _BEYOND if isinstance(schema, dict) else ():
        if keyword in schema:
            raise Unfit(f"the fake relay makes up no values for '{keyword}'")
    return valid(schema)


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
