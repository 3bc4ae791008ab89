"""The fold of a run that is over and of which only the snapshots tell everything."""

from collections.abc import Iterable, Mapping

from relayload.core.metrics.fold import Counts
from relayload.core.metrics.fold_so_far import FoldSoFar
from relayload.core.metrics.rows import grouped
from relayload.core.metrics.told import Told
from relayload.core.model.audited import Audited
from relayload.core.model.record import Line
from relayload.core.model.run import RunInfo


class FoldOfSnapshots(FoldSoFar):
    """A fold of what ended. Its counts are exact; what began and never ended is lost."""

    __slots__ = ("_drained", "kept")

    so_far = False

    def __init__(self, told: Mapping[int, Told], run: RunInfo, counts: Counts | None = None) -> None:
        self._drained = {info.worker for info in run.worker_reports if info.drained}
        self.kept = 0
        """The single requests that are on record, of which no number is made."""
        super().__init__(told, run, counts)

    def keep(self, lines: Iterable[Line]) -> None:
        """Take note of single requests that are on record, to show the slowest of them, and of audited answers."""
        for _, rows in grouped(lines, self._keep_audited):
            self.slowest.add(rows)
            self.kept += len(rows)

    def _keep_audited(self, line: object) -> None:
        if isinstance(line, Audited):
            self.audited.append(line)

    def _add_open(self, told: Told) -> None:
        """Take the last line of a process that ended in order."""
        self.last_at_s = max(self.last_at_s, self.last_end_s, self.last_due_at_s)
        if told.health is not None and told.health.worker in self._drained:
            self._add_end(told.health)
