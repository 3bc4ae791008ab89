"""A recording read once: its counts, from which its summary, verdict and charts come."""

from dataclasses import dataclass

from relayload.core.audit.reference import ReferenceAnswers
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.summarize import summarize
from relayload.core.metrics.summary import Summary
from relayload.core.metrics.tasks import RunAll, one_by_one
from relayload.core.model.run import RunInfo
from relayload.core.model.verdict import Verdict
from relayload.core.objectives.charts import Charts, charts_of
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.verdict import assess
from relayload.recording.directory import RecordsFile
from relayload.recording.lines import Damage


@dataclass(frozen=True, slots=True)
class Folded:
    """A recording read once, for the summary and the verdict."""

    run: RunInfo
    fold: Fold
    damages: tuple[Damage, ...]
    objectives: tuple[Objective, ...] = ()
    run_all: RunAll = one_by_one
    files: tuple[RecordsFile, ...] = ()
    """As they were before they were read."""
    reference: ReferenceAnswers | None = None
    """The recorded answers that the audit compares others with."""

    def summary(self) -> Summary:
        return summarize(self.fold, self.run, self._faults, self._warnings, self.run_all, recorded=self.reference)

    def results(self, *, tables: bool = True, rejudge: bool = False) -> tuple[Summary, Verdict]:
        """Return the summary and the verdict. Without `tables` the summary is an outline, which is cheaper.

        A run that an objective ended early fails, unless `rejudge` is set, which judges only by the records.
        """
        return assess(
            self.objectives,
            self.fold,
            self.run,
            self._faults,
            self._warnings,
            self.run_all,
            tables=tables,
            rejudge=rejudge,
            recorded=self.reference,
        )

    def charts(self, summary: Summary) -> Charts:
        """Return what charts of the run show beyond its summary."""
        return charts_of(self.objectives, self.fold, self.run, summary, self.run_all)

    @property
    def _faults(self) -> list[str]:
        """Lines that are not records make the numbers untrustworthy. Torn ones only show that a worker was killed."""
        return [str(damage) for damage in self.damages if not damage.torn]

    @property
    def _warnings(self) -> list[str]:
        return [str(damage) for damage in self.damages if damage.torn]
