"""`progress.json` in a run's directory, rewritten twice a second for live views."""

import os
from pathlib import Path

import msgspec

from relayload.core.model.progress import Progress

_NAME = "progress.json"


def write(run_dir: Path, progress: Progress) -> None:
    """Replace the file atomically, so that no reader sees half of it."""
    draft = run_dir / f".{_NAME}.{os.getpid()}"
    draft.write_bytes(msgspec.json.encode(progress))
    draft.replace(run_dir / _NAME)


def read(run_dir: Path) -> Progress | None:
    """Return what was last written, or None if there is nothing yet."""
    try:
        return msgspec.json.decode((run_dir / _NAME).read_bytes(), type=Progress)
    except FileNotFoundError:
        return None


def remove(run_dir: Path) -> None:
    """Remove the file at the end of the run, when the summary replaces it."""
    (run_dir / _NAME).unlink(missing_ok=True)
