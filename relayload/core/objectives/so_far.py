"""Judges objectives by what is known of a run that goes on, for display; `abort` decides what ends a run.

Objectives are judged by the counts that decide them. Percentiles are told from the counts of all seconds together, as
the time that each value came from would take too long to look at: their intervals take the values to be as correlated
as those beyond the limit are. In windows, percentiles have no value of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from relayload.core.model.objective_options import NoData, TooFew
from relayload.core.model.verdict import ObjectiveResult
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective, replace_options
from relayload.core.objectives.result import finite
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.objectives.window import Window
from relayload.core.stats.ranks import Ranks, Sorted, repeated, together
from relayload.core.stats.sample import Moments, Sample, percentile


def judge_so_far(objective: Objective, run: MergedSnapshot, now_s: float) -> ObjectiveResult:
    """Return what the gate would say if the run ended at that instant, by the requests that have ended.

    Those in flight don't count, and later requests can change the result. Without data it is INCONCLUSIVE, whatever the
    objective asks for.
    """
    source = _Timeless(run)
    indicators = Indicators(source, structs.replace(run.run, ended_at_s=now_s))
    judged = judge_objective(while_undecided(objective), indicators)
    if objective.quantile is None or source.latest is None or not source.latest.ordered.count:
        return judged
    found = percentile(
        replace(source.latest, effective_n=judged.effective_n), objective.quantile * 100, objective.options.confidence
    )
    return structs.replace(judged, low=finite(found.low), high=finite(found.high))


def while_undecided(objective: Objective) -> Objective:
    """Return the condition for a run so far, which too few requests leave undecided."""
    return replace_options(objective.while_it_grows, on_no_data=NoData.INCONCLUSIVE, on_too_few=TooFew.INCONCLUSIVE)


class _Timeless:
    """A merged snapshot, of whose values the time is left out."""

    def __init__(self, run: MergedSnapshot) -> None:
        self._run = run
        self.latest: _Values | None = None
        """The latest sample of the whole run."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def sample(self, objective: Objective, unanswered_s: Sequence[Sorted], window: Window | None) -> Sample:
        if window is not None:
            return _Values(together([]), 0)
        unanswered = repeated(objective.worst, sum(map(len, unanswered_s)))
        ordered = together([self._run.values(objective).values(), unanswered])
        self.latest = _Values(ordered, ordered.count)
        return self.latest


@dataclass(frozen=True)
class _Values:
    """The values of a metric, whenever they came."""

    ordered: Ranks
    effective_n: int

    @property
    def moments(self) -> Moments:
        return Moments(0, 0.0, 0.0)

    def effective_above(self, threshold: float) -> int:  # noqa: ARG002 -- as every sample takes it
        return self.effective_n
