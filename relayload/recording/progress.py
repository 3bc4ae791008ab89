"""`progress.json` in a run's directory, rewritten twice a second for live views."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from relayload.core.errors import AuthorError, Fault
from relayload.core.model.progress import Progress

_NAME = "progress.json"


def write(run_dir: Path, progress: Progress) -> None:
    """Replace the file atomically, so that no reader sees half of it. Raises AuthorError."""
    draft = run_dir / f".{_NAME}.{os.getpid()}"
    try:
        draft.write_bytes(msgspec.json.encode(progress))
        draft.replace(run_dir / _NAME)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        gone = "was removed while the run went on"
        why = f"can't be written to: {error.strerror}" if run_dir.is_dir() else gone
        raise AuthorError([Fault(why, file=str(run_dir))]) from None


def read(run_dir: Path) -> Progress | None:
    """Return what was last written, or None if there is nothing yet, or nothing that can be read."""
    try:
        return msgspec.json.decode((run_dir / _NAME).read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def remove(run_dir: Path) -> None:
    """Remove the file at the end of the run, when the summary replaces it."""
    with suppress(OSError):
        (run_dir / _NAME).unlink()
