"""A file that grows line by line: as it is or compressed, and in several parts where it would become too large."""

import os
from dataclasses import dataclass
from pathlib import Path

from relayload.core.errors import AuthorError, Fault
from relayload.recording.compression import Compression, pack

_FRAME_BYTES = 256 << 10
"""What is written at once, compressed: more would shrink a little better, and hold back more."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How the lines of a file are stored."""

    compression: Compression = Compression.NONE
    most_bytes: int | None = None
    """No part of the file is larger, unless a line is."""


PLAIN = Storage()


class GrowingFile:
    """Appends data with one write each, so that a killed process leaves whole lines.

    Compressed data waits for `flush`, and is a frame of its own then, which can be read whatever comes after it.
    """

    def __init__(self, path: Path, storage: Storage = PLAIN, flags: int = 0) -> None:
        """Open the first part, at `path` with the suffix of the compression. Raises AuthorError if it can't be made."""
        self._first, self._storage, self._flags = path.with_name(path.name + storage.compression), storage, flags
        self._number = 0
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._open()

    def append(self, data: bytes) -> None:
        """Append whole lines. Raises AuthorError if the disk is full."""
        if self._storage.compression is Compression.NONE:
            self._write(data)
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= _FRAME_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Raises AuthorError if the disk is full."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if waiting:
            self._write(pack(b"".join(waiting), self._storage.compression))

    def check(self) -> None:
        """Raise AuthorError if the file was removed meanwhile: what is written to it is nowhere."""
        if os.fstat(self._file).st_nlink == 0:
            raise AuthorError([Fault("was removed while it was written", file=str(self._path))])

    def close(self) -> None:
        """Write what waits, and close. Raises AuthorError if the disk is full."""
        try:
            self.flush()
        finally:
            os.close(self._file)

    def _write(self, data: bytes) -> None:
        most_bytes = self._storage.most_bytes
        if most_bytes is not None and self._size and self._size + len(data) > most_bytes:
            os.close(self._file)
            self._number += 1
            self._open()
        append(self._file, data, self._path)
        self._size += len(data)

    def _open(self) -> None:
        self._path = part_of(self._first, self._number)
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | self._flags
            self._file = os.open(self._path, flags, 0o644)
        except OSError as error:
            raise _unwritable(self._path, error) from None
        self._size = os.fstat(self._file).st_size


def part_of(first: Path, number: int) -> Path:
    """Return the path of another part of a file: `records-0.jsonl` is followed by `records-0.1.jsonl`."""
    stem, _, rest = first.name.partition(".")
    return first if not number else first.with_name(f"{stem}.{number}.{rest}")


def append(file: int, data: bytes, path: Path) -> None:
    """Append to an open file, with one write if the disk takes all at once.

    Raises AuthorError if it does not take all of it; then nothing is appended.
    """
    written = 0
    try:
        while written < len(data):
            written += os.write(file, data[written:])
    except OSError as error:
        if written:
            os.ftruncate(file, os.fstat(file).st_size - written)
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> AuthorError:
    return AuthorError([Fault(f"can't be written: {error.strerror}", file=str(path))])
