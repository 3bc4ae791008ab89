"""Several trials at one rate, judged as the one run that they would be if they followed one another.

Each trial has its place on a common clock: its stages, a pause in which what was in flight ends, then the next one's.
So every objective is judged by the gate's evaluator, whatever it counts. Facts, such as counts, are no samples that
more of them make surer: the worst trial's holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from msgspec import structs

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.fold import Fold
from relayload.core.model.record import Drop, Line, Record
from relayload.core.model.run import RunInfo, StageInfo
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.recorded_run import RecordedRun

_SEVERITIES = (Status.FAIL, Status.INCONCLUSIVE, Status.PASS)
_BATCH = 4096


@dataclass(frozen=True)
class Part:
    """One trial of a pool."""

    run: RunInfo
    lines: Sequence[Line]
    results: tuple[ObjectiveResult, ...]
    """Its own results, in the order of the objectives."""
    lost: int = 0
    """Its arrivals without a record."""


def judge_together(objectives: Sequence[Objective], parts: Sequence[Part]) -> tuple[ObjectiveResult, ...]:
    """Judge the trials of a pool together, objective by objective."""
    run, begins_at_s = _joined([part.run for part in parts], [_ends_at_s(part) for part in parts])
    fold = Fold(counts=ObjectiveCounts(objectives, run), cells=Cells.of(run))
    fold.extend(chain.from_iterable(_shifted(part, begin) for part, begin in zip(parts, begins_at_s, strict=True)))
    fold.settle()
    indicators = Indicators(RecordedRun(fold, run), run, sum(part.lost for part in parts))
    return tuple(
        judge_objective(objective, indicators)
        if grows_surer(objective)
        else min((part.results[place] for part in parts), key=lambda result: _SEVERITIES.index(result.verdict))
        for place, objective in enumerate(objectives)
    )


def grows_surer(objective: Objective) -> bool:
    """Return whether more samples can decide an objective: a percentile, a share or a mean."""
    if METRICS[objective.metric].of_audit:
        return False
    return objective.quantile is not None or objective.aggregate in ("rate", "avg")


def _ends_at_s(part: Part) -> float:
    """Return when the last of its requests had ended, and its load, as a whole second."""
    planned_s = sum(stage.for_s or 0.0 for stage in part.run.stages)
    ends_s = (line.intended_at_s + line.latency_s for line in part.lines if isinstance(line, Record))
    return float(int(max(planned_s, max(ends_s, default=0.0))) + 1)


def _joined(runs: Sequence[RunInfo], ends_at_s: Sequence[float]) -> tuple[RunInfo, list[float]]:
    """Return the run that they are together, and when each of them begins in it."""
    stages: list[StageInfo] = []
    begins_at_s, now_s = [], 0.0
    for run, end_s in zip(runs, ends_at_s, strict=True):
        begins_at_s.append(now_s)
        rest_s = end_s - sum(stage.for_s or 0.0 for stage in run.stages)
        stages += [*run.stages, StageInfo(name="drain", for_s=rest_s, pause=True)]
        now_s += end_s
    return structs.replace(runs[0], stages=tuple(stages), ended_at_s=now_s), begins_at_s


def _shifted(part: Part, begins_at_s: float) -> Iterator[Line]:
    """Yield requests and drops with their instants on the common clock."""
    for line in part.lines:
        if isinstance(line, Record | Drop):
            yield structs.replace(line, intended_at_s=line.intended_at_s + begins_at_s)
