"""Texts of others on a terminal, in a log of a CI system, or in a message: what they say, and nothing that acts.

A control character moves the cursor or clears the screen, a line break begins a line that GitHub may take for a
command (`::error::`), and a mark of direction shows what follows in another order (Unicode Technical Report 36).
"""

import re
from typing import Final

LONGEST = 2000
"""Of a text in a message, in characters."""
_CONTROLS: Final = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_ACTING = re.compile(f"[{_CONTROLS}]")
_BREAKS = frozenset("\t\n\v\f\r\x85\u2028\u2029")


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text in one line, cut to a length; a control is told as `\\x1b`, a mark of direction as `\\u202e`."""
    cut = text if len(text) <= longest else f"{text[:longest]}…"
    return cut if cut.isprintable() else _ACTING.sub(lambda found: shown(found[0]), cut)


def acts(letter: str) -> bool:
    """Whether a character is one that must not reach a terminal as it is."""
    return _ACTING.fullmatch(letter) is not None


def shown(letter: str) -> str:
    """What stands for such a character: a blank for a break, or its number."""
    if letter in _BREAKS:
        return " "
    code = ord(letter)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
