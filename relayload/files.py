"""Reads files named by users or in recordings, only regular files up to a size limit, and replaces files whole.

A name in a recording or a profile may lead to a pipe, which would block the reader, or to an endless device.
"""

import errno
import os
import stat
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

_AT_ONCE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Flags that open even a pipe without a writer, which is then refused."""


def opened(path: str | Path) -> BinaryIO:
    """Open a regular file for reading. Raises OSError for anything else."""
    file = os.open(path, _AT_ONCE)
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(file, "rb")
    os.close(file)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def content(path: str | Path, most_bytes: int, *, pipe: bool = False) -> bytes:
    """Read a whole regular file. Raises OSError for anything else, and for more than `most_bytes`.

    `pipe` also accepts a pipe, as shells create for process substitution, for names given by the user.
    """
    with Path(path).open("rb") if pipe else opened(path) as file:
        found = file.read(most_bytes + 1)
    _check_size(len(found), most_bytes)
    return found


def check(path: str | Path, most_bytes: int | None = None) -> None:
    """Raise OSError unless the path is a regular file of at most `most_bytes` bytes."""
    with opened(path) as file:
        if most_bytes is not None:
            _check_size(os.fstat(file.fileno()).st_size, most_bytes)


def replace(path: Path, data: bytes) -> None:
    """Write a file atomically, first under another name in the same directory. Raises OSError."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        draft = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            draft.chmod(0o644)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


def _check_size(count: int, most_bytes: int) -> None:
    """Raise OSError for more than `most_bytes` bytes."""
    if count > most_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {_size_text(most_bytes)}")


def _size_text(count: int) -> str:
    """Format a size: `4 MB`, `64 kB`."""
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count >> 10} kB"
