"""Common operations on JSON Schema: references, types, and the check for keywords that nothing here knows."""

from typing import Any

Schema = dict[str, Any] | bool
"""A schema; true fits everything, false nothing."""

MAX_DEPTH = 64
_UNKNOWN = frozenset({"unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef", "dependencies"})


class Unfit(Exception):
    """This schema is invalid, or has a keyword that is not supported."""


def valid(schema: Any) -> Schema:
    """Return the schema if its keywords are known. Raises Unfit."""
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, dict):
        raise Unfit(f"a schema is an object or a boolean, not {_kind(schema)}")
    if not _UNKNOWN.isdisjoint(schema):
        raise Unfit(f"'{min(_UNKNOWN & schema.keys())}' is not supported")
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
    return valid(place)


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


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
