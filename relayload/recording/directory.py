"""The directory of a recording: where one may begin, and which files are in it."""

import re
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

from relayload.core.errors import AuthorError, Fault
from relayload.recording.snapshots import snapshots_file

RUN, SUMMARY, VERDICT = "run.json", "summary.json", "verdict.json"
_RECORDS = re.compile(r"records-([0-9]{1,6})(?:\.([0-9]{1,6}))?\.jsonl(?:\.gz|\.zst)?")
TAKEN = "already holds a recording: name another directory"


def new_run_dir(name: str) -> Path:
    """Make a directory under `runs/`, named after the profile and the current second.

    Concurrent runs get different directories. Raises AuthorError if none can be made.
    """
    return _made(f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{name}")


def new_part_dir(run_id: str, worker: int) -> Path:
    """Make a directory under `runs/` for the part of a run that one worker records. Raises AuthorError."""
    return _made(f"{run_id}-worker-{worker}")


def _made(name: str) -> Path:
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    for number in count(1):
        directory = Path("runs") / (stem if number == 1 else f"{stem}-{number}")
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise fault_of(directory, f"can't be written to: {error.strerror}") from None
        break
    return directory


def check_vacant(directory: Path) -> None:
    """Raise AuthorError unless a recording can begin in this directory, which need not exist."""
    if directory.exists() and not directory.is_dir():
        raise fault_of(directory, "is not a directory")
    if (directory / RUN).exists() or records_files(directory) or snapshots_file(directory):
        raise fault_of(directory, TAKEN)


def records_files(directory: Path) -> list[Path]:
    """Return the records files of all workers, compressed or not, each worker's parts in the order of writing."""
    found = (path for path in directory.glob("records-*.jsonl*") if _RECORDS.fullmatch(path.name))
    return sorted(found, key=lambda path: (_place(path), path.name))


def worker_of(path: Path) -> int:
    """Return the number of the worker that wrote a records file."""
    return _place(path)[0]


def _place(path: Path) -> tuple[int, int]:
    """Return the numbers of the worker and the part of a records file."""
    found = _RECORDS.fullmatch(path.name)
    assert found is not None, path
    return int(found[1]), int(found[2] or 0)


class RecordsFile(NamedTuple):
    """A records file, by what tells whether it was changed without reading it."""

    name: str
    size_bytes: int
    changed_at_ns: int

    @classmethod
    def of(cls, path: Path) -> "RecordsFile":
        """Raises OSError if there is no such file."""
        found = path.stat()
        return cls(path.name, found.st_size, found.st_mtime_ns)


def fault_of(path: Path, message: str) -> AuthorError:
    """Return the error that this file or directory has a fault."""
    return AuthorError([Fault(message, file=str(path))])
