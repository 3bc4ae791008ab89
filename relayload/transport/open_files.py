"""How many files this process may open, and how many are open. Every connection is one."""

import errno
import os
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_OPEN = next((folder for folder in (Path("/proc/self/fd"), Path("/dev/fd")) if folder.is_dir()), None)

_RESERVED = 64
"""Files that connections leave free for the rest of the process, which has a recording to finish."""


def raise_limit() -> None:
    """Raise this process's limit on open files to the hard limit."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard and hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def limit() -> int | None:
    """Return the most files that may be open, or None without a limit."""
    if resource is None:
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def count() -> int | None:
    """Return how many files are open now, or None where the system does not report it."""
    return sum(1 for _ in os.scandir(_OPEN)) if _OPEN else None


def check(descriptor: int) -> None:
    """Raise OSError (EMFILE) if this descriptor is among the last, which are reserved. The lowest are given first."""
    most = limit()
    if most is not None and descriptor >= most - min(_RESERVED, most // 4):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
