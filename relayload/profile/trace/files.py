"""The lines of a trace file, also of one packed by gzip, and the faults that stand in them."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from relayload import files
from relayload.core.errors import AuthorError, Fault
from relayload.document.encoding import is_wide


@contextmanager
def opened(path: Path, offset: int = 0) -> Iterator[TextIO]:
    """The text of a file, from an offset on if it is not packed. AuthorError where it can't be read to its end."""
    try:
        if is_wide(_beginning(path)):
            raise fault(path, "is in UTF-16, as PowerShell's > writes it: save it as UTF-8", 1, 1)
        with _open(path, offset) as lines:
            yield lines
    except OSError as error:
        raise fault(path, f"cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise fault(path, f"cannot be unpacked: {error}") from error


def fault(path: Path, message: str, line: int = 0, column: int = 0, *, name: str = "") -> AuthorError:
    """What is wrong in a file, where, and in the column of which name."""
    return AuthorError([Fault(message, name, str(path), line, column)])


def packed(path: Path) -> bool:
    """Whether gzip has packed it, as its name says."""
    return path.suffix == ".gz"


def _beginning(path: Path) -> bytes:
    with gzip.open(path) if packed(path) else path.open("rb") as file:
        return file.read(2)


def _open(path: Path, offset: int) -> TextIO:
    """Bytes that are no text become characters that no value has; a mark at the beginning is no part of the text."""
    if packed(path):
        files.check(path)
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    file = files.opened(path)
    file.seek(offset)
    return TextIOWrapper(file, encoding="utf-8" if offset else "utf-8-sig", errors="replace", newline="")
