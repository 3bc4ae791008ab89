"""What OpenTelemetry gets is what Prometheus gets, under the other spelling."""

from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client import Metric as MetricFamily

from relayload.core.model.metric_points import Series
from relayload.core.model.semconv import Semconv
from relayload.report.gen_ai import Conventions
from relayload.report.live_metrics import MOST_PLACES, live_metrics
from relayload.report.metric_families import HISTOGRAMS, NUMBERS
from relayload.report.otel_series import OTEL_OVERFLOW, otel_series

_NONE = Conventions(Semconv.NONE, "openai", {}, {})
_OBJECTIVES = ["latency.p50 < 1s", "errors.rate < 0.1%", "ttft.p99 < 1s", "ttft.p99{model=o9} < 1s"]


def _series(run) -> dict[str, Series]:
    found = [*otel_series(run, _NONE)]
    assert len({one.name for one in found}) == len(found), "a metric may be told once"
    return {one.name: one for one in found}


def _points(one: Series) -> Mapping[frozenset[tuple[str, object]], float]:
    return {frozenset(point.attributes.items()): point.value for point in one.numbers}


def _scraped(family: MetricFamily) -> Mapping[frozenset[tuple[str, str]], float]:
    return {frozenset(sample.labels.items()): sample.value for sample in family.samples}


def test_numbers_and_attributes_are_those_of_prometheus(so_far, some_lines, drop_line):
    run = so_far([*some_lines, drop_line(600)], _OBJECTIVES[:3])
    series = _series(run)
    scraped = {family.samples[0].name: family for family in live_metrics(run) if family.type != "histogram"}
    by_name = {family.name: family for family in NUMBERS}
    assert {by_name[name].otel_name for name in scraped} == {one.name for one in series.values() if one.numbers}
    for name, family in scraped.items():
        one = series[by_name[name].otel_name]
        assert _points(one) == _scraped(family)
        assert (one.kind, one.unit, one.help) == (family.type, by_name[name].unit, family.documentation)


def test_histograms_have_the_counts_and_sums_of_prometheus(so_far, some_lines):
    run = so_far(some_lines)
    series = _series(run)
    for family in live_metrics(run):
        if family.type == "histogram":
            samples: dict[tuple[str, Any], float] = {
                (s.name.rpartition("_")[2], frozenset(s.labels.items())): s.value for s in family.samples
            }
            own = next(one for one in HISTOGRAMS.values() if family.name == one.name)
            for point in series[own.otel_name].exponential:
                labels = frozenset(point.attributes.items())
                assert point.count == samples["count", labels] == point.zero + sum(point.counts)
                assert point.sum == samples["sum", labels]


@pytest.mark.parametrize("quantile", [0.01, 0.5, 0.95, 0.999])
def test_a_percentile_of_exponential_buckets_is_off_by_their_width_at_most(so_far, judged, some_lines, quantile):
    summary, _ = judged([], some_lines)
    (point,) = (
        p for p in _series(so_far(some_lines))["relayload.latency"].exponential if p.attributes["outcome"] == "ok"
    )
    values = sorted(line.latency_s for line in some_lines if getattr(line, "outcome", None) == "ok")
    assert len(values) == point.count == summary.counts.ok
    exact = values[int(quantile * (len(values) - 1))]
    rank, below, number = quantile * (len(values) - 1) + 1, 0, 0
    while below + point.counts[number] < rank - 1e-9:
        below += point.counts[number]
        number += 1
    base = 2**2**-point.scale
    assert base ** (point.offset + number) * 0.996 <= exact <= base ** (point.offset + number + 1) * 1.004
    assert point.low == pytest.approx(values[0], rel=0.004)
    assert point.high == pytest.approx(values[-1], rel=0.004)


def test_many_places_are_told_together_under_the_attribute_of_the_specification(so_far, request_line):
    lines = [request_line(index, model=f"m{index}") for index in range(MOST_PLACES + 30)]
    points = _points(_series(so_far(lines))["relayload.requests"])
    assert len(points) == MOST_PLACES + 1
    assert points[frozenset({(OTEL_OVERFLOW, True), ("outcome", "ok")})] == 30


def test_whole_numbers_travel_as_such(so_far, some_lines):
    values = [point.value for point in _series(so_far(some_lines))["relayload.requests"].numbers]
    assert all(isinstance(value, int) for value in values)
