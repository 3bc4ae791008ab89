import random
from itertools import combinations
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from relayload.core.stats.rank_sum import holm, p_above, p_below, p_different, shift

_few = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=5)


def _by_hand(base: list[float], new: list[float]) -> float:
    """The share of all ways to deal the values out that put new at least as high."""
    values = [*base, *new]
    ranks = stats.rankdata(values)
    observed = ranks[len(base) :].sum()
    sums = [sum(ranks[list(chosen)]) for chosen in combinations(range(len(values)), len(new))]
    return sum(total >= observed - 1e-9 for total in sums) / len(sums)


@given(_few, _few)
@settings(deadline=None)
def test_p_values_are_exact_with_ties_as_well(base: list[float], new: list[float]):
    assert p_above(base, new) == pytest.approx(_by_hand(base, new))
    assert p_below(base, new) == pytest.approx(_by_hand(new, base))


@pytest.mark.parametrize(("base", "new"), [(3, 3), (6, 6), (4, 9), (12, 7)])
def test_p_values_are_those_of_scipy(base: int, new: int):
    rng = random.Random(base * 100 + new)
    first, second = ([rng.gauss(0, 1) for _ in range(n)] for n in (base, new))
    exact = stats.mannwhitneyu(second, first, alternative="greater", method="exact").pvalue
    assert p_above(first, second) == pytest.approx(exact)
    both = stats.mannwhitneyu(second, first, alternative="two-sided", method="exact").pvalue
    assert p_different(first, second) == pytest.approx(both)


@pytest.mark.parametrize("ties", [False, True])
def test_many_values_are_told_by_the_normal_distribution(ties: bool):
    rng = random.Random(5)
    first, second = ([round(rng.gauss(mean, 1), 0 if ties else 9) for _ in range(30)] for mean in (0.0, 0.4))
    method: Literal["asymptotic", "exact"] = "asymptotic" if ties else "exact"
    known = stats.mannwhitneyu(second, first, alternative="greater", method=method).pvalue
    assert p_above(first, second) == pytest.approx(known, rel=0.05)


@pytest.mark.parametrize(("runs", "p"), [(3, 0.1), (4, 2 / 70), (5, 2 / 252), (6, 2 / 924)])
def test_the_smallest_p_value_is_that_of_samples_apart(runs: int, p: float):
    assert p_different([float(run) for run in range(runs)], [100.0 + run for run in range(runs)]) == pytest.approx(p)


def test_equal_values_prove_nothing():
    assert p_above([1.0] * 6, [1.0] * 6) == p_below([1.0] * 6, [1.0] * 6) == p_different([1.0] * 6, [1.0] * 6) == 1.0
    assert p_different([1.0] * 30, [1.0] * 30) == 1.0


def test_a_shift_is_the_median_of_all_differences():
    assert shift([1.0, 2.0, 4.0], [3.0, 7.0]).value == np.median([2, 6, 1, 5, -1, 3])


@pytest.mark.parametrize(("runs", "bounded"), [(1, False), (3, False), (4, True), (6, True)])
def test_an_interval_needs_four_a_side(runs: int, bounded: bool):
    found = shift([float(run) for run in range(runs)], [10.0 + 2 * run for run in range(runs)])
    assert (found.low is not None, found.high is not None) == (bounded, bounded)


@pytest.mark.parametrize("runs", [5, 6, 8, 25])
def test_an_interval_holds_the_shifts_that_the_test_does_not_refuse(runs: int):
    rng = random.Random(runs)
    base, new = ([rng.gauss(mean, 1) for _ in range(runs)] for mean in (0.0, 0.7))
    found = shift(base, new)
    assert found.low is not None
    assert found.high is not None
    assert p_above(base, new, found.low - 1e-9) <= 0.025 + (runs > 20) * 0.001
    assert p_above(base, new, found.low + 1e-9) > 0.025 - (runs > 20) * 0.001
    assert p_below(base, new, found.high + 1e-9) <= 0.025 + (runs > 20) * 0.001
    assert p_below(base, new, found.high - 1e-9) > 0.025 - (runs > 20) * 0.001


@pytest.mark.parametrize(
    ("raw", "adjusted"),
    [([], []), ([0.01], [0.01]), ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]), ([0.6, 0.9], [1.0, 1.0])],
)
def test_holm_multiplies_by_what_is_left(raw: list[float], adjusted: list[float]):
    assert holm(raw) == pytest.approx(adjusted)
