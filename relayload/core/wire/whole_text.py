"""Joins characters that were split between events: halves of a surrogate pair, or bytes of UTF-8.

A part is a lone surrogate: half of a UTF-16 pair (`\\ud83d`), or a byte of UTF-8 (PEP 383: U+DC80 to U+DCFF). The two
ranges overlap; the context decides: after the first half of a pair comes its second.
"""

import re

REPLACEMENT = "\ufffd"
_PAIR = "[\ud800-\udbff][\udc00-\udfff]"
_BYTES = "[\udc80-\udcff]+"
_BROKEN = re.compile(f"({_PAIR})|({_BYTES})|[\ud800-\udfff]")
_BEGUN = re.compile(
    "(?:[\ud800-\udbff]|(?<![\ud800-\udbff])"
    "(?:[\udcc2-\udcdf]|[\udce0-\udcef][\udc80-\udcbf]?|[\udcf0-\udcf4][\udc80-\udcbf]{0,2}))\\Z"
)
"""The beginning of a character at the end of a text."""
LONGEST_NAME = 65_536
"""How many characters of a name are kept, to be searched for secrets before it is cut for the records."""


class WholeText:
    """Joins pieces of text so that every character is whole. Invalid ones become U+FFFD and are counted."""

    __slots__ = ("replaced", "unfinished")

    def __init__(self) -> None:
        self.unfinished = ""
        """The beginning of a character whose rest is still to come."""
        self.replaced = 0
        """The number of characters that could not be completed."""

    def add(self, text: str) -> str:
        """Return the characters that this piece completes."""
        if not self.unfinished and is_whole(text):
            return text
        text, self.unfinished = self.unfinished + text, ""
        if begun := _BEGUN.search(text):
            text, self.unfinished = text[: begun.start()], begun[0]
        return self._mended(text)

    def end(self) -> str:
        """Return U+FFFD if a character was never completed, else an empty text."""
        rest, self.unfinished = self.unfinished, ""
        return self._mended(rest) if rest else ""

    def _mended(self, text: str) -> str:
        return _BROKEN.sub(self._mend, text)

    def _mend(self, broken: re.Match[str]) -> str:
        pair, escaped = broken[1], broken[2]
        if pair:
            return pair.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        mended = escaped.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if escaped else REPLACEMENT
        self.replaced += mended.count(REPLACEMENT)
        return mended


def is_whole(text: str) -> bool:
    """Return whether the text contains no half characters."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole(text: str) -> str:
    """Return a text that is not joined to others, with U+FFFD for invalid characters."""
    if is_whole(text):
        return text
    made = WholeText()
    return made.add(text) + made.end()


def whole_name(text: str) -> str:
    """Return a name like `whole`, cut to LONGEST_NAME characters."""
    return whole(text[:LONGEST_NAME])
