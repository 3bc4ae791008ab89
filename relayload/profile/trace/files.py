"""The lines of a trace file, which gzip may have compressed, and the faults in them."""

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
    """Open the text of a file, from an offset on if it is not compressed. Raises AuthorError, also while it is read."""
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
    """Return an error with one fault in a file, in the column of that name."""
    return AuthorError([Fault(message, name, str(path), line, column)])


def packed(path: Path) -> bool:
    """Return whether gzip has compressed the file, by its name."""
    return path.suffix == ".gz"


def _beginning(path: Path) -> bytes:
    with gzip.open(path) if packed(path) else path.open("rb") as file:
        return file.read(2)


def _open(path: Path, offset: int) -> TextIO:
    """Open the file. Undecodable bytes become characters that no value has; a byte order mark is skipped."""
    if packed(path):
        files.check(path)
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    file = files.opened(path)
    file.seek(offset)
    return TextIOWrapper(file, encoding="utf-8" if offset else "utf-8-sig", errors="replace", newline="")
