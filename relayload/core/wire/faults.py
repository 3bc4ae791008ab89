"""Reads errors as relays send them: in bodies, in events, and in place of something else."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import MalformedAnswer
from relayload.core.wire.lenient import UNREADABLE, as_json, read_leniently
from relayload.core.wire.opening import is_event_stream
from relayload.core.wire.page import page_text, without_page
from relayload.core.wire.request import RelayFault
from relayload.core.wire.sse import SseEvent, SseParser
from relayload.core.wire.wait_in_text import wait_in_text_s
from relayload.core.wire.whole_text import whole

_FAULT_TEXT_LENGTH = 500
_NAME_LENGTH = 200
_BEGUN_BYTES = 65_536
"""The most that is read of an error sent as a stream."""
_LARGEST = 10**_NAME_LENGTH
_SUCCESS = frozenset({"0", "200", "ok", "success", "succeeded"})
"""Codes, in lower case, that mean success: some relays put a code into every answer."""
_STATUS = re.compile("[45][0-9]{2}")
_STATUS_FIELDS = ("status_code", "statusCode", "http_code", "status")
_NO_TYPE = "error"
"""A type that describes the event or the body, not the error in it."""
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
"""The meaning of the codes in MiniMax's `base_resp`. Source: its API reference, error codes."""


class ErrorFields(Struct, gc=False):
    """The fields that describe an error: `error`, or others beside it at the top level of a body or an event."""

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
    """Cloudflare's list of errors."""
    status: Any = None
    status_code: Any = None
    statuscode: Any = msgspec.field(default=None, name="statusCode")
    base_resp: Any = None
    """MiniMax's status, which successful answers have, too."""


_decode_error_fields = msgspec.json.Decoder(ErrorFields).decode
_NOTHING = ErrorFields()


def fault_of(fields: ErrorFields) -> RelayFault | None:
    """Return the error, or None: from `error`, or else from a code, or a type with a message."""
    if fields == _NOTHING:  # as nearly always, at the end of a stream
        return None
    error = fields.error or _first_of(fields.errors)
    if is_error(error):
        return fault_of_error(error, fields)
    if fields.base_resp and (fault := _fault_of_base(fields.base_resp)):
        return fault
    if _succeeded(fields):
        return None
    return _fault_beside(fields) if _code(fields) or (_type(fields) and _words(fields)) else None


def fault_of_message(fields: ErrorFields) -> RelayFault | None:
    """Like `fault_of`, but a bare `message` counts as an error, too."""
    return fault_of(fields) or (_fault_beside(fields) if _words(fields) and not _succeeded(fields) else None)


def is_error(error: Any) -> bool:
    """Return whether an `error` field holds an error: relays put empty ones into successful answers."""
    return any(error.values()) if isinstance(error, dict) else bool(error)


def fault_of_error(error: Any, beside: ErrorFields | None = None) -> RelayFault:
    """Read an `error` field, an object or a text, completed from the fields beside it."""
    code = None if beside is None else _code(beside)
    if not isinstance(error, dict):
        words = error if error is not True or beside is None else _words(beside)
        return _fault(words, None if beside is None else _type(beside), code)
    if not isinstance(error.get("message"), str) and isinstance(error.get("error"), dict):
        error = error["error"]  # a gateway's error nested in another's
    words = _first(error.get("message"), error.get("msg"), error.get("detail"))
    named = _first(_name(error.get("code")), code, _status(*map(error.get, _STATUS_FIELDS)))
    return _fault(words, _name(error.get("type")), named)


def fault_of_body(body: bytes) -> RelayFault:
    """Read an error body: OpenAI's shape, a bare message, an event, an HTML page, or any other text."""
    body = _first_event(body)[0] or body
    try:
        fields = read_error_fields(body)
    except MalformedAnswer:
        text = body.decode("utf-8", errors="replace").strip()
        return _fault(page_text(text) or text)
    return fault_of(fields) or _fault_beside(fields)


def fault_of_text(body: bytes) -> RelayFault | None:
    """Read a page or a text sent in place of an answer. None for an empty body and broken JSON."""
    return None if body.lstrip()[:1] in (b"", b"{", b"[") else fault_of_body(body)


def fault_as_stream(body: bytes) -> RelayFault | None:
    """Return the error in the first event of a body that is a stream, or None."""
    data, name = _first_event(body)
    if name.lower() == b"error":
        return fault_of_body(data)
    try:
        return fault_of(read_error_fields(data)) if data else None
    except MalformedAnswer:
        return None


def _first_event(body: bytes) -> SseEvent:
    """Return the first event of a body that is a stream; an empty event for other bodies."""
    begun = body[:_BEGUN_BYTES]
    if not body or not is_event_stream([begun], "", complete=True):
        return b"", b""
    parser = SseParser()
    return next(iter((*parser.feed(begun), *parser.end())), (b"", b""))


def read_error_fields(body: bytes) -> ErrorFields:
    """Read the error fields of a body or an event. Raises MalformedAnswer."""
    try:
        return _decode_error_fields(body)
    except UNREADABLE:
        return read_leniently(body, ErrorFields, lambda error: ErrorFields(error=error))


def _fault_of_base(base: Any) -> RelayFault | None:
    code = _name(base.get("status_code")) if isinstance(base, dict) else None
    if code is None or code.lower() in _SUCCESS:
        return None
    return _fault(base.get("status_msg"), _BASE_TYPES.get(code), code)


def _fault_beside(fields: ErrorFields) -> RelayFault:
    return _fault(_words(fields), _type(fields), _code(fields))


def _succeeded(fields: ErrorFields) -> bool:
    code = _code(fields)
    return code is not None and code.lower() in _SUCCESS


def _code(fields: ErrorFields) -> str | None:
    named = _name(_first(fields.code, fields.error_code))
    return named or _status(fields.status_code, fields.statuscode, fields.status)


def _status(*values: Any) -> str | None:
    """Return the first value that is an HTTP error status, or None."""
    return next((name for value in values if (name := _name(value)) and _STATUS.fullmatch(name)), None)


def _first_of(errors: Any) -> Any:
    return errors[0] if isinstance(errors, list) and errors else None


def _words(fields: ErrorFields) -> Any:
    return fields.message or fields.msg or fields.error_message or fields.error_msg or fields.detail


def _type(fields: ErrorFields) -> str | None:
    named = _name(_first(fields.error_type, fields.type))
    return None if named == _NO_TYPE else named or None


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _fault(words: Any, error_type: str | None = None, code: str | None = None) -> RelayFault:
    """Build a fault. The wait is searched in the whole message, of which only the beginning is kept."""
    text = "" if words is None else words if isinstance(words, str) else as_json(words)
    kept = without_page(text)[:_FAULT_TEXT_LENGTH]
    return RelayFault(whole(kept), error_type, code, wait_in_text_s(text))


def _name(value: Any) -> str | None:
    """Return a code or a type, which must be a text or a number, else None."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        value = int(value)
    if type(value) is int:
        return str(value) if abs(value) < _LARGEST else None
    return whole(value[:_NAME_LENGTH]) if isinstance(value, str) else None
