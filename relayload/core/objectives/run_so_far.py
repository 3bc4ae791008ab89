"""A run that goes on, as the values that its reports will be made of: so everything that shows a run can show this.

Counts and values are of what has ended; what is in flight stands in the progress. What only the end tells is absent,
for the reason `NOT_YET`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from msgspec import structs

from relayload.core.metrics.fold_so_far import FoldSoFar
from relayload.core.metrics.summarize import summarize
from relayload.core.metrics.summary import Summary
from relayload.core.model.progress import Progress
from relayload.core.model.run import RunInfo
from relayload.core.model.verdict import ObjectiveResult, Verdict
from relayload.core.objectives.charts import Charts, charts_of
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.resilience.guard import Caps

NOT_YET = "known once the run has ended"
"""Why something is not there."""


@dataclass(frozen=True, kw_only=True)
class RunSoFar:
    """What is known of a run at one instant. Its larger parts are made when they are asked for, and once."""

    merged: MergedSnapshot
    progress: Progress
    objectives: Sequence[ObjectiveResult]
    """The results so far, or those of the verdict."""
    version: str = ""
    caps: Caps = field(default_factory=Caps)
    summary: Summary | None = None
    """With `verdict`, None until the run is judged."""
    verdict: Verdict | None = None

    @cached_property
    def info(self) -> RunInfo:
        """The facts of the run if it ended now."""
        run = structs.replace(self.merged.run, changes=self.progress.changes)
        return info_so_far(run, self.progress.elapsed_s)

    @cached_property
    def fold(self) -> FoldSoFar:
        return FoldSoFar(self.merged.told, self.info, self.merged.counts)

    @cached_property
    def summary_so_far(self) -> Summary:
        """The summary of what has ended."""
        return summarize(self.fold, self.info)

    def charts_so_far(self, objectives: Sequence[Objective]) -> Charts:
        """Return the charts of what has ended; the objectives are those of the merged snapshot."""
        return charts_of(objectives, self.fold, self.info, self.summary_so_far)


def info_so_far(run: RunInfo, now_s: float) -> RunInfo:
    """Return the facts of a run as if its load ended at that instant."""
    return structs.replace(run, ended_at_s=now_s)
