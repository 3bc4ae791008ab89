"""Renders a summary and a verdict as OpenMetrics text, for GitLab's metrics report and Prometheus' textfile collector.

Source: the OpenMetrics specification 1.0. Values are in base units; what was not measured is absent.
"""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client import Metric as MetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.metric import Output, Unit
from relayload.core.metrics.summary import Metrics, Summary
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.stats.sample import Distribution
from relayload.report import metric_families as families
from relayload.report.metric_families import Labels, summary_of
from relayload.report.not_run import NotRun

_OF_OBJECTIVES = (Status.PASS, Status.FAIL, Status.INCONCLUSIVE)


def render_openmetrics(summary: Summary, verdict: Verdict) -> str:
    """Render every number that is worth watching from run to run."""
    return _rendered(
        (
            *families.EXIT_CODE.filled([({}, verdict.exit_code)]),
            *objective_families(verdict.objectives),
            *_counts(summary),
            *_rates(summary),
            *families.COST.filled([({}, _usd(summary))]),
            *_distributions(summary),
        )
    )


def render_openmetrics_not_run(not_run: NotRun) -> str:
    """Render the exit code alone, as nothing was measured."""
    return _rendered(families.EXIT_CODE.filled([({}, not_run.exit_code)]))


def objective_families(results: Sequence[ObjectiveResult]) -> Iterator[MetricFamily]:
    """Yield the state, limit, observed value and interval of each objective."""
    yield from families.OBJECTIVE_STATE.filled(
        ({"objective": judged.id, "state": state.name.lower()}, judged.verdict is state)
        for judged in results
        for state in _OF_OBJECTIVES
    )
    named = [(_named(judged), judged) for judged in results]
    yield from families.OBJECTIVE_LIMIT.filled((labels, judged.limit) for labels, judged in named)
    yield from families.OBJECTIVE_OBSERVED.filled((labels, judged.observed) for labels, judged in named)
    yield from families.OBJECTIVE_LOW.filled((labels, judged.low) for labels, judged in named)
    yield from families.OBJECTIVE_HIGH.filled((labels, judged.high) for labels, judged in named)


class _Given(Collector):
    """Families that are there already, as the client library collects them."""

    def __init__(self, found: Iterable[MetricFamily]) -> None:
        self._found = found

    def collect(self) -> Iterable[MetricFamily]:
        return self._found


def _rendered(found: Iterable[MetricFamily]) -> str:
    registry = CollectorRegistry()
    registry.register(_Given(found))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]  # as it is annotated in none
    return text.decode()


def _usd(summary: Summary) -> float | None:
    cost = summary.cost
    return None if cost.usd is None or not cost.by_model else float(cost.usd)


def _counts(summary: Summary) -> Iterator[MetricFamily]:
    counts = summary.counts
    for family in (
        families.OFFERED,
        families.STARTED,
        families.DROPPED,
        families.LOST,
        families.ATTEMPTS,
        families.RETRIES,
    ):
        yield from family.filled([({}, getattr(counts, family.stem))])
    yield from families.REQUESTS.filled(({"outcome": name}, count) for name, count in counts.by_outcome.items())


def _rates(summary: Summary) -> Iterator[MetricFamily]:
    rates = summary.rates
    yield from families.OFFERED_RATE.filled([({}, rates.offered_per_s)])
    yield from families.STARTED_RATE.filled([({}, rates.started_per_s)])
    yield from families.OK_RATE.filled([({}, rates.ok_per_s)])
    yield from families.OUTPUT_TOKENS_RATE.filled([({}, rates.output_tokens_per_s)])


def _distributions(summary: Summary) -> Iterator[MetricFamily]:
    """Yield the families over all ok requests, and over those of each scenario, target, key and free tag."""
    scopes: list[tuple[Labels, Metrics]] = [({}, summary.metrics)]
    scopes += [({"scenario": name}, group.metrics) for name, group in summary.by_scenario.items()]
    scopes += [({"target": name}, group.metrics) for name, group in summary.by_target.items()]
    scopes += [({"key": name}, group.metrics) for name, group in summary.by_key.items()]
    scopes += [
        ({tag: value}, group.metrics) for tag, groups in summary.by_tag.items() for value, group in groups.items()
    ]
    for metric in shown_in(Output.OPENMETRICS):
        yield from summary_of(metric).sampled(
            point for labels, metrics in scopes for point in _quantiles(metrics[metric.name], labels)
        )


def _quantiles(distribution: Distribution | None, labels: Labels) -> Iterator[tuple[str, Labels, float | None]]:
    if distribution is None:
        return
    for percentile in distribution.percentiles:
        yield "", {**labels, "quantile": f"{percentile.p / 100:g}"}, percentile.value
    yield "_count", labels, distribution.count
    yield "_sum", labels, distribution.mean * distribution.count


def _named(result: ObjectiveResult) -> Labels:
    unit = result.unit or Unit.COUNT.name.lower()
    return {"objective": result.id, "unit": unit}
