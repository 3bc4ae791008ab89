"""How the files of people are encoded: Excel and Notepad begin them with a mark, and PowerShell's `>` writes UTF-16."""

from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""The mark of UTF-16. What begins with it is no UTF-8."""


def is_wide(beginning: bytes) -> bool:
    """Whether a file that begins so is in UTF-16."""
    return beginning.startswith(_WIDE)


def encoding_of(beginning: bytes) -> str:
    """That of a file that begins so; the mark is no part of its text."""
    return "utf-16" if is_wide(beginning) else "utf-8-sig"


def decoded(content: bytes) -> str:
    """The text of a whole file. Raises UnicodeDecodeError."""
    return content.decode(encoding_of(content))


def open_text(path: Path, newline: str | None = None) -> TextIO:
    """The text of a file, to be read. Raises OSError, and UnicodeDecodeError while it is read."""
    file = path.open("rb")
    return TextIOWrapper(file, encoding=encoding_of(file.peek(2)), newline=newline)
