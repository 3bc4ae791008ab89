"""Makes text from others safe for a terminal, a log of a CI system, or a message.

A control character moves the cursor or clears the screen, a line break begins a line that GitHub may take for a command
(`::error::`), and a directional mark shows the following text in another order (Unicode Technical Report 36).
"""

import re
from typing import Final

LONGEST = 2000
"""The most characters of a text in a message."""
_CONTROLS: Final = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_ACTING = re.compile(f"[{_CONTROLS}]")
_BREAKS = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_FORMULA = re.compile(r"\s*[=+@-]")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection)."""


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return the text in one line, cut to a length; controls become `\\x1b`, directional marks `\\u202e`."""
    cut = text if len(text) <= longest else f"{text[:longest]}…"
    return cut if cut.isprintable() else _ACTING.sub(lambda found: shown(found[0]), cut)


def cell(text: str) -> str:
    """Return the text in one line for a cell of a CSV, with a `'` before what a spreadsheet would compute."""
    shown_text = one_line(text)
    return f"'{shown_text}" if _FORMULA.match(shown_text) else shown_text


def acts(letter: str) -> bool:
    """Return whether a character must not reach a terminal as it is."""
    return _ACTING.fullmatch(letter) is not None


def shown(letter: str) -> str:
    """Return the replacement of such a character: a blank for a break, or its number."""
    if letter in _BREAKS:
        return " "
    code = ord(letter)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
