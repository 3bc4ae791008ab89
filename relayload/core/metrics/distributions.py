"""The distributions of every metric for many selections of requests, each computed once."""

from collections.abc import Iterable, Sequence
from functools import partial

from msgspec import structs

from relayload.core.metrics.catalog import METRICS, PER_CHUNK, shown_in
from relayload.core.metrics.chunk_gaps import GapSample
from relayload.core.metrics.metric import Metric, Output, Per, Unit
from relayload.core.metrics.selection import Selection, Series
from relayload.core.metrics.summary import Metrics
from relayload.core.metrics.tasks import Task
from relayload.core.model.tags import Tags
from relayload.core.stats.sample import Distribution, describe

_PER_REQUEST = [metric.name for metric in shown_in(Output.SUMMARY) if metric.per is Per.REQUEST]

Column = list[Distribution | None]
"""One metric of several selections."""


class MetricsOf:
    """The metrics of each selection. They are computed metric by metric: each sorts the same requests."""

    def __init__(self, selections: Iterable[Selection]) -> None:
        self._distinct = {frozenset(selection.by_tags): selection for selection in selections}
        self._metrics: dict[frozenset[Tags], Metrics] = {}

    def tasks(self) -> list[Task[Column]]:
        """Return the work, whose results `fill` takes."""
        selections = list(self._distinct.values())
        return [Task(partial(_distributions, selections, metric), about=metric) for metric in _PER_REQUEST]

    def nothing(self) -> list[Column]:
        """Return the results of the work as if nothing had been measured."""
        return [[None] * len(self._distinct) for _ in _PER_REQUEST]

    def fill(self, columns: Sequence[Column]) -> None:
        gaps = [_gaps(selection) for selection in self._distinct.values()]
        rows = zip(*columns, gaps, strict=True)
        for key, row in zip(self._distinct, rows, strict=True):
            self._metrics[key] = Metrics(**dict(zip((*_PER_REQUEST, *PER_CHUNK), row, strict=True)))

    def __getitem__(self, selection: Selection) -> Metrics:
        return self._metrics[frozenset(selection.by_tags)]


def _distributions(selections: Sequence[Selection], metric: str) -> Column:
    if metric == "throttled":  # most runs have no quota
        selections = [selection if _waited(selection) else Selection({}) for selection in selections]
    return [_distribution(Series(selection, metric), METRICS[metric]) for selection in selections]


def _distribution(series: Series, metric: Metric) -> Distribution | None:
    found = describe(series, metric.unit.value)
    if found is None or not metric.of_first_token:
        return found
    percentiles = tuple(
        structs.replace(each, too_late=each.value - series.least.quantile(each.p / 100)) for each in found.percentiles
    )
    return structs.replace(found, percentiles=percentiles)


def _waited(selection: Selection) -> bool:
    return any(tagged.values.waits[0] for tagged in selection.by_tags.values())


def _gaps(selection: Selection) -> Distribution | None:
    return describe(GapSample(selection.gaps()), Unit.SECONDS.value)
