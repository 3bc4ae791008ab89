"""Merges recordings that belong together: of workers on several hosts, or of hosts that ran side by side.

A directory may hold only records, as a worker on another host leaves them; they belong to the run whose `run.json` lies
in another directory. Directories with a `run.json` each belong to the same run if its master stamped them alike, or, in
recordings of earlier versions, if id and start are equal; then no two may hold different records of one worker. One may
hold fewer, as a master does that was killed before it had all of a worker on another host: the longer file is taken.
Different runs must have run the same profile side by side.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec

from relayload.core.errors import AuthorError, Fault
from relayload.core.metrics.merging import Shift, differences, merged
from relayload.core.model.record import Line
from relayload.core.model.run import RunInfo
from relayload.files import check, opened
from relayload.recording.compression import (
    Compression,
    CutShort,
    TooMuchData,
    check_installed,
    decompressed,
    opened_to_write,
)
from relayload.recording.directory import RUN, VERDICT, check_vacant, records_files, worker_of
from relayload.recording.kept_reference import REFERENCE
from relayload.recording.lines import MOST_LINE_BYTES, NO_RECORD
from relayload.recording.recording import Recording
from relayload.recording.snapshots import snapshots_file

_PIECE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class _Source:
    """One run, with the files of each worker."""

    run: RunInfo
    directory: Path
    files: dict[int, Sequence[Path]]
    """By worker, the parts in order."""


def merge(directories: Sequence[Path], out: Path, compression: Compression = Compression.NONE) -> Recording:
    """Write a recording with the records of all. Raises AuthorError with a fault for each that does not belong."""
    sources = _sources(directories)
    faults = [
        Fault(why, file=str(sources[position].directory))
        for position, why in differences([source.run for source in sources])
    ]
    if faults := faults or list(_unmergeable(sources)):
        raise AuthorError(faults)
    check_vacant(out)
    read = (path for source in sources for paths in source.files.values() for path in paths)
    check_installed([out / f"records-0.jsonl{compression.value}", *read])
    shifts = _shifts(sources)
    workers = sum(max(source.run.workers, len(source.files)) for source in sources)
    recording = Recording.create(out, _whole(sources, shifts, workers))
    try:
        for source, shift in zip(sources, shifts, strict=True):
            for worker, paths in source.files.items():
                _write(paths, out / f"records-{worker + shift.worker}.jsonl{compression.value}", shift)
    except AuthorError:
        for path in (out / RUN, *records_files(out)):
            path.unlink()
        raise
    _keep_snapshots(sources, out)
    _keep_profile(sources, out)
    _keep_reference(sources, out)
    if len(directories) == 1 and (directories[0] / VERDICT).is_file():
        shutil.copyfile(directories[0] / VERDICT, out / VERDICT)  # the records are the same
    return recording


def _sources(directories: Sequence[Path]) -> list[_Source]:
    """Return the distinct runs. Raises AuthorError."""
    faults: list[Fault] = []
    runs: dict[tuple[str, ...], list[Recording]] = {}
    alone = [directory for directory in directories if not (directory / RUN).is_file()]
    for directory in directories:
        if directory not in alone:
            recording = Recording.open(directory)
            runs.setdefault(recording.run.identity, []).append(recording)
        elif not records_files(directory):
            faults.append(Fault("holds no records", file=str(directory)))
        elif len(alone) == len(directories):
            faults.append(Fault(f"has no {RUN}, and neither has any other", file=str(directory)))
    if len(runs) > 1:
        faults += [Fault(f"has no {RUN}, so that its run can't be told", file=str(path)) for path in alone]
    if faults:
        raise AuthorError(faults)
    extra = alone if len(runs) == 1 else []
    return [_source(recordings, [*(one.directory for one in recordings), *extra]) for recordings in runs.values()]


def _source(recordings: Sequence[Recording], directories: Sequence[Path]) -> _Source:
    """Return one run whose records lie in several directories, using the `run.json` that has the run's end."""
    best = max(recordings, key=lambda one: (one.run.ended_by is not None, one.run.part is None))
    files: dict[int, Sequence[Path]] = {}
    faults: list[Fault] = []
    for worker, paths in [found for directory in directories for found in _files(directory)]:
        unreadable = [fault for path in paths if (fault := _unreadable(path)) is not None]
        if unreadable:
            faults += unreadable
            continue
        kept = files.setdefault(worker, paths)
        longer = _longer(kept, paths) if kept != paths else kept
        if longer is None:
            faults.append(Fault(f"holds other records of worker {worker} than {kept[0]}", file=str(paths[0])))
        files[worker] = longer or kept
    if faults:
        raise AuthorError(faults)
    return _Source(best.run, best.directory, files)


def _files(directory: Path) -> Iterator[tuple[int, Sequence[Path]]]:
    """Yield the files of each worker in a directory, its parts in order.

    A worker whose files are stored in two ways comes twice: both should tell the same.
    """
    found: dict[tuple[int, str], list[Path]] = {}
    for path in records_files(directory):
        found.setdefault((worker_of(path), Compression.of(path)), []).append(path)
    return ((worker, paths) for (worker, _), paths in found.items())


def _unreadable(path: Path) -> Fault | None:
    try:
        check(path)
    except OSError as error:
        return Fault(f"can't be read: {error.strerror}", file=str(path))
    return None


def _unmergeable(sources: Sequence[_Source]) -> Iterator[Fault]:
    """Yield a fault for each of several runs whose numbers come from snapshots."""
    for source in sources if len(sources) > 1 else ():
        if source.run.from_snapshots:
            why = f"kept records: {source.run.records}, and snapshots of several runs can't be merged"
            yield Fault(why, file=str(source.directory))


def _longer(one: Sequence[Path], other: Sequence[Path]) -> Sequence[Path] | None:
    """Return the files that hold all of the others and perhaps more, however stored; None if they differ.

    An unreadable file differs from every other.
    """
    ones, others = (filter(None, chain.from_iterable(map(_pieces, paths))) for paths in (one, other))
    left = right = b""
    try:
        while (left := left or next(ones, b"")) and (right := right or next(others, b"")):
            common = min(len(left), len(right))
            if left[:common] != right[:common]:
                return None
            left, right = left[common:], right[common:]
        return one if left else other if right or next(others, b"") else one
    except CutShort:
        return None


def _shifts(sources: Sequence[_Source]) -> list[Shift]:
    """Return shifts so that the numbers of each run continue those of the run before."""
    shifts = [Shift()]
    for source in sources[:-1]:
        workers = max([source.run.workers, *(worker + 1 for worker in source.files)])
        shifts.append(Shift(shifts[-1].worker + workers, shifts[-1].index + _arrivals(source)))
    return shifts


def _whole(sources: Sequence[_Source], shifts: Sequence[Shift], workers: int) -> RunInfo:
    if len(sources) == 1:
        part = sources[0].run.part if len(sources[0].files) == 1 else None
        return msgspec.structs.replace(sources[0].run, workers=workers, part=part)
    return merged([source.run for source in sources], shifts, workers)


def _arrivals(source: _Source) -> int:
    """Return a number above the highest index of a run; a stopped batch may have gaps below."""
    run = source.run
    if run.requests is not None:
        return run.requests
    if run.offered is not None:
        return run.offered // run.copies
    return Recording(source.directory, run).fold(()).fold.all_indices.end


def _write(paths: Sequence[Path], out: Path, shift: Shift) -> None:
    """Copy files into one, compressed according to its name. Unreadable lines are kept, to be reported later."""
    try:
        with opened_to_write(out) as file:
            for path in paths:
                _copy(_pieces(path) if shift == Shift() else _shifted(_pieces(path), shift), file)
    except TooMuchData:
        raise AuthorError([Fault("the compressed file grows to more than a run can leave", file=str(path))]) from None
    except CutShort:
        raise AuthorError([Fault("the compressed file is cut short or damaged", file=str(path))]) from None
    except OSError as error:
        raise AuthorError([Fault(f"can't be copied to {out}: {error.strerror}", file=str(path))]) from None


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield the decompressed content of a file. Raises AuthorError for a line that is too long."""
    last = 0
    for piece in decompressed(path) if Compression.of(path) else _plain(path):
        ended = piece.rfind(b"\n")
        last = last + len(piece) if ended < 0 else len(piece) - ended
        if last > MOST_LINE_BYTES:
            raise AuthorError([Fault(f"holds a line of more than {MOST_LINE_BYTES >> 20} MB", file=str(path))])
        yield piece


def _copy(pieces: Iterable[bytes], file: BinaryIO) -> None:
    for piece in pieces:
        file.write(piece)


def _plain(path: Path) -> Iterator[bytes]:
    with opened(path) as file:
        yield from iter(partial(file.read, _PIECE_BYTES), b"")


def _shifted(pieces: Iterable[bytes], shift: Shift) -> Iterator[bytes]:
    decoder, encoder = msgspec.json.Decoder(Line), msgspec.json.Encoder()
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield b"".join(_renumbered(line, shift, decoder, encoder) + b"\n" for line in lines)
    yield _renumbered(rest, shift, decoder, encoder)


def _renumbered(line: bytes, shift: Shift, decoder: msgspec.json.Decoder[Line], encoder: msgspec.json.Encoder) -> bytes:
    try:
        return encoder.encode(shift(decoder.decode(line)))
    except NO_RECORD:
        return line


def _keep_snapshots(sources: Sequence[_Source], out: Path) -> None:
    """Copy the snapshots, from which the numbers of a run may come."""
    snapshots = snapshots_file(sources[0].directory)
    if snapshots is not None:
        shutil.copyfile(snapshots, out / snapshots.name)


def _keep_reference(sources: Sequence[_Source], out: Path) -> None:
    """Copy the recorded answers that the audit compares others with: the profile and so the reference are the same."""
    found = next((file for source in sources if (file := source.directory / REFERENCE).is_file()), None)
    if found is not None:
        shutil.copyfile(found, out / REFERENCE)


def _keep_profile(sources: Sequence[_Source], out: Path) -> None:
    """Copy the effective profile, if it lies beside the records."""
    for source in sources:
        name = source.run.profile.file
        if name and Path(name).name == name and (source.directory / name).is_file():
            shutil.copyfile(source.directory / name, out / name)
            return
