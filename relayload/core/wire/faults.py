"""Errors as relays put them: in bodies, in events, and where something else was expected."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import MalformedAnswer
from relayload.core.wire.request import RelayFault

_FAULT_TEXT_LENGTH = 500

_Read = TypeVar("_Read")


class _Fault(Struct, gc=False):
    """An error body, in any of the shapes in use."""

    error: Any = None
    message: Any = None
    detail: Any = None
    type: Any = None
    code: Any = None


_decode_fault = msgspec.json.Decoder(_Fault).decode


def read_leniently(data: bytes, decode: Callable[[bytes], _Read], of_error: Callable[[Any], _Read]) -> _Read:
    """Read what could not be read: invalid UTF-8 is replaced, and an `error` is one whatever stands beside it.

    `of_error` makes the answer that says nothing but an error. Raises MalformedAnswer.
    """
    repaired = data.decode("utf-8", errors="replace").encode()
    try:
        return decode(repaired)
    except ValueError as malformed:
        try:
            fault = _decode_fault(repaired)
        except ValueError:
            raise MalformedAnswer(str(malformed)) from None
        if not fault.error:
            raise MalformedAnswer(str(malformed)) from None
        return of_error(fault.error)


def fault_of_error(error: Any) -> RelayFault:
    """The value of an `error` field, which may be an object or a text."""
    if not isinstance(error, dict):
        return RelayFault(message=_clipped(error))
    return RelayFault(
        message=_clipped(error.get("message")), type=_name(error.get("type")), code=_name(error.get("code"))
    )


def fault_of_body(body: bytes) -> RelayFault:
    """The relay's error as it put it: OpenAI's shape, a bare message, or whatever text there is."""
    try:
        fault = _decode_fault(body)
    except ValueError:
        return RelayFault(message=_clipped(body.decode("utf-8", errors="replace").strip()))
    if fault.error:
        return fault_of_error(fault.error)
    return RelayFault(message=_clipped(fault.message or fault.detail), type=_name(fault.type), code=_name(fault.code))


def _clipped(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text[:_FAULT_TEXT_LENGTH]


def _name(value: Any) -> str | None:
    return None if value is None else str(value)
