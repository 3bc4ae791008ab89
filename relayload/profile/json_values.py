"""Reads the values of a JSON file one by one: those of an array, or values in sequence.

ShareGPT's array has hundreds of megabytes, so no more of a file is read than its consumer takes.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

_READ_CHARACTERS = 1 << 20
_LONGEST_VALUE = 64_000_000
"""The most characters of one value, so that an unclosed one does not read the whole file."""
_TAIL = 16
"""How close to the end of the text an error may be due to a cut, such as in the middle of a word."""
_ENDS = "expected a JSON object: the file ends in the midst of it"
_BLANK = re.compile(r"\s*")


class NoJson(ValueError):
    """Raised for a value that is not JSON; the text says what is wrong."""


def value_of(text: str) -> Any:
    """Parse a text that is one value. Raises NoJson."""
    text = text.strip()
    value, end = _decoded(text, 0)
    if end != len(text):
        raise NoJson("expected one JSON object, and there is more")
    return value


def values(file: TextIO, longest: int = _LONGEST_VALUE) -> Iterator[Any]:
    """Yield the values of an array, or values in sequence, with or without line breaks. Raises NoJson."""
    text = _Text(file, longest)
    in_array = text.skip("[")
    first = True
    while not (in_array and text.skip("]")) and not text.ended():
        if in_array and not first and not text.skip(","):
            raise NoJson("expected a comma before it")
        first = False
        yield text.value()
    if in_array and not text.closed:
        raise NoJson("expected it, or ']' as the end of the array")
    if in_array and not text.ended():
        raise NoJson("expected nothing behind the ']' of the array: write one array, or rows without one")


class _Text:
    """The part of a file that the next value needs."""

    def __init__(self, file: TextIO, longest: int) -> None:
        self._file = file
        self._longest = longest
        self._text = ""
        self._at = 0
        self.closed = False

    def ended(self) -> bool:
        """Return whether only white space follows."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            assert blank is not None
            self._at = blank.end()
            if self._at < len(self._text):
                return False
            if not self._read():
                return True

    def skip(self, sign: str) -> bool:
        """Skip that character if it is next, and return whether it was."""
        if self.ended() or self._text[self._at] != sign:
            return False
        self._at += 1
        self.closed = sign == "]"
        return True

    def value(self) -> Any:
        """Return the next value. Raises NoJson."""
        if self.ended():
            raise NoJson("expected it before the end of the file")
        while True:
            try:
                found, self._at = _decoded(self._text, self._at)
            except _Cut as cut:
                if not self._read():
                    raise NoJson(_ENDS if cut.at_end else str(cut)) from None
            else:
                return found

    def _read(self) -> bool:
        """Read more, at least doubling the text, so that a long value is not parsed again and again."""
        rest = self._text[self._at :]
        if len(rest) > self._longest:
            raise NoJson(f"is longer than {self._longest:,} characters")
        more = self._file.read(max(_READ_CHARACTERS, len(rest)))
        self._text, self._at = rest + more, 0
        return bool(more)


class _Cut(NoJson):
    """Raised for a value that may continue after the end of the text."""

    def __init__(self, message: str, *, at_end: bool) -> None:
        super().__init__(message)
        self.at_end = at_end


def _decoded(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        message = f"expected a JSON object: {error.msg}"
        at_end = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip())
        if at_end or error.pos >= len(text) - _TAIL:
            raise _Cut(message, at_end=at_end) from None
        raise NoJson(message) from None
    except RecursionError:
        raise NoJson("is nested too deeply") from None
    except NoJson:
        raise
    except ValueError:  # a number of thousands of digits
        raise NoJson("holds a number that is too long") from None


def _refused(constant: str) -> Any:
    raise NoJson(f"holds {constant}, which is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refused)
