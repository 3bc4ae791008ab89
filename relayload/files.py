"""Files that somebody named: regular ones alone are read, and no more of them than there should be.

A pipe would hang whoever opens it, a device may have no end, and what a recording or a profile names may be either.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_AT_ONCE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""A pipe that nobody writes to is opened, too, and then refused."""


def opened(path: str | Path) -> BinaryIO:
    """A regular file, to be read. Raises OSError for everything else."""
    file = os.open(path, _AT_ONCE)
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(file, "rb")
    os.close(file)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def content(path: str | Path, most_bytes: int, *, pipe: bool = False) -> bytes:
    """All that a regular file holds. Raises OSError for everything else, and for a file that holds more.

    What a person has just named may be a `pipe` as well, as a shell makes them.
    """
    with Path(path).open("rb") if pipe else opened(path) as file:
        found = file.read(most_bytes + 1)
    _check_size(len(found), most_bytes)
    return found


def check(path: str | Path, most_bytes: int | None = None) -> None:
    """Raises OSError unless that is a regular file, of so many bytes at most, which others are going to open."""
    with opened(path) as file:
        if most_bytes is not None:
            _check_size(os.fstat(file.fileno()).st_size, most_bytes)


def _check_size(count: int, most_bytes: int) -> None:
    """Raises OSError for more bytes than there may be."""
    if count > most_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {_told(most_bytes)}")


def _told(count: int) -> str:
    """`4 MB`, `64 kB`."""
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count >> 10} kB"
