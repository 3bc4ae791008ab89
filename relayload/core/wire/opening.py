"""Detects the kind of a body by how it begins: relays label streams as JSON, errors as streams, and pages as either."""

import re

_ENOUGH_BYTES = 1_024
"""No body begins with more white space, or with a longer first word."""
_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_EVENT = re.compile(rb":|(?:data|event|id|retry|(?i:error))(?::|[\r\n]|\Z)")
_FIELD = re.compile(rb"[A-Za-z][\w.-]{0,40}(?::|[\r\n]|\Z)")
"""How a line of an event stream may begin. Fields with other names are ignored."""
_STREAM = "event-stream"


def is_event_stream(pieces: list[bytes], label: str, *, complete: bool) -> bool | None:
    """Return whether a body is an event stream; None while too little of it has arrived.

    `label` is the content type, which decides if the bytes do not.
    """
    first = _first(pieces)
    begun = first.removeprefix(_BOM).lstrip(_BLANK)
    if not begun:
        return "json" not in label.lower() if complete or len(first) >= _ENOUGH_BYTES else None
    if begun[:1] in b"{[<":
        return False
    if not complete and len(begun) < _ENOUGH_BYTES and not re.search(rb"[:\s]", begun):
        return None
    return bool(_EVENT.match(begun)) or (_labelled(label) and bool(_FIELD.match(begun)))


def _first(pieces: list[bytes]) -> bytes:
    """Return the first bytes of a body."""
    first = b""
    for piece in pieces:
        first += piece[:_ENOUGH_BYTES]
        if len(first) >= _ENOUGH_BYTES:
            break
    return first[:_ENOUGH_BYTES]


def _labelled(label: str) -> bool:
    return _STREAM in label.lower()
