"""The promises of the statistics, held against made-up latencies of which the truth is known."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from known_sample import Known

from relayload.core.metrics.selection import Selection, Series
from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.verdict import Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.statistics import BadBounds, BadEvents, judge_share, samples_needed
from relayload.core.stats.ranks import SortedRuns
from relayload.core.stats.sample import PERCENTILES, describe, effective_size, percentile


def _latencies(rng: np.random.Generator, n: int, correlation: float) -> np.ndarray:
    """Lognormal, and autoregressive of order 1 in their logarithm."""
    steps = rng.standard_normal(n) * math.sqrt(1 - correlation**2)
    steps[0] = rng.standard_normal()
    for at in range(1, n):
        steps[at] += correlation * steps[at - 1]
    return np.exp(steps)


def _effective_size(values: np.ndarray) -> int:
    """As a series has it: by its slowest twentieth, in the order of the schedule."""
    marked = np.flatnonzero(values > np.percentile(values, 95, method="inverted_cdf"))
    return effective_size(SortedRuns([marked.tolist()]), SortedRuns([range(len(values))]))


def _words(values: np.ndarray, limit: float, options: ObjectiveOptions) -> Status:
    """The verdict on p99 < limit."""
    k, n = int((values >= limit).sum()), len(values)
    seen = BadEvents(k, n, _effective_size(values))
    return judge_share(BadBounds(seen, seen), 0.01, holds=k <= 0.01 * n, needed=samples_needed(0.01), options=options)


def test_percentiles_are_those_of_numpy(request_line, folded):
    rng = np.random.default_rng(5)
    values = _latencies(rng, 5003, 0.5)
    lines = [
        request_line(index, latency_s=float(value), scenario="abc"[index % 3]) for index, value in enumerate(values)
    ]
    series = Series(Selection(folded(lines).by_tags), "latency")
    for p in (*PERCENTILES, 0.1, 33.3, 99.99):
        found = percentile(series, p)
        assert found.value == np.percentile(values, p, method="inverted_cdf")
    described = describe(series, "s")
    assert described is not None
    assert described.mean == pytest.approx(values.mean(), rel=1e-12)
    assert described.stddev == pytest.approx(values.std(ddof=1), rel=1e-12)


def test_a_judgement_on_records_observes_what_numpy_does(request_line, indicators, make_run):
    values = _latencies(np.random.default_rng(6), 2000, 0.9)
    lines = [request_line(index, latency_s=float(value)) for index, value in enumerate(values)]
    objective = parse("latency.p99 < 9s")
    result = judge_objective(objective, indicators([objective], lines, make_run()))
    assert result.observed == np.percentile(values, 99, method="inverted_cdf")
    assert result.k == int((values >= 9.0).sum())


@pytest.mark.parametrize("p", [95.0, 99.0])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_intervals_hold_the_truth_as_often_as_they_say(p: float, correlation: float):
    rng = np.random.default_rng(17)
    truth = math.exp(NormalDist().inv_cdf(p / 100))
    covered, trials = 0, 400
    for _ in range(trials):
        values = _latencies(rng, 1000, correlation)
        found = percentile(Known(np.sort(values).tolist(), _effective_size(values)), p)
        covered += (found.low is None or found.low <= truth) and (found.high is None or truth <= found.high)
    assert covered >= 0.94 * trials


def test_a_relay_within_its_budget_hardly_ever_fails_where_a_bare_comparison_often_does():
    """Of a thousand requests 0.8 % are beyond the limit in truth, and 1 % may be."""
    rng = np.random.default_rng(3)
    limit = math.exp(NormalDist().inv_cdf(0.992))
    naive = failed = passed = 0
    trials = 1500
    for _ in range(trials):
        values = _latencies(rng, 1000, 0.0)
        naive += bool(np.percentile(values, 99, method="inverted_cdf") >= limit)
        word = _words(values, limit, ObjectiveOptions())
        failed += word is Status.FAIL
        passed += word is Status.PASS
    assert 0.15 < naive / trials < 0.22
    assert failed / trials <= 0.01
    assert passed / trials > 0.7


def test_a_relay_far_beyond_its_budget_fails():
    rng = np.random.default_rng(4)
    limit = math.exp(NormalDist().inv_cdf(0.96))
    words = [_words(_latencies(rng, 1000, 0.0), limit, ObjectiveOptions()) for _ in range(200)]
    assert words.count(Status.FAIL) >= 190
    assert Status.PASS not in words


def test_strict_terms_hardly_ever_pass_a_relay_that_is_beyond_its_budget():
    rng = np.random.default_rng(8)
    limit = math.exp(NormalDist().inv_cdf(0.989))
    words = [_words(_latencies(rng, 1000, 0.0), limit, ObjectiveOptions(strict=True)) for _ in range(400)]
    assert words.count(Status.PASS) <= 0.05 * len(words)
