"""The values of a JSON file, one after the other and never all at once: those of an array, or in a row.

ShareGPT's array has hundreds of megabytes; of a long file no more is read than somebody takes.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

_READ_CHARACTERS = 1 << 20
_LONGEST_VALUE = 64_000_000
"""A longer value is hardly a prompt, and one that never ends would be all of the file."""
_TAIL = 16
"""An error this near to the end of what was read, as in the midst of a word, may be gone with more."""
_ENDS = "expected a JSON object: the file ends in the midst of it"
_BLANK = re.compile(r"\s*")


class NoJson(ValueError):
    """What is wrong with a value."""


def value_of(text: str) -> Any:
    """The value that a text is. Raises NoJson."""
    text = text.strip()
    value, end = _decoded(text, 0)
    if end != len(text):
        raise NoJson("expected one JSON object, and there is more")
    return value


def values(file: TextIO, longest: int = _LONGEST_VALUE) -> Iterator[Any]:
    """Those of an array, or one after the other with or without line breaks between. Raises NoJson at a wrong one."""
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
    """As much of a file as the next value needs."""

    def __init__(self, file: TextIO, longest: int) -> None:
        self._file = file
        self._longest = longest
        self._text = ""
        self._at = 0
        self.closed = False

    def ended(self) -> bool:
        """Whether nothing but blanks follows."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            assert blank is not None
            self._at = blank.end()
            if self._at < len(self._text):
                return False
            if not self._read():
                return True

    def skip(self, sign: str) -> bool:
        """Whether that sign is next, which is passed over then."""
        if self.ended() or self._text[self._at] != sign:
            return False
        self._at += 1
        self.closed = sign == "]"
        return True

    def value(self) -> Any:
        """The next value. Raises NoJson."""
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
        """More, at least twice as much as there is, so that a long value is not begun again and again."""
        rest = self._text[self._at :]
        if len(rest) > self._longest:
            raise NoJson(f"is longer than {self._longest:,} characters")
        more = self._file.read(max(_READ_CHARACTERS, len(rest)))
        self._text, self._at = rest + more, 0
        return bool(more)


class _Cut(NoJson):
    """A value that may go on where the text ends."""

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
