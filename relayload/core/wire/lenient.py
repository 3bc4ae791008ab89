"""JSON that is no good JSON, read for what it says: half a character, NaN, endless digits, a byte order mark.

What a strict and fast reader refuses is read again here. Bytes that are no UTF-8 stand in the text as lone surrogates
(PEP 383) until `WholeText` knows whether the next event has the rest of the character; so do halves of a surrogate
pair, which JSON may hold (RFC 8259, section 8.2).
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from relayload.core.wire.answers import MalformedAnswer

UNREADABLE = (ValueError, RecursionError)
"""What reading JSON may raise: msgspec's errors and UnicodeDecodeError are ValueErrors, depth is none."""
_MOST_DIGITS = 400
"""Python refuses to read integers of thousands; nobody means one of hundreds."""

_Read = TypeVar("_Read")


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


_decode = json.JSONDecoder(parse_int=_whole_number).decode


def loosely(data: bytes) -> Any:
    """The value of JSON text. Raises MalformedAnswer."""
    try:
        return _decode(data.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff"))
    except UNREADABLE as malformed:
        raise MalformedAnswer(str(malformed)[:200]) from None


def read_leniently(data: bytes, kind: type[_Read], of_error: Callable[[Any], _Read]) -> _Read:
    """Read what could not be read strictly. An `error` is one whatever stands beside it, also in a list (Gemini's).

    `of_error` makes the answer that says nothing but an error. Raises MalformedAnswer.
    """
    value = loosely(data)
    try:
        return msgspec.convert(value, kind)
    except UNREADABLE as malformed:
        error = _error_in(value)
        if not error:
            raise MalformedAnswer(str(malformed)[:200]) from None
        return of_error(error)


def _error_in(value: Any) -> Any:
    first = value[0] if isinstance(value, list) and value else value
    return first.get("error") if isinstance(first, dict) else None
