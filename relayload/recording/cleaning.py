"""Texts of a recording, cleaned as they are read: nothing in them acts on a terminal or in a log of a CI system.

Files are cleaned before they are decoded, where most pieces can be seen at a glance to need it not. In JSON a control
character stands as an escape, or where it is none of ASCII, as it is.
"""

import re
from typing import Any

import msgspec

from relayload.core.printable import acts, shown

_SUSPECT = re.compile(
    rb"""\\(?:u[0-9a-fA-F]{4}|.)|\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]"""
)
"""Every escape, so that none is taken for the end of another, and what acts beyond ASCII."""
_LARGEST = 1 << 62
_SHORT = {b"\\n": "\n", b"\\r": "\r", b"\\t": "\t", b"\\f": "\f", b"\\b": "\b"}


def cleaned(json: bytes) -> bytes:
    """JSON whose texts are of one line, and show control characters and marks of direction as `\\x1b`."""
    if json.isascii() and b"\\" not in json and b"\x7f" not in json:
        return json
    return _SUSPECT.sub(_shown, json)


def check_numbers(json: bytes) -> None:
    """Raises ValueError for a number too large to be added to another, told, or written again.

    Those of records are checked where they are decoded; here, where a file is small, all are looked at.
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
    """The character that this stands for; None where it can't be one that acts, or is a half of another one."""
    if not written.startswith(b"\\"):
        return written.decode()
    if len(written) == 2:
        return _SHORT.get(written)
    letter = chr(int(written[2:], 16))
    return None if "\ud800" <= letter <= "\udfff" else letter
