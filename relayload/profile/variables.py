"""Variables in the texts of a profile: `${env:NAME}` and `${env:NAME:-default}`.

They are put in place once the YAML is parsed, in values only, so what they hold can't change the structure. As in a
shell, the default also stands in for an empty variable. `$${` stands for `${` itself.

What stands in `target.api_key` is secret: a variable named there may be named nowhere else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from relayload.core.errors import Fault
from relayload.document import Document, Location

API_KEY: Location = ("target", "api_key")

_REFERENCE = re.compile(r"(?P<escape>\$\$\{)|\$\{(?P<body>[^{}]*)(?P<end>\}?)")
_VARIABLE = re.compile(r"env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<fallback>:-(?P<default>.*))?", re.DOTALL)
_HIDDEN = "***"
_SHORTEST_KEY = 4
"""Anything shorter would blot out half of a message."""


def expanded(document: Document, environ: Mapping[str, str]) -> Document:
    """The document with its variables in place; what can't be is a fault where it stands."""
    misused = tuple(_misused_secrets(document))
    placed = document.substitute(lambda text: expand(text, environ))
    return replace(placed, faults=(*placed.faults, *misused))


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Put the variables of one text in place. Raises ValueError."""
    return _REFERENCE.sub(lambda match: _value(match, environ), text) if "${" in text else text


def redacted(data: dict[str, Any]) -> dict[str, Any]:
    """A copy of a profile's content that may be shown."""
    copy = deepcopy(data)
    if _at(copy, API_KEY) is not None:
        copy["target"]["api_key"] = _HIDDEN
    return copy


def concealed(faults: Iterable[Fault], *documents: Document) -> list[Fault]:
    """The faults without the key, as written or in place, should any repeat it (`'0123' is octal ...`)."""
    keys = [key for key in (_at(document.data, API_KEY) for document in documents) if isinstance(key, str)]
    told = list(faults)
    for key in keys:
        if len(key) >= _SHORTEST_KEY:
            told = [replace(fault, message=fault.message.replace(key, _HIDDEN)) for fault in told]
    return told


def unencodable(document: Document) -> list[Fault]:
    """Texts that hold half of a UTF-16 pair, as `"\\ud83d"` in YAML does: no message could even repeat them."""
    return [
        document.fault(location, "holds half a character, which no UTF-8 text can")
        for location, text in _texts(document.data, ())
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)
    ]


def _value(match: re.Match[str], environ: Mapping[str, str]) -> str:
    if match["escape"]:
        return "${"
    variable = _VARIABLE.fullmatch(match["body"])
    if not variable or not match["end"]:
        # Not repeated: somebody may have put a key between the braces.
        raise ValueError("expected '${env:NAME}' or '${env:NAME:-default}'; write '$${' for a plain '${'")
    name, default = variable["name"], variable["default"]
    value = environ.get(name)
    if value is None and default is None:
        raise ValueError(f"the environment variable {name} is not set: set it, or write ${{env:{name}:-default}}")
    return value or default or ""


def _misused_secrets(document: Document) -> Iterator[Fault]:
    secret = _names(_at(document.data, API_KEY))
    for location, text in _texts(document.data, ()):
        for name in sorted(_names(text) & secret) if location != API_KEY else ():
            yield document.fault(location, f"{name} holds the key of the target: it may stand in target.api_key alone")


def _names(text: object) -> set[str]:
    """The variables that a text refers to."""
    bodies = (match["body"] or "" for match in _REFERENCE.finditer(text)) if isinstance(text, str) else ()
    return {variable["name"] for variable in map(_VARIABLE.fullmatch, bodies) if variable}


def _texts(value: Any, location: Location) -> Iterator[tuple[Location, str]]:
    """Every text with its place; keys stand at that of their mapping."""
    if isinstance(value, str):
        yield location, value
    if isinstance(value, dict):
        yield from ((location, key) for key in value)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _texts(item, (*location, key))


def _at(data: Any, location: Location) -> Any:
    for key in location:
        data = data.get(key) if isinstance(data, dict) else None
    return data
