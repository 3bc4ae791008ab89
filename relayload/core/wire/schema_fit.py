"""Checks whether a value fits a schema: the subset of JSON Schema 2020-12 used for functions and formats."""

import re
from collections.abc import Callable
from typing import Any

from msgspec.json import encode

from relayload.core.wire.schema_keywords import KINDS, Unfit, resolved, types_of, valid

_MAX_PATTERN = 500


def fits(value: Any, schema: Any, root: Any) -> bool:
    """Return whether a value fits; references start from `root`. Raises Unfit for unsupported or invalid schemas."""
    rules = valid(schema)
    if isinstance(rules, bool):
        return rules
    try:
        return all(_holds(keyword, value, rules, root) for keyword in rules)
    except (TypeError, ValueError, AttributeError, ArithmeticError, re.error) as error:
        raise Unfit(f"the schema is no JSON Schema: {error}") from error


def _holds(keyword: str, value: Any, rules: dict[str, Any], root: Any) -> bool:
    rule = _RULES.get(keyword)
    if rule is not None:
        return rule(value, rules, root)
    bound = _BOUNDS.get(keyword)
    return bound is None or bound(value, rules[keyword])


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal in JSON: true is not 1, and the order of keys is irrelevant."""
    return encode(one, order="sorted") == encode(other, order="sorted")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_of(kind: str, value: Any) -> bool:
    """Return whether a value is of a JSON type."""
    match kind:
        case "string":
            return isinstance(value, str)
        case "object":
            return isinstance(value, dict)
        case "integer":
            return is_number(value) and value == int(value)
        case "number":
            return is_number(value)
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case _:
            return isinstance(value, list)


def _type(value: Any, rules: dict[str, Any], _root: Any) -> bool:
    kind = rules["type"]
    if type(kind) is str and kind in KINDS and "nullable" not in rules:
        return is_of(kind, value)
    return any(is_of(kind, value) for kind in types_of(rules))


def _properties(value: Any, rules: dict[str, Any], root: Any) -> bool:
    named = rules["properties"]
    return not isinstance(value, dict) or all(fits(value[name], named[name], root) for name in value if name in named)


def _other_properties(value: Any, rules: dict[str, Any], root: Any) -> bool:
    if not isinstance(value, dict):
        return True
    patterns = rules.get("patternProperties", {})
    others = [
        name
        for name in value
        if name not in rules.get("properties", {}) and not any(_matches(each, name) for each in patterns)
    ]
    return all(fits(value[name], rules["additionalProperties"], root) for name in others)


def _pattern_properties(value: Any, rules: dict[str, Any], root: Any) -> bool:
    if not isinstance(value, dict):
        return True
    return all(
        fits(value[name], schema, root)
        for pattern, schema in rules["patternProperties"].items()
        for name in value
        if _matches(pattern, name)
    )


def _items(value: Any, rules: dict[str, Any], root: Any) -> bool:
    if not isinstance(value, list):
        return True
    return all(fits(each, rules["items"], root) for each in value[len(rules.get("prefixItems", ())) :])


def _prefix_items(value: Any, rules: dict[str, Any], root: Any) -> bool:
    return not isinstance(value, list) or all(
        fits(each, schema, root) for each, schema in zip(value, rules["prefixItems"], strict=False)
    )


def _contains(value: Any, rules: dict[str, Any], root: Any) -> bool:
    if not isinstance(value, list):
        return True
    found = sum(fits(each, rules["contains"], root) for each in value)
    return bool(rules.get("minContains", 1) <= found <= rules.get("maxContains", len(value)))


def _condition(value: Any, rules: dict[str, Any], root: Any) -> bool:
    branch = "then" if fits(value, rules["if"], root) else "else"
    return branch not in rules or fits(value, rules[branch], root)


def _dependent_required(value: Any, rules: dict[str, Any], _root: Any) -> bool:
    if not isinstance(value, dict):
        return True
    return all(
        other in value for name, others in rules["dependentRequired"].items() if name in value for other in others
    )


def _dependent_schemas(value: Any, rules: dict[str, Any], root: Any) -> bool:
    if not isinstance(value, dict):
        return True
    return all(fits(value, schema, root) for name, schema in rules["dependentSchemas"].items() if name in value)


_RULES: dict[str, Callable[[Any, dict[str, Any], Any], bool]] = {
    "$ref": lambda value, rules, root: fits(value, resolved(rules["$ref"], root), root),
    "type": _type,
    "const": lambda value, rules, _root: same(value, rules["const"]),
    "enum": lambda value, rules, _root: (
        value in rules["enum"] if isinstance(value, str) else any(same(value, each) for each in rules["enum"])
    ),
    "allOf": lambda value, rules, root: all(fits(value, each, root) for each in rules["allOf"]),
    "anyOf": lambda value, rules, root: any(fits(value, each, root) for each in rules["anyOf"]),
    "oneOf": lambda value, rules, root: sum(fits(value, each, root) for each in rules["oneOf"]) == 1,
    "not": lambda value, rules, root: not fits(value, rules["not"], root),
    "properties": _properties,
    "additionalProperties": _other_properties,
    "patternProperties": _pattern_properties,
    "propertyNames": lambda value, rules, root: (
        not isinstance(value, dict) or all(fits(name, rules["propertyNames"], root) for name in value)
    ),
    "required": lambda value, rules, _root: (
        not isinstance(value, dict) or all(name in value for name in rules["required"])
    ),
    "items": _items,
    "prefixItems": _prefix_items,
    "contains": _contains,
    "if": _condition,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
}

_BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, bound: not is_number(value) or value >= bound,
    "maximum": lambda value, bound: not is_number(value) or value <= bound,
    "exclusiveMinimum": lambda value, bound: not is_number(value) or value > bound,
    "exclusiveMaximum": lambda value, bound: not is_number(value) or value < bound,
    "multipleOf": lambda value, step: not is_number(value) or value / step == int(value / step),
    "minLength": lambda value, bound: not isinstance(value, str) or len(value) >= bound,
    "maxLength": lambda value, bound: not isinstance(value, str) or len(value) <= bound,
    "pattern": lambda value, pattern: not isinstance(value, str) or _matches(pattern, value),
    "minItems": lambda value, bound: not isinstance(value, list) or len(value) >= bound,
    "maxItems": lambda value, bound: not isinstance(value, list) or len(value) <= bound,
    "uniqueItems": lambda value, unique: (
        not (unique and isinstance(value, list)) or len({encode(each, order="sorted") for each in value}) == len(value)
    ),
    "minProperties": lambda value, bound: not isinstance(value, dict) or len(value) >= bound,
    "maxProperties": lambda value, bound: not isinstance(value, dict) or len(value) <= bound,
}


def _matches(pattern: str, text: str) -> bool:
    if len(pattern) > _MAX_PATTERN:
        raise Unfit("the pattern is too long")
    return re.search(pattern, text) is not None
