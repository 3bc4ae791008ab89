import math
from itertools import chain, repeat, starmap
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_sample import Known

from relayload.core.stats.histogram import Histogram
from relayload.core.stats.ranks import SortedRuns, rank_of
from relayload.core.stats.sample import (
    Moments,
    batched_size,
    describe,
    effective_size,
    interval_ranks,
    percentile,
)


@pytest.mark.parametrize(
    ("quantile", "n", "rank"),
    [
        (0.5, 1, 1),
        (0.5, 4, 2),
        (0.5, 5, 3),
        (0.99, 100, 99),
        (0.99, 101, 100),
        (0.999, 1000, 999),
        (0.0, 9, 1),
        (0.07, 100, 7),  # as floats 0.07 * 100 is a bit more than 7
    ],
)
def test_a_percentile_is_the_smallest_value_that_its_share_does_not_exceed(quantile: float, n: int, rank: int):
    assert rank_of(quantile, n) == rank


@given(st.lists(st.floats(0, 1e3), min_size=1), st.floats(0.001, 1.0))
def test_the_share_of_values_up_to_a_percentile_reaches_it(values: list[float], quantile: float):
    ordered = sorted(values)
    value = ordered[rank_of(quantile, len(values)) - 1]
    assert sum(other <= value for other in values) >= quantile * len(values) - 1e-6
    assert sum(other < value for other in values) < quantile * len(values)


@pytest.mark.parametrize(
    ("quantile", "n", "ranks"),
    [  # scipy: binom.ppf(0.025, n, q), binom.ppf(0.975, n, q) + 1
        (0.5, 100, (40, 61)),
        (0.99, 1000, (983, 997)),
        (0.99, 367, (359, None)),
        (0.5, 3, (None, None)),
    ],
)
def test_the_interval_of_a_percentile_lies_between_two_ranks(
    quantile: float, n: int, ranks: tuple[int | None, int | None]
):
    assert interval_ranks(quantile, n, n, 0.95) == ranks


def test_a_sample_is_described():
    values = [0.001 * n for n in range(1, 1001)]
    described = describe(Known(values), "s")
    assert described is not None
    assert (described.count, described.unit) == (1000, "s")
    assert described.mean == pytest.approx(0.5005)
    assert described.stddev == pytest.approx(0.28881943)
    assert (described.min, described.max) == (0.001, 1.0)
    by_p = {found.p: found for found in described.percentiles}
    assert list(by_p) == [50.0, 90.0, 95.0, 99.0, 99.9]
    assert (by_p[99.0].low, by_p[99.0].value, by_p[99.0].high) == pytest.approx((0.983, 0.990, 0.997))
    assert by_p[99.9].high is None


def test_a_histogram_is_described_within_its_error():
    values = [0.001 * n for n in range(1, 1001)]
    counts = Histogram(values).values().items()
    exact, coarse = describe(Known(values), "s"), describe(Known(chain.from_iterable(starmap(repeat, counts))), "s")
    assert exact is not None
    assert coarse is not None
    assert coarse.mean == pytest.approx(exact.mean, rel=0.004)
    for found, true in zip(coarse.percentiles, exact.percentiles, strict=True):
        assert found.value == pytest.approx(true.value, rel=0.004)


def test_an_empty_sample_has_no_distribution():
    assert describe(Known([]), "s") is None


def test_one_value_has_no_spread_and_its_median_no_interval():
    described = describe(Known([0.2]), "s")
    assert described is not None
    assert described.stddev is None
    median = described.percentiles[0]
    assert (median.value, median.low, median.high) == (0.2, None, None)


def _latencies(rng: Random, n: int, correlation: float) -> list[float]:
    """An autoregressive process of order 1 whose values are standard normal."""
    values = [rng.gauss(0, 1)]
    innovation = math.sqrt(1 - correlation**2)
    while len(values) < n:
        values.append(correlation * values[-1] + innovation * rng.gauss(0, 1))
    return values


def _effective_size(values: list[float]) -> int:
    """With the slowest twentieth marked, in the order of the list."""
    threshold = sorted(values)[rank_of(0.95, len(values)) - 1]
    marked = [at for at, value in enumerate(values) if value > threshold]
    return effective_size(SortedRuns([marked]), SortedRuns([range(len(values))]))


@pytest.mark.parametrize(("correlation", "least"), [(0.0, 0.94), (0.5, 0.94), (0.9, 0.94)])
@pytest.mark.parametrize("p", [95.0, 99.0])
def test_intervals_cover_the_truth_also_where_requests_are_slow_together(correlation: float, least: float, p: float):
    rng = Random(7)
    truth = NormalDist().inv_cdf(p / 100)
    covered, n, trials = 0, 1000, 300
    for _ in range(trials):
        values = _latencies(rng, n, correlation)
        found = percentile(Known(values, _effective_size(values)), p)
        above_low = found.low is None or found.low <= truth
        covered += above_low and (found.high is None or truth <= found.high)
    assert covered / trials >= least


def test_independent_values_mostly_count_in_full():
    rng = Random(3)
    assert sum(_effective_size(_latencies(rng, 1000, 0.0)) == 1000 for _ in range(300)) >= 255


def test_correlated_values_count_for_less():
    assert _effective_size(_latencies(Random(3), 2000, 0.9)) < 600


def test_what_comes_in_one_run_counts_for_little():
    assert effective_size(SortedRuns([range(300, 400)]), SortedRuns([range(1000)])) == 50


def test_counts_by_the_second_tell_as_much_as_the_requests_themselves():
    rng = Random(4)
    apart = [(sum(rng.random() < 0.1 for _ in range(10)), 10) for _ in range(100)]
    assert batched_size(apart) == 1000
    burst = [(10 if 40 <= second < 50 else 0, 10) for second in range(100)]
    assert batched_size(burst) < 200
    assert batched_size([(100, 1000)]) == 50
    assert (batched_size([]), batched_size([(3, 20)]), batched_size([(500, 500)])) == (0, 20, 500)


def test_requests_that_were_all_due_at_one_instant_tell_least():
    assert effective_size(SortedRuns([[2.0] * 5]), SortedRuns([[2.0] * 100])) == 50
    assert effective_size(SortedRuns([]), SortedRuns([[2.0] * 100])) == 100


@pytest.mark.parametrize("n", [0, 1, 50])
def test_a_small_sample_counts_as_it_is(n: int):
    assert effective_size(SortedRuns([range(n)]), SortedRuns([range(n)])) == n


@given(st.lists(st.lists(st.floats(-1e3, 1e3)), max_size=4))
def test_the_moments_of_parts_give_those_of_the_whole(parts: list[list[float]]):
    merged, whole = Moments.merged(map(Moments.of, parts)), Moments.of([value for part in parts for value in part])
    assert merged.count == whole.count
    assert merged.mean == pytest.approx(whole.mean, abs=1e-9)
    assert merged.squares == pytest.approx(whole.squares, rel=1e-9, abs=1e-6)
