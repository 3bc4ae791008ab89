import math
from collections.abc import Iterable, Mapping
from itertools import chain, repeat, starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_sample import Known
from known_series import BY_NAME, coverage

from relayload.core.stats.histogram import Histogram
from relayload.core.stats.ranks import rank_of
from relayload.core.stats.sample import TAILS, Moments, Sample, describe, interval_ranks, percentile


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


class Clustered(Known):
    """A sample whose effective size depends on the threshold: `sizes` has it by the highest one."""

    def __init__(self, values: Iterable[float], sizes: Mapping[float, int]) -> None:
        super().__init__(values)
        self._sizes = sizes
        self.effective_n = min(map(self.effective_above, map(self.ordered.quantile, TAILS)))

    def effective_above(self, threshold: float) -> int:
        return next(size for limit, size in self._sizes.items() if threshold <= limit)


def _ends(sample: Sample, p: float) -> tuple[float | None, float | None]:
    found = percentile(sample, p)
    return found.low, found.high


_THOUSAND = [float(rank) for rank in range(1, 1001)]


def test_the_interval_of_a_percentile_is_as_wide_as_the_values_above_it_ask_for():
    """Of a thousand values: the median is sized by what is above it, and the p99 by the slowest as well."""
    assert _ends(Known(_THOUSAND), 50.0) == (469.0, 532.0)
    assert _ends(Clustered(_THOUSAND, {600.0: 100, math.inf: 1000}), 50.0) == (400.0, 610.0)
    assert _ends(Clustered(_THOUSAND, {600.0: 100, math.inf: 1000}), 99.0) == (983.0, 997.0)


def test_no_interval_is_narrower_than_the_slowest_values_allow():
    """The slowest twentieth and the slowest hundredth cluster, wherever one looks."""
    for limit in (949.0, 989.0):
        sizes = {limit: 1000, math.inf: 100}
        assert _ends(Clustered(_THOUSAND, sizes), 50.0) == _ends(Known(_THOUSAND, 100), 50.0) == (400.0, 610.0)


@pytest.mark.parametrize(("sizes", "end"), [({480.0: 100, math.inf: 1000}, "low"), ({520.0: 1000, 540.0: 100}, "high")])
def test_the_interval_allows_for_clusters_at_its_ends(sizes: dict[float, int], end: str):
    """The values above the median are independent; those above one end of its interval are not."""
    sample = Clustered(_THOUSAND, {**sizes, math.inf: 1000})
    assert sample.effective_above(500.0) == 1000, end
    assert _ends(sample, 50.0) == (400.0, 610.0)


def test_the_ends_are_looked_at_again_once_they_have_moved():
    """There is a cluster at the first end, another at the wider one, and a third one that is not looked at."""
    clusters = {350.0: 10, 420.0: 50, 480.0: 100, math.inf: 1000}
    assert _ends(Clustered(_THOUSAND, clusters), 50.0) == _ends(Known(_THOUSAND, 50), 50.0)


@pytest.mark.parametrize(("effective_n", "told"), [(7, False), (8, True), (1000, True)])
def test_a_percentile_of_values_that_are_too_correlated_has_no_interval(effective_n: int, told: bool):
    """The median; with eight values that it takes half of each end lies within them."""
    found = percentile(Known(_THOUSAND, effective_n), 50.0)
    assert found.value == 500.0
    assert (found.low is not None, found.high is not None) == (told, told)


def test_few_values_that_are_independent_are_not_too_correlated():
    found = percentile(Known([float(rank) for rank in range(1, 8)]), 50.0)
    assert (found.low, found.value, found.high) == (1.0, 4.0, 7.0)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("p", [50.0, 95.0, 99.0])
def test_intervals_cover_the_truth_also_where_requests_are_slow_together(correlation: float, p: float):
    series = BY_NAME["independent" if not correlation else f"AR(1) {correlation:g}"]
    assert coverage(series, 1000, 200, [p], seed=7)[p][0] >= 0.94


@given(st.lists(st.lists(st.floats(-1e3, 1e3)), max_size=4))
def test_the_moments_of_parts_give_those_of_the_whole(parts: list[list[float]]):
    merged, whole = Moments.merged(map(Moments.of, parts)), Moments.of([value for part in parts for value in part])
    assert merged.count == whole.count
    assert merged.mean == pytest.approx(whole.mean, abs=1e-9)
    assert merged.squares == pytest.approx(whole.squares, rel=1e-9, abs=1e-6)
