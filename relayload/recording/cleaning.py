"""Cleans the texts of a recording as they are read, so that nothing in them acts on a terminal or in a CI log.

Files are cleaned before decoding, where a quick check shows that most pieces need no cleaning. In JSON, control
characters are escaped, but those beyond ASCII may be literal.
"""

import re
from typing import Any

import msgspec

from relayload.core.printable import acts, shown

_SUSPECT = re.compile(
    rb"""\\(?:u[0-9a-fA-F]{4}|.)|\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]"""
)
"""Every escape, so that none is mistaken for the end of another, and literal control characters beyond ASCII."""
_LARGEST = 1 << 62
_SHORT = {b"\\n": "\n", b"\\r": "\r", b"\\t": "\t", b"\\f": "\f", b"\\b": "\b"}


def cleaned(json: bytes) -> bytes:
    """Return JSON whose texts are single lines and show control and bidirectional characters as in `\\x1b`."""
    if json.isascii() and b"\\" not in json and b"\x7f" not in json:
        return json
    return _SUSPECT.sub(_shown, json)


def check_numbers(json: bytes) -> None:
    """Raise ValueError for a number too large to be added, printed or written again.

    For small files, of which all numbers are checked. Numbers of records are checked while decoding.
    """
    waiting: list[Any] = [msgspec.json.decode(json)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
            raise ValueError("it holds a number that is too large")


def _shown(found: re.Match[bytes]) -> bytes:
    letter = _letter(found[0])
    if letter is None or not acts(letter):
        return found[0]
    return shown(letter).replace("\\", "\\\\").encode()


def _letter(written: bytes) -> str | None:
    """Return the character that an escape stands for; None for harmless escapes and surrogate halves."""
    if not written.startswith(b"\\"):
        return written.decode()
    if len(written) == 2:
        return _SHORT.get(written)
    letter = chr(int(written[2:], 16))
    return None if "\ud800" <= letter <= "\udfff" else letter
