"""The wait that an error asks for in its words, such as "Please try again in 11.87s"."""

import re

_LONGEST = 65_536
"""Nothing is looked for beyond so many characters."""
_UNIT = r"(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)"
_SPAN = rf"\d{{1,9}}(?:\.\d{{1,9}})?\s*{_UNIT}"
# Each blank and each digit can be taken in one way only, so that hostile text costs no more than any other.
_ASKED = re.compile(
    rf"\b(?:try again|retry)\s+(?:in|after)\s+({_SPAN}(?:(?:\s*,)?\s*(?:\band\s+)?{_SPAN})*)(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE | re.ASCII)
_UNIT_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def wait_in_text_s(text: str) -> float | None:
    """Seconds that the text asks to wait; None where it does not."""
    match = _ASKED.search(text[:_LONGEST])
    if match is None:
        return None
    return sum(float(number) * _UNIT_S[_unit(word)] for number, word in _PART.findall(match[1]))


def _unit(word: str) -> str:
    """`ms` of `milliseconds`, and the first letter of the others."""
    return "ms" if word.lower().startswith(("ms", "mil")) else word[0].lower()
