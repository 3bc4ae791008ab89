"""Errors as relays put them: in bodies, in events, and where something else was expected."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import MalformedAnswer
from relayload.core.wire.lenient import UNREADABLE, read_leniently
from relayload.core.wire.opening import is_event_stream
from relayload.core.wire.page import page_text, without_page
from relayload.core.wire.request import RelayFault
from relayload.core.wire.sse import SseEvent, SseParser
from relayload.core.wire.wait_in_text import wait_in_text_s
from relayload.core.wire.whole_text import whole

_FAULT_TEXT_LENGTH = 500
_NAME_LENGTH = 200
_BEGUN_BYTES = 65_536
"""The most that is looked at of an error that comes as a stream."""
_LARGEST = 10**_NAME_LENGTH
_SUCCESS = frozenset({"0", "200", "ok", "success", "succeeded"})
"""Codes of those who put one into every answer. In lower case."""
_STATUS = re.compile("[45][0-9]{2}")
_STATUS_FIELDS = ("status_code", "statusCode", "http_code", "status")
_NO_TYPE = "error"
"""The type of an event, or of a body: not of the error in it."""
_BASE_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "1002": "rate_limit_exceeded",
        "1004": "authentication_error",
        "1008": "insufficient_quota",
        "1039": "rate_limit_exceeded",
        "2013": "invalid_request_error",
        "2049": "invalid_api_key",
    }
)
"""What the codes of MiniMax's `base_resp` mean. Source: its API reference, error codes."""


class Told(Struct, gc=False):
    """Where relays tell of an error: in `error`, or beside it at the top of a body or an event."""

    error: Any = None
    message: Any = None
    type: Any = None
    code: Any = None
    detail: Any = None
    msg: Any = None
    error_message: Any = None
    error_msg: Any = None
    error_type: Any = None
    error_code: Any = None
    errors: Any = None
    """Cloudflare's, in a list."""
    status: Any = None
    status_code: Any = None
    statuscode: Any = msgspec.field(default=None, name="statusCode")
    base_resp: Any = None
    """MiniMax's, which stands in good answers, too."""


_decode_told = msgspec.json.Decoder(Told).decode
_NOTHING = Told()


def fault_of(told: Told) -> RelayFault | None:
    """The error that this tells of, if it does: in `error`, or without it by a name and words for it."""
    if told == _NOTHING:  # as nearly always, at the end of a stream
        return None
    error = told.error or _first_of(told.errors)
    if is_error(error):
        return fault_of_error(error, told)
    if told.base_resp and (fault := _fault_of_base(told.base_resp)):
        return fault
    if _succeeded(told):
        return None
    return _fault_beside(told) if _code(told) or (_type(told) and _words(told)) else None


def fault_of_words(told: Told) -> RelayFault | None:
    """The error that this tells of, in nothing but words perhaps, such as a bare `message`."""
    return fault_of(told) or (_fault_beside(told) if _words(told) and not _succeeded(told) else None)


def is_error(error: Any) -> bool:
    """Whether an `error` field tells of one: relays put empty ones into good answers."""
    return any(error.values()) if isinstance(error, dict) else bool(error)


def fault_of_error(error: Any, beside: Told | None = None) -> RelayFault:
    """The value of an `error` field, which may be an object or a text, with what stands beside it."""
    code = None if beside is None else _code(beside)
    if not isinstance(error, dict):
        words = error if error is not True or beside is None else _words(beside)
        return _fault(words, None if beside is None else _type(beside), code)
    if not isinstance(error.get("message"), str) and isinstance(error.get("error"), dict):
        error = error["error"]  # one gateway's in another's
    words = _first(error.get("message"), error.get("msg"), error.get("detail"))
    named = _first(_name(error.get("code")), code, _status(*map(error.get, _STATUS_FIELDS)))
    return _fault(words, _name(error.get("type")), named)


def fault_of_body(body: bytes) -> RelayFault:
    """The relay's error as it put it: OpenAI's shape, a bare message, an event, a page, or whatever text there is."""
    body = _first_event(body)[0] or body
    try:
        told = read_told(body)
    except MalformedAnswer:
        text = body.decode("utf-8", errors="replace").strip()
        return _fault(page_text(text) or text)
    return fault_of(told) or _fault_beside(told)


def words_of(body: bytes) -> RelayFault | None:
    """What a page or a text says that is no answer; JSON that is broken is no words."""
    return None if body.lstrip()[:1] in (b"", b"{", b"[") else fault_of_body(body)


def fault_as_stream(body: bytes) -> RelayFault | None:
    """The error that a body tells as the first event of a stream, if it does."""
    data, name = _first_event(body)
    if name.lower() == b"error":
        return fault_of_body(data)
    try:
        return fault_of(read_told(data)) if data else None
    except MalformedAnswer:
        return None


def _first_event(body: bytes) -> SseEvent:
    """Where an error came as a stream, it is the first event; an empty one where no stream came."""
    begun = body[:_BEGUN_BYTES]
    if not body or not is_event_stream([begun], "", complete=True):
        return b"", b""
    parser = SseParser()
    return next(iter((*parser.feed(begun), *parser.end())), (b"", b""))


def read_told(body: bytes) -> Told:
    """What a body or an event may tell of an error. Raises MalformedAnswer."""
    try:
        return _decode_told(body)
    except UNREADABLE:
        return read_leniently(body, Told, lambda error: Told(error=error))


def _fault_of_base(base: Any) -> RelayFault | None:
    code = _name(base.get("status_code")) if isinstance(base, dict) else None
    if code is None or code.lower() in _SUCCESS:
        return None
    return _fault(base.get("status_msg"), _BASE_TYPES.get(code), code)


def _fault_beside(told: Told) -> RelayFault:
    return _fault(_words(told), _type(told), _code(told))


def _succeeded(told: Told) -> bool:
    code = _code(told)
    return code is not None and code.lower() in _SUCCESS


def _code(told: Told) -> str | None:
    named = _name(_first(told.code, told.error_code))
    return named or _status(told.status_code, told.statuscode, told.status)


def _status(*values: Any) -> str | None:
    """The status of an error, where one stands in a field of its own."""
    return next((name for value in values if (name := _name(value)) and _STATUS.fullmatch(name)), None)


def _first_of(errors: Any) -> Any:
    return errors[0] if isinstance(errors, list) and errors else None


def _words(told: Told) -> Any:
    return told.message or told.msg or told.error_message or told.error_msg or told.detail


def _type(told: Told) -> str | None:
    named = _name(_first(told.error_type, told.type))
    return None if named == _NO_TYPE else named or None


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _fault(words: Any, error_type: str | None = None, code: str | None = None) -> RelayFault:
    """A wait is looked for in all of the words, of which only the beginning is kept."""
    text = "" if words is None else words if isinstance(words, str) else _as_json(words)
    kept = without_page(text)[:_FAULT_TEXT_LENGTH]
    return RelayFault(whole(kept), error_type, code, wait_in_text_s(text))


def _as_json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (*UNREADABLE, OverflowError, TypeError):
        return ""


def _name(value: Any) -> str | None:
    """A code or a type: a text or a number. Nothing else is a name."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        value = int(value)
    if type(value) is int:
        return str(value) if abs(value) < _LARGEST else None
    return whole(value[:_NAME_LENGTH]) if isinstance(value, str) else None
