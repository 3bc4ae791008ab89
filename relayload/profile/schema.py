"""The JSON Schema (draft 2020-12) of a profile: completion, hover texts and a first check in editors.

It is generated from the models that read profiles, and never stricter than they are: a variable may stand for any
single value, and a profile that extends another may omit what that has, or remove it with a null.
"""

import ast
import inspect
import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from relayload.core.units import format_bytes, format_duration
from relayload.document.extends import KEY as EXTENDS
from relayload.profile.model import Profile
from relayload.profile.types import UNIT_KEY, ByteCount, Duration, Part, Rate, Share

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "relayload profile"
ID = "urn:relayload:profile"
"""A name rather than an address: `relayload schema` prints the schema, and it lies beside profiles that refer to it."""

_VARIABLE = r"\$\{"
_NUMERAL = r"^[-+]?(\d|\.\d)"
_REF = "#/$defs/"
_IN_PART = " in part"
"""The end of the name of a definition whose rest a base may have."""

DEPRECATION_KEY = "deprecationMessage"
"""The key for which yaml-language-server prints a warning; it ignores `deprecated`."""
_DESCRIBED = ("description", "deprecated", DEPRECATION_KEY, "default", "examples")
_DROPPED = ("title", "discriminator", UNIT_KEY)
_RENAMED = {
    "oneOf": "anyOf",  # branches are told apart by shape, and variables blur it
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}
_NULL = {"type": "null"}
_OR_NULL = " or null"
_LOADS = {"open": "OpenLoad", "closed": "ClosedLoad", "batch": "BatchLoad"}
_KIND = "Open: arrivals ignore responses. Closed: users wait for theirs. Batch: a fixed list is run to completion."
_STAGES = {"Pause": ("pause",), "Repeated": ("repeat", "stages")}
_QUANTITIES = {"s": "Duration", "/s": "Rate", "%": "Share", "B": "ByteCount"}
"""The definitions of quantities by their unit."""
_SINGLE = ("Variable", *_QUANTITIES.values())
"""Definitions of single values, which are the same in partial profiles."""


def schema() -> dict[str, Any]:
    """Return the schema of a whole profile."""
    made = Profile.model_json_schema(schema_generator=_Generator, ref_template=f"{_REF}{{model}}")
    definitions = {name: _written(part) for name, part in made.pop("$defs").items()}
    definitions["Profile"] = _written(made)
    single = _single_values()
    return {
        "$schema": DIALECT,
        "$id": ID,
        "title": TITLE,
        "description": definitions["Profile"].pop("description"),
        "type": "object",
        "if": {"required": [EXTENDS]},
        "then": {"$ref": f"{_REF}Profile{_IN_PART}"},
        "else": {"$ref": f"{_REF}Profile"},
        "$defs": {
            **single,
            **{name: definitions[name] for name in sorted(definitions)},
            **{f"{name}{_IN_PART}": _in_part(definitions[name]) for name in sorted(definitions)},
        },
    }


@cache
def schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _single_values() -> dict[str, Any]:
    """Return the definitions of values that are written the same everywhere."""
    made: dict[str, Any] = {"Variable": {"type": "string", "pattern": _VARIABLE}}
    for name, quantity in (("Duration", Duration), ("Rate", Rate), ("Share", Share), ("ByteCount", ByteCount)):
        written = TypeAdapter(quantity).json_schema()
        del written[UNIT_KEY]
        made[name] = _written(written)
        made[f"{name}{_OR_NULL}"] = made[name] | {"type": ["string", "null"]}
    return made


class _Generator(GenerateJsonSchema):
    """Adds the texts of fields and the short forms of mappings to pydantic's schemas."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        model = schema["cls"]
        made = super().model_schema(schema)
        for name, text in _texts_below_fields(model):
            if name in model.model_fields:
                key = model.model_fields[name].alias or name
                made["properties"][key] = {**made["properties"][key], "description": text}
        if issubclass(model, Part):
            for former, present in model.renamed.items():
                described = {"description": f"Now `{present}`.", "deprecated": True, DEPRECATION_KEY: f"now {present}"}
                made["properties"][former] = {**made["properties"][present], **described}
        return _with_short_form(model, made)


def _texts_below_fields(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the text below each field in the source, those of base classes first."""
    for parent in reversed(model.__mro__):
        if issubclass(parent, BaseModel) and parent is not BaseModel:
            (definition,) = ast.parse(dedent(inspect.getsource(parent))).body
            assert isinstance(definition, ast.ClassDef)
            for field, after in pairwise(definition.body):
                match field, after:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        yield name, " ".join(text.split())


def _with_short_form(model: type[BaseModel], made: JsonSchemaValue) -> JsonSchemaValue:
    short = model.short if issubclass(model, Part) else None
    if short is None:
        return made
    description = made.pop("description", "")
    return {"description": description, "if": {"type": "object"}, "then": made, "else": made["properties"][short]}


def _written(node: Any) -> Any:
    """Return the schema of values as written in YAML, where a variable may stand for any single value."""
    if isinstance(node, list):
        return [_written(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = _with_one_branch(_plain(node))
    if node.get(UNIT_KEY):
        described = {key: plain[key] for key in _DESCRIBED if key in plain and key != "examples"}
        return {"$ref": _REF + _QUANTITIES[node[UNIT_KEY]]} | described
    if "enum" in plain or "const" in plain:
        return _choice(plain)
    if plain.get("type") in ("integer", "number"):
        return plain | {"type": [plain["type"], "string"], "pattern": f"{_NUMERAL}|{_VARIABLE}"}
    if plain.get("type") == "boolean":
        return _choice({key: value for key, value in plain.items() if key != "type"} | {"enum": [True, False]})
    if "pattern" in plain:
        plain["pattern"] = f"({plain['pattern']})|{_VARIABLE}"
    return plain


def _with_one_branch(plain: dict[str, Any]) -> dict[str, Any]:
    """Select a single branch of a union, so that a fault inside it is reported, and not that no branch matches."""
    branches = plain.get("anyOf", ())
    names = [branch["$ref"].removeprefix(_REF) for branch in branches if set(branch) == {"$ref"}]
    if len(names) == len(branches) and names:
        if set(names) == set(_LOADS.values()):
            return {key: value for key, value in plain.items() if key != "anyOf"} | _by_kind()
        if "Stage" in names:
            return {key: value for key, value in plain.items() if key != "anyOf"} | _by_key(names)
    return _with_null(plain)


def _by_kind() -> dict[str, Any]:
    """Select a load by its kind. A kind that is a variable, or in a base, allows what any kind does."""
    variable = {"$ref": f"{_REF}Variable"}
    kinds: list[dict[str, Any]] = [
        {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": {"$ref": _REF + name}}
        for kind, name in _LOADS.items()
    ]
    any_of_them = {"anyOf": [{"$ref": _REF + name} for name in _LOADS.values()]}
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"anyOf": [{"enum": list(_LOADS)}, variable], "description": _KIND}},
        "allOf": [*kinds, {"if": {"properties": {"kind": variable}}, "then": any_of_them}],
    }


def _by_key(names: list[str]) -> dict[str, Any]:
    """Select a stage by the key that only its kind has."""
    chain: dict[str, Any] = {"$ref": f"{_REF}Stage"}
    for name, keys in _STAGES.items():
        if name in names:
            named = [{"required": [key]} for key in keys]
            chain = {"if": {"anyOf": named}, "then": {"$ref": _REF + name}, "else": chain}
    return {"type": "object", **chain}


def _with_null(plain: dict[str, Any]) -> dict[str, Any]:
    """Allow null as well: by two types for a quantity, and by a condition for anything else."""
    rest = {key: value for key, value in plain.items() if key != "anyOf"}
    match plain.get("anyOf"):
        case [{"$ref": str(ref)}, {"type": "null"}] if ref.removeprefix(_REF) in _QUANTITIES.values():
            return {"$ref": f"{ref}{_OR_NULL}"} | rest
        case [branch, {"type": "null"}]:
            return rest | {"if": _NULL, "else": branch}
    return plain


def _plain(node: dict[str, Any]) -> dict[str, Any]:
    """Drop what means nothing to a reader, and convert the children."""
    plain: dict[str, Any] = {}
    for key, value in node.items():
        if key == "default":
            plain |= _default(value, _unit(node))
        elif key == "properties":
            plain[key] = {name: _written(part) for name, part in value.items()}
        elif key not in _DROPPED:
            plain[_RENAMED.get(key, key)] = value if key in ("enum", "examples", "required") else _written(value)
    return plain


def _unit(node: dict[str, Any]) -> str | None:
    units = (branch.get(UNIT_KEY) for branch in (node, *node.get("anyOf", ()), *node.get("oneOf", ())))
    return next((unit for unit in units if unit), None)


def _default(value: Any, unit: str | None) -> dict[str, Any]:
    if value is None or isinstance(value, dict | list):
        return {}
    return {"default": value if unit is None else _spelled(value, unit)}


def _spelled(value: float, unit: str) -> str:
    """Return a default as it would be written."""
    match unit:
        case "s" if value >= 60:
            return format_duration(value)
        case "s" if 0 < value < 1:
            return f"{value * 1000:g}ms"
        case "%":
            return f"{value * 100:g}%"
        case "B":
            return format_bytes(value)
    return f"{value:g}{unit}"


def _choice(plain: dict[str, Any]) -> dict[str, Any]:
    """Return a choice of words or a variable; descriptions stay outside of it."""
    choice = {key: plain.pop(key) for key in ("enum", "const", "type") if key in plain}
    return plain | {"anyOf": [choice, {"$ref": f"{_REF}Variable"}]}


def _in_part(node: Any) -> Any:
    """Return the schema of a document laid over a base: nothing is required, and null removes a key."""
    if isinstance(node, list):
        return [_in_part(item) for item in node]
    if not isinstance(node, dict):
        return node
    part = {
        key: value if key == "if" else _in_part(value)
        for key, value in node.items()
        if key not in ("required", "minProperties")
    }
    if "$ref" in part and part["$ref"].removeprefix(_REF).removesuffix(_OR_NULL) not in _SINGLE:
        part["$ref"] += _IN_PART
    if "properties" in node:
        part["properties"] = {name: _or_null(_in_part(value)) for name, value in node["properties"].items()}
    if isinstance(node.get("additionalProperties"), dict):
        part["additionalProperties"] = _or_null(part["additionalProperties"])
    return part


def _or_null(part: dict[str, Any]) -> dict[str, Any]:
    described = {key: part[key] for key in _DESCRIBED if key in part}
    rest = {key: value for key, value in part.items() if key not in described}
    return described | {"if": _NULL, "else": rest}
