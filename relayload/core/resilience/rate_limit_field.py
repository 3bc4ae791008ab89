"""Reads the `RateLimit` and `RateLimit-Policy` headers: what remains of each of a relay's limits.

Source: draft-ietf-httpapi-ratelimit-headers, in its three forms. Up to draft 06 there are `RateLimit-Limit`,
`-Remaining` and `-Reset`; draft 07 has one dictionary, `limit=100, remaining=0, reset=30`; since draft 08 the field is
a list with one item per policy, `"default";r=0;t=30`, and `RateLimit-Policy` states what each counts
(`"default";q=100;w=60;qu="requests"`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_LONGEST = 1_000
"""Longer fields are ignored."""
_MOST_DIGITS = 15
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([,;=])|([^\s",;=]+)', re.DOTALL)
_REMAINING, _RESET, _UNIT = ("r", "remaining"), ("t", "reset"), "qu"


class Allowed(NamedTuple):
    """What one policy still allows."""

    remaining: int
    reset_s: int | None
    """Seconds until there is more; None if not reported."""
    of_tokens: bool
    """Whether it counts tokens instead of requests."""


def allowances(headers: Mapping[str, str]) -> tuple[Allowed, ...]:
    """Return what every readable policy allows. Header names must be in lower case."""
    field = headers.get("ratelimit")
    if field is None:
        return _of_three_headers(headers)
    policies = _items(headers.get("ratelimit-policy", ""))
    units = {name: parameters.get(_UNIT, "") for name, parameters in policies}
    found = (_allowed(name, parameters, units.get(name, "")) for name, parameters in _items(field))
    return tuple(each for each in found if each is not None)


def _of_three_headers(headers: Mapping[str, str]) -> tuple[Allowed, ...]:
    parameters = {name: headers.get(f"ratelimit-{name}", "") for name in ("remaining", "reset")}
    found = _allowed("", parameters, "")
    return () if found is None else (found,)


def _allowed(name: str, parameters: Mapping[str, str], unit: str) -> Allowed | None:
    remaining = _number(parameters, _REMAINING)
    if remaining is None:
        return None
    return Allowed(remaining, _number(parameters, _RESET), "token" in f"{name} {unit}".lower())


def _number(parameters: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    text = next((parameters[name] for name in names if name in parameters), "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _items(field: str) -> list[tuple[str, dict[str, str]]]:
    """Split a field into items with parameters. A dictionary becomes one item without a name."""
    if len(field) > _LONGEST:
        return []
    items = [_item(tokens) for tokens in _split(field)]
    if items and all(not name for name, _ in items):
        return [("", {key: value for _, parameters in items for key, value in parameters.items()})]
    return items


def _split(field: str) -> Iterator[list[str]]:
    """Yield the tokens of each item."""
    tokens: list[str] = []
    for quoted, mark, bare in _TOKEN.findall(field):
        if mark == ",":
            yield tokens
            tokens = []
        else:
            tokens.append(mark or bare or quoted)
    yield tokens


def _item(tokens: list[str]) -> tuple[str, dict[str, str]]:
    """Parse `name ; key = value ; key = value`, or `key = value` in a dictionary."""
    named = bool(tokens) and (len(tokens) == 1 or tokens[1] == ";")
    parameters = {tokens[at - 1]: tokens[at + 1] for at in range(1, len(tokens) - 1) if tokens[at] == "="}
    return tokens[0] if named else "", parameters
