"""What can be read of many recordings; the others are reported, since one that is damaged says nothing of the rest."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from relayload.core.errors import AuthorError
from relayload.core.printable import one_line

if TYPE_CHECKING:
    from relayload.recording import Recording

S = TypeVar("S")
T = TypeVar("T")


def places_in(directories: Sequence[Path]) -> list[Path]:
    """Return the directories of the recordings at or inside these, and report those without any.

    Raises AuthorError if none has one.
    """
    from relayload.recording.sets import found_places

    paths, without = found_places(directories)
    if not paths:
        raise AuthorError(without)
    for fault in without:
        report_left_out(Path(fault.file), fault.message)
    return paths


def recordings_in(directories: Sequence[Path]) -> "list[Recording]":
    """Open the recordings at or inside these directories, each run once. Raises AuthorError if none can be read."""
    from relayload.recording import Recording

    opened = readable(places_in(directories), Recording.open, lambda path: path)
    return list({recording.run.identity: recording for recording in reversed(opened)}.values())[::-1]


def readable(places: Iterable[S], read: Callable[[S], T], path_of: Callable[[S], Path]) -> list[T]:
    """Return what could be read and report the rest. Raises AuthorError with every fault if nothing could be read."""
    found: list[T] = []
    failed: list[tuple[Path, AuthorError]] = []
    for place in places:
        try:
            found.append(read(place))
        except AuthorError as error:
            failed.append((path_of(place), error))
    if not found:
        raise AuthorError([fault for _, error in failed for fault in error.faults])
    for path, left in failed:
        report_left_out(path, "; ".join(str(replace(fault, file=Path(fault.file).name)) for fault in left.faults))
    return found


def report_left_out(path: Path, why: str) -> None:
    """Say that a recording is left out, and why."""
    click.echo(one_line(f"{path}: left out: {why}"), err=True)
