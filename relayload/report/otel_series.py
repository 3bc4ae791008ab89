"""Metrics of a run for OpenTelemetry: those that Prometheus gets, with exponential histograms, and those of GenAI."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import Metric as MetricFamily

from relayload.core.model.metric_points import Attributes, ExponentialPoint, NumberPoint, Series
from relayload.core.objectives.run_so_far import RunSoFar
from relayload.core.stats.histogram import middle_s
from relayload.core.stats.rebinned import exponential, total_s
from relayload.report.gen_ai import Conventions, gen_ai_series
from relayload.report.live_metrics import Key, Placed, counts_of, ended_of, numbers, placed_of
from relayload.report.metric_families import HISTOGRAMS, NUMBERS, OVERFLOW, Family, Kind

OTEL_OVERFLOW = "otel.metric.overflow"
_BY_NAME: Mapping[str, Family] = {family.name: family for family in NUMBERS}


def otel_series(run: RunSoFar, conventions: Conventions) -> Iterator[Series]:
    """Yield every metric that has a value, one at a time, so that the caller can do other work in between."""
    placed = placed_of(run)
    for family, points in number_points(run, placed):
        yield Series(
            name=family.otel_name,
            unit=family.unit,
            help=family.help,
            kind="counter" if family.kind is Kind.COUNTER else "gauge",
            numbers=tuple(points),
        )
    ended = ended_of(placed)
    for metric, family in HISTOGRAMS.items():
        if found := tuple(_exponential_points(metric, ended)):
            yield Series(name=family.otel_name, unit=family.unit, help=family.help, kind="histogram", exponential=found)
    yield from gen_ai_series(ended, conventions)


def number_points(run: RunSoFar, placed: Sequence[Placed]) -> Iterator[tuple[Family, list[NumberPoint]]]:
    """Yield the families that are no distributions, each with its points."""
    for found in numbers(run, placed):
        yield (
            _family(found),
            [NumberPoint(_attributes(one.labels.items()), _number(one.value)) for one in found.samples],
        )


def _family(found: MetricFamily) -> Family:
    return _BY_NAME[found.samples[0].name]


def _attributes(labels: Iterable[tuple[str, str]]) -> Attributes:
    return {OTEL_OVERFLOW if name == OVERFLOW else name: name == OVERFLOW or value for name, value in labels}


def _exponential_points(metric: str, ended: Iterable[Placed]) -> Iterator[ExponentialPoint]:
    for key, counts in counts_of((each.by_outcome, each.counts.histograms.get(metric)) for each in ended):
        yield _exponential_point(key, counts)


def _exponential_point(key: Key, counts: Mapping[int, int]) -> ExponentialPoint:
    buckets = exponential(counts)
    used = [index for index, count in counts.items() if count]
    return ExponentialPoint(
        attributes=_attributes(key),
        count=sum(counts.values()),
        sum=total_s(counts),
        low=middle_s(min(used, default=0)),
        high=middle_s(max(used, default=0)),
        scale=buckets.scale,
        zero=buckets.zero,
        offset=buckets.offset,
        counts=tuple(buckets.counts),
    )


def _number(value: float) -> int | float:
    """Return a whole number as such, so that it travels exactly."""
    return int(value) if value.is_integer() else value
