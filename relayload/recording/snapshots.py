"""`snapshots.jsonl`: what the processes of a run told of it, from which everything is computed that is not on record.

The first line says which objectives were counted. Every other one is a part of a snapshot, in the order in which they
were written.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from relayload.core.model.objective_options import ObjectiveSpec
from relayload.core.model.pending_snapshot import with_later
from relayload.core.model.snapshot import Snapshot
from relayload.core.objectives.objective import Objective
from relayload.recording.compression import Compression
from relayload.recording.growing_file import GrowingFile, Storage
from relayload.recording.lines import Damage, Part, read

NAME = "snapshots.jsonl"
_EVERY_S = 5.0
"""How often they are written. What came meanwhile is written as one, which takes a fraction of the room."""
_SLOTS_A_LINE = 1000


class Counted(Struct, frozen=True, kw_only=True, tag_field="line", tag="counted"):
    """The first line."""

    objectives: tuple[str | ObjectiveSpec, ...]
    """Those whose counts the snapshots hold, in the order of their numbers there."""


class Told(Struct, frozen=True, kw_only=True, tag_field="line", tag="told"):
    """What a process told."""

    snapshot: Snapshot


class SnapshotWriter:
    """Writes what the processes of a run tell."""

    def __init__(self, directory: Path, objectives: Sequence[Objective], compression: Compression) -> None:
        """Raises AuthorError if the file can't be made."""
        self._file = GrowingFile(directory / NAME, Storage(compression))
        self._encode = msgspec.json.Encoder().encode
        self._pending: dict[int, Snapshot] = {}
        self._due_at_s = 0.0
        self._write(Counted(objectives=tuple(objective.spec for objective in objectives)))

    def add(self, snapshot: Snapshot, now_s: float) -> None:
        """Write a snapshot, at once or with those of the next seconds. Raises AuthorError if the disk is full."""
        self._pending[snapshot.worker] = with_later(self._pending.get(snapshot.worker), snapshot)
        if now_s >= self._due_at_s:
            self._due_at_s = now_s + _EVERY_S
            self._flush()

    def close(self) -> None:
        """Write everything and close the file. Raises AuthorError if the disk is full."""
        try:
            self._flush()
        finally:
            self._file.close()

    def _flush(self) -> None:
        pending, self._pending = self._pending, {}
        for snapshot in pending.values():
            for part in _parts(snapshot):
                self._write(Told(snapshot=part))
        self._file.flush()
        self._file.check()

    def _write(self, line: Struct) -> None:
        self._file.append(self._encode(line) + b"\n")


def _parts(snapshot: Snapshot) -> Iterator[Snapshot]:
    """Yield a snapshot in parts that make lines of a length that is read again."""
    for at in range(0, max(1, len(snapshot.slots), len(snapshot.indicators)), _SLOTS_A_LINE):
        own = slice(at, at + _SLOTS_A_LINE)
        yield structs.replace(snapshot, slots=snapshot.slots[own], indicators=snapshot.indicators[own])


def snapshots_file(directory: Path) -> Path | None:
    """Return the file of snapshots, compressed or not; None without one."""
    found = (directory / f"{NAME}{compression.value}" for compression in Compression)
    return next((path for path in found if path.is_file()), None)


def read_snapshots(path: Path, damages: list[Damage]) -> Iterator[Counted | Snapshot]:
    """Yield the objectives that were counted, and the snapshots, numbered anew. Raises OSError."""
    numbers: Counter[int] = Counter()
    for lines in read(Part(path, 0, path.stat().st_size), damages, Counted | Told):
        for line in lines:
            if isinstance(line, Counted):
                yield line
                continue
            numbers[line.snapshot.worker] += 1
            yield structs.replace(line.snapshot, number=numbers[line.snapshot.worker])
