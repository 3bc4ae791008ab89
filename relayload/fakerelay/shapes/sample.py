"""Generates a value that fits a schema. Unconstrained strings are left open, to be filled with any number of words.

It is not a solver: it takes the first candidate that seems to fit, checks it, and raises if it does not fit.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from relayload.core.wire.schema_fit import fits, is_of
from relayload.core.wire.schema_keywords import MAX_DEPTH, Unfit, resolved, types_of
from relayload.fakerelay.shapes.keywords import merged, plain
from relayload.fakerelay.shapes.strings import formatted, guessed, within

_USUAL_STEPS, _MAX_STEPS = 400, 2_000
"""The most nested values, with optional parts and without them."""
_MAX_ITEMS = 1_000
_USUAL_ITEMS = 2
_SHALLOW = 6
"""Below this depth, optional parts are omitted."""
_MAX_OPEN_LENGTH = 20_000
_EXCLUDING = frozenset(("oneOf", "not", "contains"))
_NO_SCHEMA = (TypeError, ValueError, AttributeError, KeyError, ArithmeticError)
"""What keywords with values of the wrong type raise."""


@dataclass(frozen=True, slots=True)
class OpenString:
    """A string that may contain any words."""

    number: int
    """Its number, unique within a value."""
    least_length: int = 0
    """The least length in characters."""


def sample(schema: Any) -> Any:
    """Return a value that fits, with `OpenString` where any text is valid. Raises Unfit."""
    try:
        return _sample(schema, _SHALLOW, _USUAL_STEPS)
    except Unfit:
        return _sample(schema, 0, _MAX_STEPS)  # without optional parts, which may have been too much


def _sample(schema: Any, shallow: int, steps: int) -> Any:
    try:
        maker = _Maker(schema, shallow, steps)
        value = maker.value(schema, 0)
        if not maker.excludes and all(fits(_filled(value, length), schema, schema) for length in (1, _MAX_OPEN_LENGTH)):
            return value
        if fits(settled(value), schema, schema):
            return settled(value)  # the length of a string matters in an undetected way
    except RecursionError:
        raise Unfit("the schema is too deep, or has no end") from None
    except _NO_SCHEMA as error:
        raise Unfit(f"the schema is no JSON Schema: {error}") from error
    raise Unfit("the fake relay found no value that fits")


def settled(value: Any) -> Any:
    """Return the value with a few words for each open string."""
    return _filled(value, None)


def _filled(value: Any, length: int | None) -> Any:
    """Return the value with open strings of `length` characters, or longer if they must be; None is a few words."""
    if isinstance(value, OpenString):
        if length is None:
            return within(value.least_length, 10**9, value.number)
        return "x" * max(length, value.least_length)
    if isinstance(value, dict):
        return {name: _filled(each, length) for name, each in value.items()}
    return [_filled(each, length) for each in value] if isinstance(value, list) else value


class _TooLarge(Unfit):
    """The schema is too large, so trying another branch would not help."""


class _Maker:
    def __init__(self, root: Any, shallow: int, steps: int) -> None:
        self._root = root
        self._shallow = shallow
        self._steps_left = steps
        self._strings = 0
        self.excludes = False
        """Whether the schema excludes values, so that no string can be left open."""
        self._open: list[str] = []
        """References that are being followed."""

    def value(self, schema: Any, depth: int) -> Any:
        self._count_step()
        if depth > MAX_DEPTH:
            raise Unfit("the schema is too deep, or has no end")
        rules = plain(schema)
        if rules is False:
            raise Unfit("nothing fits 'false'")
        return self._words(0) if rules is True else self._by_rules(dict(rules), depth)

    def _count_step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise _TooLarge("the schema is too large, or has no end")

    def _by_rules(self, rules: dict[str, Any], depth: int) -> Any:
        self.excludes = self.excludes or not _EXCLUDING.isdisjoint(rules)
        if "$ref" in rules:
            return self._referred(rules, depth)
        if "const" in rules:
            return rules["const"]
        if "enum" in rules:
            return self._fitting(_listed(rules["enum"], "enum"), rules, "none of its 'enum' fits the rest of it")
        if "allOf" in rules:
            return self._all_of(rules, depth)
        for keyword in ("anyOf", "oneOf"):
            if keyword in rules:
                return self._one_of(rules, keyword, depth)
        return self._by_type(rules, depth)

    def _fitting(self, candidates: Iterable[Any], rules: dict[str, Any], otherwise: str) -> Any:
        for candidate in candidates:
            if fits(candidate, rules, self._root):
                return candidate
        raise Unfit(otherwise)

    def _referred(self, rules: dict[str, Any], depth: int) -> Any:
        reference = rules.pop("$ref")
        if self._open.count(reference) > 1:
            raise Unfit(f"'{reference}' has no end")
        target = resolved(reference, self._root)
        self._open.append(reference)
        try:
            if isinstance(target, bool):
                return self.value(target, depth + 1)
            return self.value(merged(rules, target), depth + 1)
        finally:
            self._open.pop()

    def _all_of(self, rules: dict[str, Any], depth: int) -> Any:
        """Make a value that fits all parts, by merging their keywords."""
        parts = _listed(rules.pop("allOf"), "allOf")
        whole = rules
        for part in parts:
            whole = merged(whole, self._flat(part, ()))
        return self.value(whole, depth + 1)

    def _flat(self, part: Any, followed: tuple[str, ...]) -> dict[str, Any]:
        """Return a part with its references and own `allOf` resolved."""
        self._count_step()
        rules = plain(part)
        if isinstance(rules, bool):
            return {} if rules else {"not": {}}
        flat = {name: rule for name, rule in rules.items() if name not in ("$ref", "allOf")}
        if "$ref" in rules:
            if rules["$ref"] in followed:
                raise Unfit(f"'{rules['$ref']}' has no end")
            flat = merged(flat, self._flat(resolved(rules["$ref"], self._root), (*followed, rules["$ref"])))
        for inner in _listed(rules.get("allOf", []), "allOf"):
            flat = merged(flat, self._flat(inner, followed))
        return flat

    def _one_of(self, rules: dict[str, Any], keyword: str, depth: int) -> Any:
        """Make a value for the first branch that works; null only as a last resort."""
        branches = _listed(rules[keyword], keyword)
        rest = {name: rule for name, rule in rules.items() if name != keyword}
        problem = Unfit(f"'{keyword}' is empty")
        for branch in sorted(branches, key=_is_null):
            part = plain(branch)
            if isinstance(part, bool):
                part = {} if part else {"not": {}}
            try:
                value = self.value(merged(rest, part), depth + 1)
                if fits(settled(value), rules, self._root):
                    return value
                problem = Unfit(f"no value of the fake relay's making fits '{keyword}'")
            except _TooLarge:
                raise
            except Unfit as unfit:
                problem = unfit
        raise problem

    def _by_type(self, rules: dict[str, Any], depth: int) -> Any:
        match (types_of(rules) or [_guessed_type(rules)])[0]:
            case "object":
                return self._object(rules, depth)
            case "array":
                return self._array(rules, depth)
            case "string":
                return self._string(rules)
            case "boolean":
                return self._fitting((True, False), rules, "neither true nor false fits it")
            case "null":
                return None
            case kind:
                numbers = _numbers(rules, whole=kind == "integer")
                return self._fitting(numbers, rules, f"the fake relay found no {kind} within its bounds")

    def _object(self, rules: dict[str, Any], depth: int) -> dict[str, Any]:
        named = rules.get("properties", {})
        if not isinstance(named, dict):
            raise Unfit("'properties' is not an object")
        value: dict[str, Any] = {}
        required = _listed(rules.get("required", []), "required")
        spare = rules.get("maxProperties", _MAX_ITEMS) - len(required) if depth < self._shallow else 0
        for name, schema in named.items():
            if name in required or spare > 0:
                self._add(value, name, schema, depth, must=name in required)
                spare -= name not in required
        others = rules.get("additionalProperties", True)
        for name in required:
            if name not in value:
                value[name] = self.value(others, depth + 1)
        extra = 0
        while len(value) < min(rules.get("minProperties", 0), _MAX_ITEMS):
            extra += 1
            value.setdefault(f"key{extra}", self.value(others, depth + 1))
        return value

    def _add(self, value: dict[str, Any], name: str, schema: Any, depth: int, *, must: bool) -> None:
        try:
            value[name] = self.value(schema, depth + 1)
        except Unfit as unfit:
            if must or isinstance(unfit, _TooLarge):
                raise

    def _array(self, rules: dict[str, Any], depth: int) -> list[Any]:
        least, most = rules.get("minItems", 0), rules.get("maxItems", _MAX_ITEMS)
        if "contains" in rules:
            least = max(least, rules.get("minContains", 1))
        if least > _MAX_ITEMS:
            raise Unfit(f"'minItems' is above {_MAX_ITEMS}")
        firsts = _listed(rules.get("prefixItems", []), "prefixItems")
        kept: list[Any] = []
        usual = max(len(firsts), _USUAL_ITEMS) if depth < self._shallow else 0
        for index in range(min(most, max(least, usual))):
            schema = firsts[index] if index < len(firsts) else rules.get("items", rules.get("contains", True))
            if index >= least and schema is False:
                break
            try:
                kept.append(self._item(schema, kept, rules, depth))
            except Unfit as unfit:
                if index < least or isinstance(unfit, _TooLarge):
                    raise
                break
        return kept

    def _item(self, schema: Any, kept: list[Any], rules: dict[str, Any], depth: int) -> Any:
        """Make one more item, different from those before if they must be unique."""
        value = self.value(schema, depth + 1)
        if not rules.get("uniqueItems"):
            return value
        value = settled(value)
        return self.value({"allOf": [schema], "not": {"enum": kept}}, depth + 1) if value in kept else value

    def _string(self, rules: dict[str, Any]) -> Any:
        self._strings += 1
        least, most = rules.get("minLength", 0), rules.get("maxLength")
        known = formatted(rules.get("format", ""), self._strings)
        if known is not None:
            return self._fitting([known], rules, f"the fake relay's string of format '{rules['format']}' does not fit")
        if most is None and "pattern" not in rules and least <= _MAX_OPEN_LENGTH:
            return OpenString(self._strings, least)
        if least > _MAX_OPEN_LENGTH:
            raise Unfit(f"'minLength' is above {_MAX_OPEN_LENGTH}")
        made = within(least, least + 12 if most is None else most, self._strings)
        guesses = [made, made.title().replace(" ", ""), *guessed(max(1, least), self._strings)]
        return self._fitting(guesses, rules, "the fake relay found no string of its length and pattern")

    def _words(self, least: int) -> OpenString:
        self._strings += 1
        return OpenString(self._strings, least)


def _listed(value: Any, keyword: str) -> list[Any]:
    if not isinstance(value, list):
        raise Unfit(f"'{keyword}' is not an array")
    return value


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"


def _guessed_type(rules: dict[str, Any]) -> str:
    for kind, keywords in _TYPICAL.items():
        if any(keyword in rules for keyword in keywords):
            return kind
    return "string"


_TYPICAL = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties", "patternProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def _numbers(rules: dict[str, Any], *, whole: bool) -> Iterator[int | float]:
    """Yield numbers to try: within the bounds, and multiples of the step if there is one."""
    bounds = [rules.get(name) for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")]
    if not all(bound is None or is_of("number", bound) for bound in [*bounds, rules.get("multipleOf")]):
        raise Unfit("a bound is not a number")
    low = max((bound for bound in bounds[:2] if bound is not None), default=None)
    high = min((bound for bound in bounds[2:] if bound is not None), default=None)
    step = rules.get("multipleOf", 1)
    if step <= 0:
        raise Unfit("'multipleOf' is not above zero")
    if low is None:
        low = 1 if high is None or high > 1 else high - 20 * step
    first = math.ceil(low / step)
    for index in range(20):
        number = (first + index) * step
        yield int(number) if whole and number == int(number) else number
    if not whole and high is not None:
        yield from (low + (high - low) * share for share in (0.5, 0.25, 0.0, 1.0))
    elif not whole:
        yield from (low + 0.5, low)
