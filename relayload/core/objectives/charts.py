"""Everything that the charts of a run show beyond its summary and its verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relayload.core.metrics.chart_data import ChartData, chart_data
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.summary import Summary
from relayload.core.metrics.tasks import RunAll, one_by_one
from relayload.core.model.run import RunInfo
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.objective_series import ObjectiveSeries, objective_series
from relayload.core.objectives.recorded_run import RecordedRun


@dataclass(frozen=True, slots=True)
class Charts:
    """The series of a run, and those of its objectives."""

    data: ChartData
    objectives: Mapping[str, ObjectiveSeries]
    """By id, for each objective that has a meaning within a bin of time."""


def charts_of(
    objectives: Sequence[Objective], fold: Fold, run: RunInfo, summary: Summary, run_all: RunAll = one_by_one
) -> Charts:
    """Return the charts of a fold that counted for these objectives, given the summary of it."""
    data = chart_data(fold, summary, run_all)
    indicators = Indicators(RecordedRun(fold, run), run, summary.counts.lost)
    found = ((objective.id, objective_series(objective, indicators, data.bins)) for objective in objectives)
    return Charts(data, {ident: series for ident, series in found if series is not None})
