"""Finds where a process writes its records."""

from pathlib import Path

from msgspec import structs

from relayload.core.errors import AuthorError
from relayload.engine import host
from relayload.engine.messages import Assignment
from relayload.recording import Recording, new_part_dir


def assigned_recording(assignment: Assignment) -> Recording:
    """Return the recording of the run, or one of this process alone if the run's is not to be seen from here.

    Raises AuthorError if there is none and none can be made.
    """
    if assignment.alone:
        return Recording.open(Path(assignment.run_dir))
    seen = _seen(Path(assignment.run_dir)) if assignment.host_id == host.host_id() else None
    if seen is not None and seen.run.uid == assignment.run.uid:
        return seen
    part = structs.replace(assignment.run, part=assignment.worker)
    return Recording.create(new_part_dir(part.run_id, assignment.worker), part)


def _seen(directory: Path) -> Recording | None:
    try:
        return Recording.open(directory)
    except AuthorError:
        return None
