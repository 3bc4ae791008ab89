"""Reads invalid JSON as far as possible: half a character, NaN, endless digits, a byte order mark.

It is the fallback when the fast, strict reader refuses. Bytes that are not UTF-8 become lone surrogates (PEP 383) until
`WholeText` knows whether the next event has the rest of the character. So do halves of a surrogate pair, which JSON may
contain (RFC 8259, section 8.2).
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from relayload.core.wire.answers import MalformedAnswer

UNREADABLE = (ValueError, RecursionError)
"""What reading JSON may raise. msgspec's errors, UnicodeDecodeError and MalformedAnswer are ValueErrors."""
_MOST_DIGITS = 400
"""Python refuses to read integers of thousands of digits, and one of hundreds is never meant."""
_OBJECTS = frozenset({"delta", "message", "response", "usage", "x_groq"})
_HOLDERS = frozenset({"choices", "response"})

_Read = TypeVar("_Read")


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


_decoder = json.JSONDecoder(parse_int=_whole_number)


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")


def parse_loosely(data: bytes) -> Any:
    """Parse JSON text. Raises MalformedAnswer."""
    try:
        return _decoder.decode(_text(data))
    except UNREADABLE as malformed:
        raise MalformedAnswer(str(malformed)[:200]) from None


def as_json(value: Any) -> str:
    """Return what was parsed as JSON text again; empty if that can't be."""
    try:
        return msgspec.json.encode(value).decode()
    except (*UNREADABLE, OverflowError, TypeError):  # lone surrogates, and large numbers
        pass
    try:
        return json.dumps(value)
    except (*UNREADABLE, TypeError):
        return ""


def _parse_first_value(data: bytes) -> Any:
    """Parse the first value of JSON text, ignoring what follows, such as `data: [DONE]`. Raises MalformedAnswer."""
    try:
        return _decoder.raw_decode(_text(data).lstrip())[0]
    except UNREADABLE as malformed:
        raise MalformedAnswer(str(malformed)[:200]) from None


def read_leniently(data: bytes, kind: type[_Read], of_error: Callable[[Any], _Read]) -> _Read:
    """Read what could not be read strictly. An `error` counts whatever is beside or after it, or in a list (Gemini).

    `of_error` builds an answer that holds only the error. Raises MalformedAnswer.
    """
    try:
        return msgspec.convert(without_empty_lists(parse_loosely(data)), kind)
    except UNREADABLE as malformed:
        error = _error_in(_parse_first_value(data))
        if not error:
            raise MalformedAnswer(str(malformed)[:200]) from None
        return of_error(error)


def without_empty_lists(value: Any) -> Any:
    """Return the value without `[]` where an object belongs, which is how PHP writes an empty object."""
    if not isinstance(value, dict):
        return value
    kept = {name: each for name, each in value.items() if each != [] or name not in _OBJECTS}
    for name in _HOLDERS & kept.keys():
        within = kept[name]
        kept[name] = list(map(without_empty_lists, within)) if isinstance(within, list) else without_empty_lists(within)
    return kept


def _error_in(value: Any) -> Any:
    first = value[0] if isinstance(value, list) and value else value
    return first.get("error") if isinstance(first, dict) else None
