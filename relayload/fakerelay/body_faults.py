"""Converts msgspec's validation errors to refusals in OpenAI's wording, with message, parameter and code."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.inspect import Type, type_info

from relayload.fakerelay.refusals import Reason, Refusal

_UNSUPPORTED = "is not supported by the fake relay."
_PATH = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")
_BOUND = re.compile(r"Expected `(\w+)` (<=|>=|<|>) (\S+)")
_LENGTH = re.compile(r"Expected `(\w+)` of length (<=|>=) (\d+)")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_KINDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a decimal",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_WHY = {"n": "the fake relay gives one choice", "best_of": "the fake relay gives one choice"}
_SIDES = {"<=": ("above", "max", "maximum"), ">=": ("below", "min", "minimum")}


def refusal_of(error: msgspec.ValidationError, body: bytes, body_type: Any) -> Refusal:
    """Return the refusal of a body that is JSON but not valid."""
    found = _PATH.search(str(error))
    problem, path = (str(error)[: found.start()], found[1].replace("[...]", "")) if found else (str(error), "")
    steps = [name or index for name, index in _STEP.findall(path)]
    if (named := re.search(r"unknown field `(.*)`", problem)) is not None:
        return _refusal("Unknown parameter: '{}'.", _joined(path, named[1]), "unknown_parameter")
    if (named := re.search(r"missing required field `(.*)`", problem)) is not None:
        return _refusal("Missing required parameter: '{}'.", _joined(path, named[1]), "missing_required_parameter")
    if problem.startswith("Expected `null`"):
        return _refusal("Unsupported parameter: '{}' " + _UNSUPPORTED, path, "unsupported_parameter")
    if problem.startswith("Invalid"):
        return _wrong_value(problem, path, _accepted(body_type, steps))
    if (length := _LENGTH.match(problem)) is not None:
        return _wrong_length(path, length[1], length[2], int(length[3]), _value_at(body, steps))
    if (bound := _BOUND.match(problem)) is not None:
        return _out_of_range(path, bound[1], bound[2], bound[3], _value_at(body, steps))
    if "matching regex" in problem:
        pattern = problem.partition("'")[2].rstrip("'")
        wanted = f"Expected a string that matches the pattern '{pattern}'."
        return _refusal("Invalid '{}': string does not match pattern. " + wanted, path, "invalid_value")
    return _wrong_type(problem, path)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _refusal(message: str, path: str, code: str) -> Refusal:
    return Refusal(Reason.BAD_VALUE, message.replace("{}", path, 1), param=path or None, code=code)


def _wrong_value(problem: str, path: str, accepted: list[str]) -> Refusal:
    value = problem.partition("value ")[2]
    given = {"True": "true", "False": "false"}.get(value, value)
    listed = f" Supported values are: {_and(accepted)}." if accepted else ""
    why = f" ({_WHY[path]})" if path in _WHY else ""
    return _refusal(f"Invalid value for '{{}}': {given}{why}.{listed}", path, "invalid_value")


def _wrong_length(path: str, kind: str, side: str, bound: int, value: Any) -> Refusal:
    noun, what = {"str": ("string", "a string")}.get(kind, ("array", "an array"))
    if kind == "object":
        noun, what = "object", "an object"
    if side == "<=" and bound == 0:
        return _refusal("Unsupported parameter: '{}' " + _UNSUPPORTED, path, "unsupported_parameter")
    if side == ">=" and bound == 1:
        message = f"empty {noun}. Expected {what} with minimum length 1, but got an empty {noun} instead."
        return _refusal(f"Invalid '{{}}': {message}", path, f"empty_{noun}")
    extent, short, long = _SIDES[side]
    word = "long" if extent == "above" else "short"
    got = len(value) if isinstance(value, str | list | dict) else "another"
    message = (
        f"{noun} too {word}. Expected {what} with {long} length {bound}, but got {what} with length {got} instead."
    )
    return _refusal(f"Invalid '{{}}': {message}", path, f"{noun}_{extent}_{short}_length")


def _out_of_range(path: str, kind: str, side: str, bound: str, value: Any) -> Refusal:
    noun = "integer" if kind == "int" else "decimal"
    extent, short, long = _SIDES[side]
    limit = bound.removesuffix(".0")
    got = value if isinstance(value, int | float) else "another"
    message = f"{noun} {extent} {long} value. Expected a value {side} {limit}, but got {got} instead."
    return _refusal(f"Invalid '{{}}': {message}", path, f"{noun}_{extent}_{short}_value")


def _wrong_type(problem: str, path: str) -> Refusal:
    names = re.findall(r"`([^`]*)`", problem)
    wanted = [_KINDS.get(name, name) for name in names[0].split(" | ") if name != "null"] if names else []
    expected = wanted[0] if len(wanted) == 1 else f"one of {_or(wanted)}"
    got = f", but got {_KINDS.get(names[1], names[1])} instead" if len(names) > 1 else ""
    if not path:
        return _refusal(f"Invalid type for the body: expected {expected}{got}.", path, "invalid_type")
    return _refusal(f"Invalid type for '{{}}': expected {expected}{got}.", path, "invalid_type")


def _and(names: list[str]) -> str:
    return ", ".join(names[:-1]) + f", and {names[-1]}" if len(names) > 1 else names[0]


def _or(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _value_at(body: bytes, steps: list[str]) -> Any:
    value = msgspec.json.decode(body)
    for step in steps:
        if isinstance(value, list) and step.isdigit():
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
    return value


def _accepted(body_type: type[Any], steps: list[str]) -> list[str]:
    """Return the literal values allowed at a place of a body, as written."""
    places = [type_info(body_type)]
    for index, step in enumerate(steps):
        if index == len(steps) - 1 and (tags := [f"'{tag}'" for tag in _tags(places, step)]):
            return tags
        places = [inner for place in places for inner in _inside(place, step)]
    values = [
        value for place in _flat(places) if isinstance(place, msgspec.inspect.LiteralType) for value in place.values
    ]
    return [msgspec.json.encode(value).decode().replace('"', "'") for value in values]


def _flat(places: list[Type]) -> Iterator[Type]:
    for place in places:
        if isinstance(place, msgspec.inspect.UnionType):
            yield from _flat(list(place.types))
        elif isinstance(place, msgspec.inspect.Metadata):
            yield from _flat([place.type])
        else:
            yield place


def _tags(places: list[Type], name: str) -> list[Any]:
    structs = [place for place in _flat(places) if isinstance(place, msgspec.inspect.StructType)]
    return [place.tag for place in structs if place.tag_field == name and place.tag is not None]


def _inside(place: Type, step: str) -> Iterator[Type]:
    for each in _flat([place]):
        if isinstance(each, msgspec.inspect.StructType):
            yield from (field.type for field in each.fields if field.encode_name == step)
        elif isinstance(each, msgspec.inspect.ListType):
            yield each.item_type
