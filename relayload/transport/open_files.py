"""How many files this process may open, and how many it has: every connection is one."""

import errno
import os
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_OPEN = next((folder for folder in (Path("/proc/self/fd"), Path("/dev/fd")) if folder.is_dir()), None)

_RESERVED = 64
"""Files that connections leave to the rest of the process, which has a recording to finish."""


def raise_limit() -> None:
    """Allow this process as many open files as it may allow itself."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard and hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def limit() -> int | None:
    """The most open files; None without a limit."""
    if resource is None:
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def count() -> int | None:
    """The files open now; None where the system does not tell."""
    return sum(1 for _ in os.scandir(_OPEN)) if _OPEN else None


def check(descriptor: int) -> None:
    """Raise OSError (EMFILE) if this descriptor of a connection is among the last; the lowest are given first."""
    most = limit()
    if most is not None and descriptor >= most - min(_RESERVED, most // 4):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
