"""The encodings of files: Excel and Notepad write a byte order mark, and PowerShell's `>` writes UTF-16."""

from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""The byte order marks of UTF-16, with which no UTF-8 begins."""


def is_wide(beginning: bytes) -> bool:
    """Return whether a file that begins with these bytes is in UTF-16."""
    return beginning.startswith(_WIDE)


def encoding_of(beginning: bytes) -> str:
    """Return the encoding of a file that begins with these bytes. It leaves the byte order mark out of the text."""
    return "utf-16" if is_wide(beginning) else "utf-8-sig"


def decoded(content: bytes) -> str:
    """Decode a whole file. Raises UnicodeDecodeError."""
    return content.decode(encoding_of(content))


def open_text(path: Path, newline: str | None = None) -> TextIO:
    """Open a text file for reading. Raises OSError here, and UnicodeDecodeError while it is read."""
    file = path.open("rb")
    return TextIOWrapper(file, encoding=encoding_of(file.peek(2)), newline=newline)
