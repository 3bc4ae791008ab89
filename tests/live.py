"""A run that goes on, as a test tells of it: lines in, what the master knows out."""

from collections.abc import Iterable, Sequence

import msgspec

from relayload.core.model.record import Line
from relayload.core.model.run import RunInfo
from relayload.core.model.snapshot import Snapshot
from relayload.core.objectives.abort import AbortMonitor, Breach
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.snapshots import MergedSnapshot, SnapshotMaker


class LiveRun:
    """One process that sends snapshots, and a master that may end the run."""

    def __init__(self, objectives: Sequence[Objective], run: RunInfo) -> None:
        self.so_far = MergedSnapshot(objectives, run)
        self._maker = SnapshotMaker(0, objectives, run)
        self._monitor = AbortMonitor(objectives)

    def add(self, lines: Iterable[Line]) -> None:
        self._maker.add(lines)
        self.so_far.replace(sent(self._maker.snapshot(0.0)))

    def breach(self, now_s: float, in_flight: int = 0) -> Breach | None:
        return self._monitor.breach(self.so_far, now_s, in_flight)


def sent(snapshot: Snapshot) -> Snapshot:
    """The snapshot as it comes out at the other end of a wire."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=Snapshot)
