import math
import random
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
from support import present

from relayload.core.metrics import paired
from relayload.core.metrics.paired import Added, added

MEDIAN_LATENCY_S = 0.3
SPREAD = 0.5
FACTOR = 1.3

Columns = tuple[list[float], list[float]]
RUNS = pytest.mark.parametrize("runs", [25, pytest.param(400, marks=pytest.mark.slow)])


def _pairs(rng: random.Random, n: int, added_s: float = 0.01) -> Columns:
    """Direct and relayed: both have the state of the network in common, which lasts for a while."""
    state, direct, relayed = 0.0, [], []
    for _ in range(n):
        state = 0.9 * state + rng.gauss(0, 0.1)
        common = 0.2 + 0.1 * abs(state)
        direct.append(common + rng.expovariate(50))
        relayed.append(common + added_s + rng.expovariate(50))
    return direct, relayed


def _times_as_slow(rng: random.Random, n: int, correlation: float, phi: float) -> Columns:
    """Lognormal latencies, at one target 1.3 times those at the other, that correlate within pairs as given.

    The logarithm of what both have in common is AR(1), with `phi` from pair to pair.
    """
    state = rng.gauss(0, 1)
    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(n):
        state = phi * state + math.sqrt(1 - phi * phi) * rng.gauss(0, 1)
        for times, side in zip((1.0, FACTOR), sides, strict=True):
            own = math.sqrt(correlation) * state + math.sqrt(1 - correlation) * rng.gauss(0, 1)
            side.append(times * MEDIAN_LATENCY_S * math.exp(SPREAD * own))
    return sides


def _times_as_slow_at(p: float) -> float:
    """The truth: latencies at either side are lognormal."""
    return (FACTOR - 1) * MEDIAN_LATENCY_S * math.exp(SPREAD * scipy.stats.norm.ppf(p / 100))


def _covered(runs: int, draw: Callable[[random.Random], Columns], p: float, truth_s: float) -> tuple[int, float]:
    """In how many runs there is an interval, and in which share of these it holds the truth."""
    found = [added(*draw(random.Random(seed)), [p])[0] for seed in range(runs)]
    told = [each for each in found if each.low is not None]
    held = sum(present(each.low) <= truth_s <= present(each.high) for each in told)
    return len(told), held / len(told) if told else math.nan


def _holds(told: int, held: float) -> bool:
    """Whether 93 % of the intervals may hold the truth, as far as so many can tell; too few tell nothing."""
    return told < 20 or held >= 0.93 - 2.3 * math.sqrt(0.93 * 0.07 / told)


def _width_s(found: Added) -> float:
    return present(found.high) - present(found.low)


def test_what_is_added_is_the_difference_of_percentiles():
    pairs = _pairs(random.Random(1), 1000)
    for found in added(*pairs, [25.0, 50.0, 90.0, 95.0]):
        direct, relayed = np.percentile(pairs, found.p, axis=1, method="inverted_cdf")
        assert (found.base, found.new, found.value) == (direct, relayed, relayed - direct)
        assert present(found.low) <= found.value <= present(found.high)


@RUNS
def test_the_interval_of_the_median_holds_the_truth_in_nearly_all_runs(runs: int):
    told, held = _covered(runs, lambda rng: _pairs(rng, 1500), 50.0, 0.01)
    assert told >= 0.8 * runs
    assert _holds(told, held)


@RUNS
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 0.98, 0.995])
@pytest.mark.parametrize("n", [200, 1500])
@pytest.mark.parametrize("p", [50.0, 95.0])
def test_intervals_hold_the_truth_however_alike_the_pairs_are(n: int, p: float, correlation: float, runs: int):
    told, held = _covered(runs, lambda rng: _times_as_slow(rng, n, correlation, 0.0), p, _times_as_slow_at(p))
    assert told >= 0.8 * runs
    assert _holds(told, held)


@pytest.mark.slow
@pytest.mark.parametrize("phi", [0.5, 0.9, 0.95, 0.98])
@pytest.mark.parametrize("correlation", [0.5, 0.9, 0.995])
@pytest.mark.parametrize("n", [200, 400, 1500, 5000])
@pytest.mark.parametrize("p", [50.0, 95.0, 99.0])
def test_intervals_hold_the_truth_where_what_is_added_lasts_for_a_while(
    n: int, p: float, phi: float, correlation: float
):
    """Where a fifth of the runs or more have one."""
    told, held = _covered(400, lambda rng: _times_as_slow(rng, n, correlation, phi), p, _times_as_slow_at(p))
    assert told < 80 or _holds(told, held)


@pytest.mark.parametrize(("n", "phi", "most"), [(400, 0.98, 1), (400, 0.995, 1), (1500, 0.995, 1)])
def test_pairs_that_wander_throughout_the_run_have_no_interval(n: int, phi: float, most: int):
    told, _ = _covered(25, lambda rng: _times_as_slow(rng, n, 0.9, phi), 50.0, _times_as_slow_at(50.0))
    assert told <= most


def test_what_both_have_in_common_cancels_out():
    direct, relayed = _pairs(random.Random(4), 1000)
    _, apart = _pairs(random.Random(5), 1000)
    (near,), (far,) = (added(direct, other, [50.0]) for other in (relayed, apart))
    assert _width_s(near) * 1.5 < _width_s(far)


@pytest.mark.parametrize(("p", "fewest"), [(99.0, 368), (1.0, 368), (95.0, 72), (50.0, 50)])
def test_a_percentile_beyond_which_hardly_any_pair_lies_has_no_interval(p: float, fewest: int):
    enough, too_few = (added([1.0] * n, [2.0] * n, [p])[0] for n in (fewest, fewest - 1))
    assert (enough.low, enough.high, enough.pairs_needed) == (1.0, 1.0, None)
    assert (too_few.value, too_few.low, too_few.high, too_few.pairs_needed) == (1.0, None, None, fewest)


def test_no_pairs_add_nothing():
    assert added([], []) == []


def test_pairs_that_are_slow_together_count_as_fewer():
    alone = random.Random(4).sample(range(1000), 1000)
    (told,) = added(alone, alone, [99.0])
    (together,) = added(sorted(alone), sorted(alone), [99.0])
    assert (told.effective_n, told.pairs_needed) == (1000, None)
    assert together.low is None
    assert together.effective_n < 368
    assert present(together.pairs_needed) > 1000


def test_few_different_values_tell_as_much_as_their_pairs():
    """The 99th percentile is that of the slowest twenty-fifth, which are all alike."""
    alone = [2.0 if index % 25 == 0 else 1.0 for index in range(1000)]
    (told,) = added(alone, alone, [99.0])
    (together,) = added(sorted(alone), sorted(alone), [99.0])
    assert (told.low, told.high, told.effective_n) == (0.0, 0.0, 1000)
    assert together.low is None


def test_a_state_that_lasts_leaves_no_percentile_an_interval():
    """Both were slower for half of the run; which pairs were slowest of all is random."""
    rng = random.Random(1)
    values = [(index >= 300) + rng.random() for index in range(600)]
    (found,) = added(values, [value + 0.1 for value in values], [95.0])
    assert found.low is None
    assert found.effective_n < 25


@pytest.mark.parametrize("n", [50, 51, 99, 1000])
def test_any_number_of_pairs_is_divided_into_batches(n: int):
    (found,) = added([1.0] * n, [2.0] * n, [50.0])
    assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("freedom", [7, 15, 31])
def test_a_variance_is_bounded_by_chi_square(freedom: int):
    assert paired._upper(freedom) == pytest.approx(freedom / scipy.stats.chi2.ppf(0.1, freedom), rel=0.01)
