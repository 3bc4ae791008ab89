"""The answers of a reference that were recorded earlier: a run keeps a copy, by which it can be judged at any time."""

from pathlib import Path

import msgspec

from relayload import files
from relayload.core.audit.reference import ReferenceAnswers
from relayload.core.errors import AuthorError, Fault
from relayload.core.printable import one_line

REFERENCE = "reference.json"
_MOST_BYTES = 64 << 20


def keep_reference(directory: Path, file: Path) -> None:
    """Copy what `relayload audit --record` wrote into a recording. Raises AuthorError if it is no such file."""
    (directory / REFERENCE).write_bytes(msgspec.json.encode(read_reference(file)) + b"\n")


def kept_reference(directory: Path) -> ReferenceAnswers | None:
    """Return the copy in a recording; None if there is none. Raises AuthorError if it can't be read."""
    file = directory / REFERENCE
    return read_reference(file) if file.is_file() else None


def read_reference(file: Path) -> ReferenceAnswers:
    """Return the recorded answers of a reference. Raises AuthorError."""
    try:
        return msgspec.json.decode(files.content(file, _MOST_BYTES), type=ReferenceAnswers)
    except OSError as error:
        raise AuthorError([Fault(f"can't be read: {error.strerror}", file=str(file))]) from None
    except ValueError as error:  # as msgspec's DecodeError is
        message = f"is not what relayload audit --record writes: {one_line(str(error), 200)}"
        raise AuthorError([Fault(message, file=str(file))]) from None
