"""Reads the wait that an error message asks for, such as "Please try again in 11.87s"."""

import re

_LONGEST = 65_536
"""How many characters are searched."""
_UNIT = r"(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)"
_SPAN = rf"\d{{1,9}}(?:\.\d{{1,9}})?\s*{_UNIT}"
# Each blank and digit can match in one way only, so that hostile text causes no backtracking.
_ASKED = re.compile(
    rf"\b(?:try again|retry)\s+(?:in|after)\s+({_SPAN}(?:(?:\s*,)?\s*(?:\band\s+)?{_SPAN})*)(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE | re.ASCII)
_UNIT_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def wait_in_text_s(text: str) -> float | None:
    """Return the seconds that the text asks to wait, or None."""
    match = _ASKED.search(text[:_LONGEST])
    if match is None:
        return None
    return sum(float(number) * _UNIT_S[_unit(word)] for number, word in _PART.findall(match[1]))


def _unit(word: str) -> str:
    """Return `ms` for milliseconds, and the first letter of other units."""
    return "ms" if word.lower().startswith(("ms", "mil")) else word[0].lower()
