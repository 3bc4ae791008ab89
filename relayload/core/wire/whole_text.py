"""Text whose characters may be cut: in halves of a surrogate pair, or in bytes, with a part in each event.

A half is a lone surrogate: of UTF-16 (`\\ud83d`), or one that stands for a byte of UTF-8 (PEP 383: U+DC80 to U+DCFF).
Both kinds share a range. What came before tells them apart: after the first half of a pair comes its second.
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
"""As many letters are searched for secrets before a name is cut for the records."""


class WholeText:
    """Joins pieces of text so that every character is whole. What stays invalid becomes U+FFFD, and is counted."""

    __slots__ = ("replaced", "unfinished")

    def __init__(self) -> None:
        self.unfinished = ""
        """The beginning of a character whose rest is still to come."""
        self.replaced = 0
        """How many characters could not be made whole."""

    def add(self, text: str) -> str:
        """The characters that this piece completes."""
        if not self.unfinished and is_whole(text):
            return text
        text, self.unfinished = self.unfinished + text, ""
        if begun := _BEGUN.search(text):
            text, self.unfinished = text[: begun.start()], begun[0]
        return self._mended(text)

    def end(self) -> str:
        """What is left: nothing, or U+FFFD for a character that was never completed."""
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
    """Whether there is no half of a character in it."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole(text: str) -> str:
    """A text of its own, with U+FFFD for what is no character."""
    if is_whole(text):
        return text
    made = WholeText()
    return made.add(text) + made.end()


def whole_name(text: str) -> str:
    """A name, whole as a text is, and not endless: longer ones are cut long before anybody would read on."""
    return whole(text[:LONGEST_NAME])
