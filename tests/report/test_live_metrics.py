"""Agreement with the summary of the same run, and what foreign names and many places do."""

import math
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from relayload.core.model.record import BreakerState, Outcome
from relayload.core.objectives.run_so_far import RunSoFar
from relayload.core.price import Price
from relayload.core.resilience.guard import Caps
from relayload.report.live_metrics import BOUNDS_S, MOST_PLACES, live_metrics

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

_OBJECTIVES = ["latency.p50 < 1s", "errors.rate < 0.1%", "ttft.p99 < 1s"]
_WHEN_JUDGED = ("relayload_run_valid", "relayload_lost_total", "relayload_exit_code")


def _of(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def _place(**labels: str) -> frozenset[tuple[str, str]]:
    return _of(**{"scenario": "simple", "model": "o3", "stage": "steady"} | labels)


def _text(run: RunSoFar) -> str:
    class Given(Collector):
        def collect(self) -> Any:
            return live_metrics(run)

    registry = CollectorRegistry()
    registry.register(Given())
    return generate_latest(registry).decode()


def _samples(run: RunSoFar) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(_text(run)):
        for sample in family.samples:
            ident = sample.name, frozenset(sample.labels.items())
            assert ident not in found, "a series may be told once"
            found[ident] = sample.value
    return found


def test_counts_agree_with_the_summary_of_the_same_lines(so_far, judged, some_lines, drop_line):
    lines = [*some_lines, drop_line(600), drop_line(601)]
    summary, _ = judged(_OBJECTIVES, lines)
    samples = _samples(so_far(lines, _OBJECTIVES))
    by_outcome = {name: samples["relayload_requests_total", _place(outcome=name)] for name in ("ok", "rate_limited")}
    assert by_outcome == summary.counts.by_outcome
    assert samples["relayload_dropped_total", _place(outcome="dropped")] == summary.counts.dropped == 2
    assert samples["relayload_retries_total", _place()] == summary.counts.retries
    for name in ("input", "output", "cached_input", "reasoning"):
        assert samples["relayload_tokens_total", _place(type=name)] == getattr(summary.tokens, name)


def test_histograms_agree_with_the_summary_within_their_buckets(so_far, judged, some_lines):
    summary, _ = judged(_OBJECTIVES, some_lines)
    samples = _samples(so_far(some_lines))
    for metric, distribution in (("latency", summary.metrics.latency), ("ttft", summary.metrics.ttft)):
        name = f"relayload_{metric}_seconds"
        assert samples[f"{name}_count", _place(outcome="ok")] == distribution.count
        mean = samples[f"{name}_sum", _place(outcome="ok")] / distribution.count
        assert math.isclose(mean, distribution.mean, rel_tol=0.004)
        for percentile in distribution.percentiles:
            lower, upper = _bounds_of(samples, name, percentile.p / 100)
            assert lower * 0.996 <= percentile.value <= upper * 1.004


def _bounds_of(samples: Samples, name: str, quantile: float) -> tuple[float, float]:
    """The bucket in which `histogram_quantile` finds a quantile."""
    buckets = sorted(
        (float(dict(labels)["le"]), count)
        for (sample, labels), count in samples.items()
        if sample == f"{name}_bucket" and ("outcome", "ok") in labels
    )
    rank = quantile * buckets[-1][1]
    below = 0.0
    for bound, count in buckets:
        if count >= rank:
            return below, bound
        below = bound
    raise AssertionError


@pytest.mark.parametrize("bound_s", BOUNDS_S)
def test_a_value_near_a_bound_is_within_it_to_a_bucket(so_far, request_line, bound_s):
    lines = [request_line(0, latency_s=bound_s * 0.996), request_line(1, latency_s=bound_s * 1.004 + 2e-6)]
    samples = _samples(so_far(lines))
    buckets = {labels: n for (name, labels), n in samples.items() if name == "relayload_latency_seconds_bucket"}
    within = {float(dict(labels)["le"]): count for labels, count in buckets.items()}
    assert within[bound_s] == 1
    assert within[math.inf] == 2


def test_the_state_of_an_objective_is_what_is_known_so_far(so_far, some_lines):
    samples = _samples(so_far(some_lines, [*_OBJECTIVES, "ttft{model=o9}.p99 < 1s"]))
    states = Counter[str]()
    for (name, labels), value in samples.items():
        if name == "relayload_objective_state" and value:
            states[dict(labels)["state"]] += 1
    assert states == {"pass": 2, "fail": 1, "inconclusive": 1}
    failed = _of(objective="errors.rate < 0.1%", unit="share")
    assert samples["relayload_objective_limit", failed] == 0.001
    assert samples["relayload_objective_observed", failed] == 0.01
    assert 0.001 < samples["relayload_objective_observed_low", failed] < 0.01
    assert 0.01 < samples["relayload_objective_observed_high", failed] < 1


def test_the_run_is_named_and_running_until_it_is_judged(so_far, judged, some_lines):
    run = so_far(some_lines)
    info = _of(run_id="run-1", profile="trial", load_kind="open", version="1.2")
    samples = _samples(run)
    assert samples["relayload_run_info", info] == 1
    assert samples["relayload_run_state", _of(state="running")] == 1
    assert samples["relayload_in_flight", _of()] == 3
    assert not any(
        name in ("relayload_run_valid", "relayload_lost_total", "relayload_exit_code") for name, _ in samples
    )


def test_a_judged_run_tells_its_verdict_and_what_is_lost(so_far, judged, some_lines):
    summary, verdict = judged(_OBJECTIVES, some_lines, offered=603)
    run = replace(so_far(some_lines), summary=summary, verdict=verdict, objectives=verdict.objectives)
    samples = _samples(run)
    assert samples["relayload_run_state", _of(state="running")] == 0
    assert samples["relayload_run_state", _of(state=verdict.verdict.name.lower())] == 1
    assert samples["relayload_exit_code", _of()] == verdict.exit_code
    assert samples["relayload_run_valid", _of()] == summary.generator.valid
    assert samples["relayload_lost_total", _of()] == 3
    assert samples["relayload_offered_total", _of()] == 603


def test_hostile_names_stay_text(so_far, request_line):
    hostile = '<script>"\\\n\x1b[31m\u202e{le="1"} 7\n# EOF'
    lines = [
        request_line(0, model=hostile),
        request_line(1, model="a b"),
        request_line(2, model="a\nb"),
    ]
    samples = _samples(so_far(lines))
    assert samples["relayload_requests_total", _place(model=hostile, outcome="ok")] == 1
    assert samples["relayload_requests_total", _place(model="a\nb", outcome="ok")] == 1


def test_places_beyond_the_most_share_a_series(so_far, request_line):
    lines = [request_line(index, model=f"m{index}") for index in range(MOST_PLACES + 30)]
    samples = _samples(so_far(lines))
    requests = {labels: value for (name, labels), value in samples.items() if name == "relayload_requests_total"}
    assert len(requests) == MOST_PLACES + 1
    assert requests[_of(overflow="true", outcome="ok")] == 30
    assert sum(requests.values()) == MOST_PLACES + 30


def test_targets_and_keys_are_labels_where_there_are_any(so_far, request_line):
    samples = _samples(so_far([request_line(0, target="relay", key="a"), request_line(1)]))
    assert samples["relayload_requests_total", _place(target="relay", key="a", outcome="ok")] == 1
    assert samples["relayload_requests_total", _place(outcome="ok")] == 1


def test_breakers_are_counted_by_state_over_all_workers(so_far, breaker_line):
    closed, opened, half = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
    lines = [
        breaker_line(1.0, closed, opened),
        breaker_line(2.0, opened, half),
        breaker_line(3.0, closed, opened, worker=1),
    ]
    samples = _samples(so_far(lines))
    found = {
        state: samples["relayload_breakers", _of(scope="o3", state=state)] for state in ("open", "half_open", "closed")
    }
    assert found == {"open": 1, "half_open": 1, "closed": 0}
    assert samples["relayload_breaker_trips_total", _of(scope="o3")] == 2


def test_dollars_agree_with_the_summary_and_stand_beside_their_cap(so_far, judged, some_lines):
    prices = {"o3": Price(input=Decimal(2), output=Decimal(8))}
    summary, _ = judged([], some_lines, prices=prices)
    samples = _samples(so_far(some_lines, caps=Caps(requests=1000, usd=Decimal("1.5")), prices=prices))
    assert samples["relayload_cost_usd", _of()] == float(summary.cost.usd)
    assert samples["relayload_cost_limit_usd", _of()] == 1.5
    assert samples["relayload_requests_limit", _of()] == 1000


def test_without_a_price_there_is_no_number_of_dollars(so_far, request_line):
    samples = _samples(so_far([request_line(0), request_line(1, outcome=Outcome.TIMED_OUT)]))
    assert ("relayload_cost_usd", _of()) not in samples
    assert ("relayload_cost_limit_usd", _of()) not in samples


def test_every_name_has_its_type_and_help(so_far, some_lines):
    for family in text_string_to_metric_families(_text(so_far(some_lines, _OBJECTIVES))):
        assert family.type in ("counter", "gauge", "histogram")
        assert family.documentation
