"""Room that a run keeps on its disk until it ends, so that its end can be recorded even when the disk is full."""

import os
from contextlib import suppress
from pathlib import Path

_NAME = ".reserve"
_BYTES = 64 << 10
"""Room for run.json, summary.json and verdict.json, and for the last lines of a log."""


def reserve(run_dir: Path) -> None:
    """Take the room. Raises OSError, and takes none, if it is not there."""
    try:
        (run_dir / _NAME).write_bytes(os.urandom(_BYTES))  # which no file system can store in less
    except OSError:
        release(run_dir)
        raise


def release(run_dir: Path) -> None:
    """Give the room back; without any this does nothing."""
    with suppress(OSError):
        (run_dir / _NAME).unlink()
