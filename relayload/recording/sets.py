"""Sets of recordings: one alone, or a directory of several, as `relayload run --repeat` makes them."""

import re
from collections.abc import Sequence
from pathlib import Path

from relayload.core.errors import AuthorError, Fault
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Status, Verdict
from relayload.core.objectives.verdict import cut_short
from relayload.recording.recording import RUN, Recording


def recordings(directories: Sequence[Path]) -> list[Recording]:
    """The recordings of directories that are one, or hold some. Raises AuthorError with a fault for each other."""
    return [Recording.open(path) for path in places(directories)]


def places(directories: Sequence[Path]) -> list[Path]:
    """Where those recordings are, as yet unread. Raises AuthorError with a fault for each directory without any."""
    found, faults = found_places(directories)
    if faults:
        raise AuthorError(faults)
    return found


def found_places(directories: Sequence[Path]) -> tuple[list[Path], list[Fault]]:
    """Where those recordings are, and a fault for each directory without any: runs that never began leave one."""
    found = [(directory, _within(directory)) for directory in directories]
    faults = [
        Fault("is neither a recording nor a directory of recordings", file=str(directory))
        for directory, paths in found
        if not paths
    ]
    return [path for _, paths in found for path in paths], faults


def holds_recordings(directory: Path) -> bool:
    """Whether it is a directory of recordings, and none itself."""
    return _within(directory) not in ([], [directory])


def results(recording: Recording) -> tuple[Summary, Verdict]:
    """As they were written, or from the records."""
    verdict = recording.verdict()
    if verdict is not None:
        return recording.summary(), verdict
    return recording.fold().results()


def unfit(recording: Recording, verdict: Verdict) -> str | None:
    """Why a run is not one to be compared: its numbers can't be believed, or it was cut short. None if it is."""
    if verdict.verdict in (Status.INVALID, Status.STOPPED):
        return f"{verdict.verdict}: {'; '.join(verdict.reasons)}"
    return "; ".join(cut_short(recording.run)) or None


def _within(directory: Path) -> list[Path]:
    if (directory / RUN).is_file():
        return [directory]
    if not directory.is_dir():
        return []
    return sorted((path.parent for path in directory.glob(f"*/{RUN}")), key=_in_order)


def _in_order(path: Path) -> list[tuple[int, str]]:
    """run-2 before run-10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.name)]
