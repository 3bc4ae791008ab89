"""Sets of recordings: a single one, or a directory of several, as `relayload run --repeat` makes them."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from relayload.core.comparison.repeats import RunLine, run_line
from relayload.core.errors import AuthorError, Fault
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Status, Verdict
from relayload.core.objectives.verdict import cut_short
from relayload.recording.directory import RUN
from relayload.recording.folded import Folded
from relayload.recording.recording import Recording


def recordings(directories: Sequence[Path]) -> list[Recording]:
    """Open the recordings at or inside these directories. Raises AuthorError with a fault for each without any."""
    return [Recording.open(path) for path in places(directories)]


def places(directories: Sequence[Path]) -> list[Path]:
    """Return the directories of those recordings, unread. Raises AuthorError with a fault for each without any."""
    found, faults = found_places(directories)
    if faults:
        raise AuthorError(faults)
    return found


def found_places(directories: Sequence[Path]) -> tuple[list[Path], list[Fault]]:
    """Return the directories of those recordings, and a fault for each without any, as of a run that never began."""
    found = [(directory, _within(directory)) for directory in directories]
    faults = [
        Fault("is neither a recording nor a directory of recordings", file=str(directory))
        for directory, paths in found
        if not paths
    ]
    return [path for _, paths in found for path in paths], faults


def holds_recordings(directory: Path) -> bool:
    """Return whether it is a directory of recordings, not a recording itself."""
    return _within(directory) not in ([], [directory])


def is_recording(directory: Path) -> bool:
    """Return whether it is a recording itself."""
    return (directory / RUN).is_file()


def results(recording: Recording, folded: Folded | None = None) -> tuple[Summary, Verdict]:
    """Return summary and verdict as written, or else computed from the records, also if either is of an old version.

    `folded` are the records, for callers that have folded them already.

    Raises AuthorError if they can't be read, or are of an earlier version and the records are gone.
    """
    verdict = recording.verdict()
    if recording.has_old_summary or recording.has_old_verdict:
        recording.check_records()
    elif verdict is not None:
        return recording.summary(folded), verdict
    return (recording.fold() if folded is None else folded).results()


def unfit(recording: Recording, verdict: Verdict) -> str | None:
    """Return why a run can't be compared: its numbers are invalid, or it was cut short. None if it can."""
    if verdict.verdict in (Status.INVALID, Status.STOPPED):
        return f"{verdict.verdict}: {'; '.join(verdict.reasons)}"
    return "; ".join(cut_short(recording.run)) or None


def oldest_first(recordings: Iterable[Recording]) -> list[Recording]:
    """Return the recordings by when they began; an instant without a time zone is taken for UTC."""
    return sorted(recordings, key=lambda recording: _began(recording.run.started_at))


def run_line_of(recording: Recording) -> RunLine:
    """Return what a table of several runs shows of one."""
    summary, verdict = results(recording)
    return run_line(str(recording.directory), summary, verdict, unfit(recording, verdict))


def _began(started_at: str) -> datetime:
    began = datetime.fromisoformat(started_at)
    return began if began.tzinfo else began.replace(tzinfo=UTC)


def _within(directory: Path) -> list[Path]:
    if is_recording(directory):
        return [directory]
    if not directory.is_dir():
        return []
    return sorted((path.parent for path in directory.glob(f"*/{RUN}")), key=_in_order)


def _in_order(path: Path) -> list[tuple[int, str]]:
    """Sort numbers in names numerically: run-2 before run-10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.name)]
