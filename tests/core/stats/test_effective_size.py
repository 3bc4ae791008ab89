"""How many independent values correlated ones are worth, by batch means."""

import math
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.stats.binomial import student_quantile
from relayload.core.stats.effective_size import FEWEST, TAIL, Batch, effective_size, inflation, scales

_BURST = [(0, 10)] * 40 + [(10, 10)] * 10 + [(0, 10)] * 50
"""A hundred of a thousand in one stretch."""


def _autoregressive(rng: Random, n: int, correlation: float) -> list[float]:
    """A process of order 1 whose values are standard normal."""
    values, innovation = [rng.gauss(0, 1)], math.sqrt(1 - correlation**2)
    while len(values) < n:
        values.append(correlation * values[-1] + innovation * rng.gauss(0, 1))
    return values


def _inflation(values: Sequence[float], *, conservative: bool = True) -> float:
    return inflation([(value, 1) for value in values], 1.0, conservative=conservative)


def _marked(values: Sequence[float], share: float = 0.05) -> set[int]:
    """The positions of the largest values."""
    threshold = sorted(values)[round((1 - share) * len(values)) - 1]
    return {at for at, value in enumerate(values) if value > threshold}


def _size(values: Sequence[float]) -> int:
    marked = _marked(values)
    return effective_size([(at in marked, 1) for at in range(len(values))])


def _batch_counts(n: int) -> list[int]:
    return [len(batches) for batches in scales([(0.0, 1)] * n, n)]


def test_independent_values_mostly_count_in_full():
    rng = Random(3)
    found = [_inflation(_autoregressive(rng, 1000, 0.0)) for _ in range(200)]
    assert sum(one == 1.0 for one in found) >= 150
    assert sum(one < 3.0 for one in found) >= 190
    assert sum(_size(_autoregressive(rng, 1000, 0.0)) == 1000 for _ in range(200)) >= 150


@pytest.mark.parametrize(("correlation", "true"), [(0.5, 3.0), (0.9, 19.0)])
def test_the_inflation_of_an_autoregressive_process_is_rarely_underrated(correlation: float, true: float):
    """The variance of its mean is (1 + r) / (1 - r) times that of independent values."""
    rng = Random(5)
    found = sorted(_inflation(_autoregressive(rng, 4000, correlation)) for _ in range(40))
    assert sum(one >= 0.8 * true for one in found) >= 36
    assert found[20] < 4 * true


@pytest.mark.parametrize(("correlation", "low", "high"), [(0.0, 1.0, 1.3), (0.5, 2.4, 4.5), (0.9, 13.0, 32.0)])
def test_a_test_that_looks_often_has_the_inflation_that_is_likely(correlation: float, low: float, high: float):
    rng = Random(6)
    found = sorted(_inflation(_autoregressive(rng, 4000, correlation), conservative=False) for _ in range(41))
    assert low <= found[20] <= high


@given(st.lists(st.integers(0, 10), min_size=8, max_size=300))
def test_who_looks_often_never_takes_values_for_more_correlated_than_who_looks_once(bad: list[int]):
    counts = [(k, 10) for k in bad]
    careful, often = (effective_size(counts, conservative=conservative) for conservative in (True, False))
    assert careful <= often <= 10 * len(counts)


def test_few_batches_are_widened_more_for_a_smaller_error():
    often, once, rarely = (inflation(_BURST, 0.09, tail) for tail in (0.05, TAIL, 0.0005))
    assert often < once < rarely


def test_the_ratio_of_batches_is_widened_as_student_does():
    """64 values in eight batches whose sums are 16 and -16 by turns: 32 times the variance of independent values."""
    alternate: list[Batch] = [(16.0 * (-1) ** at, 8) for at in range(8)]
    ratio = 16.0 * 16 * 8 / 7 * 8 / 64
    widening = (student_quantile(0.995, 7) / 2.5758293) ** 2
    assert inflation(alternate, 1.0) == pytest.approx(ratio * widening, rel=1e-6)


def test_batches_that_resemble_their_neighbours_are_corrected_for_it():
    """By (1 + r) / (1 - r) of a first-order autoregression; r from the deviations, plus 1 / n against its bias."""
    half: list[Batch] = [(16.0 if at < 4 else -16.0, 8) for at in range(8)]
    correlation = (6 - 1) / 8 + 1 / 8
    ratio = 16.0 * 16 * 8 / 7 * 8 / 64
    widening = (student_quantile(0.995, 7) / 2.5758293) ** 2
    wanted = ratio * widening * (1 + correlation) / (1 - correlation)
    assert inflation(half, 1.0) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("n", "counts"), [(64, [8]), (400, [20, 10]), (4900, [70, 35, 17, 8])])
def test_root_n_batches_are_tried_and_half_of_them_down_to_eight(n: int, counts: list[int]):
    assert _batch_counts(n) == counts


def test_at_most_a_hundred_batches_are_tried():
    assert _batch_counts(250_000) == [100, 50, 25, 12]


@pytest.mark.parametrize("n", [1, 20, 63])
def test_fewer_than_64_count_as_they_are(n: int):
    assert effective_size([(n // 2, n)]) == n


def test_what_comes_in_one_stretch_is_worth_less_than_an_interval_takes():
    assert effective_size(_BURST) < FEWEST
    assert effective_size([(1, 10)] * 100) == 1000


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 0.98])
def test_counts_by_the_slot_tell_as_much_as_the_requests_themselves(correlation: float):
    """Batches begin where slots do, or a few requests beside; chance makes more of that in one sample of ten."""
    rng, alike = Random(4), 0
    for _ in range(20):
        values = _autoregressive(rng, 1600, correlation)
        marked = Counter(at // 5 for at in _marked(values))
        by_slot = [(marked[slot], 5) for slot in range(320)]
        alike += effective_size(by_slot) == pytest.approx(_size(values), rel=0.1)
    assert alike >= 16


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_values_in_few_slots_have_no_order_and_count_as_the_fewest(slots: int):
    assert effective_size([(100, 1000)] * slots) == FEWEST
    assert inflation([(5.0, 1000)] * slots, 1.0) == slots * 1000 / FEWEST


def test_few_values_in_few_slots_count_as_they_are():
    assert effective_size([(3, 31), (1, 32)]) == 63


def test_values_in_four_slots_or_more_are_compared_by_them():
    assert effective_size([(100, 1000)] * 4) == 4000
    assert effective_size([(10, 1000), (190, 1000)] * 2) < 400


@pytest.mark.parametrize("marked", [0, 1000])
def test_a_sample_without_a_difference_counts_in_full(marked: int):
    assert effective_size([(marked // 100, 10)] * 100) == 1000


def test_without_values_there_is_no_size():
    assert effective_size([]) == 0


def test_a_sample_is_worth_at_least_one():
    assert effective_size([(0, 1)] * 50 + [(1, 1)] * 50) >= 1
