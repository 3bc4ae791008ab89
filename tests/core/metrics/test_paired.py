import math
import random
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
import scipy.stats
from support import present

from relayload.core.metrics import paired
from relayload.core.metrics.paired import Added, added

MEDIAN_LATENCY_S = 0.3
STATE_SPREAD = 0.4
OWN_SPREAD = 0.08

Columns = tuple[list[float], list[float]]
RUNS = pytest.mark.parametrize("runs", [25, pytest.param(500, marks=pytest.mark.slow)])


def _pairs(rng: random.Random, n: int, added_s: float = 0.01) -> Columns:
    """Direct and relayed: both have the state of the network in common, which lasts for a while."""
    state, direct, relayed = 0.0, [], []
    for _ in range(n):
        state = 0.9 * state + rng.gauss(0, 0.1)
        common = 0.2 + 0.1 * abs(state)
        direct.append(common + rng.expovariate(50))
        relayed.append(common + added_s + rng.expovariate(50))
    return direct, relayed


def _times_as_slow(rng: random.Random, n: int, factor: float, phi: float) -> Columns:
    """What the relay takes more goes with the state that both share: its logarithm is AR(1), for each arrival phi."""
    state = rng.gauss(0, 1)
    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(n):
        state = phi * state + (1 - phi * phi) ** 0.5 * rng.gauss(0, 1)
        for times, side in zip((1.0, factor), sides, strict=True):
            side.append(times * MEDIAN_LATENCY_S * math.exp(STATE_SPREAD * state + OWN_SPREAD * rng.gauss(0, 1)))
    return sides


def _times_as_slow_at(p: float, factor: float) -> float:
    """The truth: latencies at either side are lognormal."""
    spread = math.hypot(STATE_SPREAD, OWN_SPREAD)
    return (factor - 1) * MEDIAN_LATENCY_S * math.exp(spread * scipy.stats.norm.ppf(p / 100))


def _held(runs: Iterable[Sequence[Added]], truth_s: float) -> int:
    """How many intervals of one percentile hold the truth."""
    return sum(found.low <= truth_s <= present(found.high) for (found,) in runs if found.low is not None)


def _width_s(found: Added) -> float:
    return present(found.high) - present(found.low)


def test_what_is_added_is_the_difference_of_percentiles():
    pairs = _pairs(random.Random(1), 1000)
    for found in added(*pairs, random.Random(2), [25.0, 50.0, 90.0, 95.0]):
        direct, relayed = np.percentile(pairs, found.p, axis=1, method="inverted_cdf")
        assert (found.base, found.new, found.value) == (direct, relayed, relayed - direct)
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.value <= found.high


def test_the_same_seed_gives_the_same_intervals():
    pairs = _pairs(random.Random(1), 300)
    assert added(*pairs, random.Random(2)) == added(*pairs, random.Random(2))
    assert added(*pairs, random.Random(2)) != added(*pairs, random.Random(3))


@RUNS
def test_the_interval_of_the_median_holds_the_truth_in_nearly_all_runs(runs: int):
    found = [added(*_pairs(random.Random(seed), 400), random.Random(seed), [50.0]) for seed in range(runs)]
    assert _held(found, 0.01) >= 0.93 * runs


@RUNS
@pytest.mark.parametrize(("n", "phi"), [(1000, 0.95), (200, 0.9)])
def test_intervals_hold_the_truth_where_what_is_added_lasts_for_a_while(n: int, phi: float, runs: int):
    found = [
        added(*_times_as_slow(random.Random(seed), n, 1.3, phi), random.Random(seed), [50.0]) for seed in range(runs)
    ]
    assert _held(found, _times_as_slow_at(50.0, 1.3)) >= 0.93 * runs


@RUNS
def test_intervals_of_the_tail_hold_the_truth_where_there_are_any(runs: int):
    found = [
        added(*_times_as_slow(random.Random(seed), 1000, 1.3, 0.5), random.Random(seed), [99.0]) for seed in range(runs)
    ]
    told = sum(each.low is not None for (each,) in found)
    assert told >= runs / 2
    assert _held(found, _times_as_slow_at(99.0, 1.3)) >= 0.93 * told


def test_what_both_have_in_common_cancels_out():
    direct, relayed = _pairs(random.Random(4), 1000)
    _, apart = _pairs(random.Random(5), 1000)
    (near,), (far,) = (added(direct, other, random.Random(2), [50.0]) for other in (relayed, apart))
    assert _width_s(near) * 1.5 < _width_s(far)


def test_few_pairs_have_no_interval():
    (found,) = added([1.0] * 49, [2.0] * 49, random.Random(1), [50.0])
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert added([], [], random.Random(1)) == []


@pytest.mark.parametrize(("p", "fewest"), [(99.0, 300), (1.0, 300), (95.0, 60), (50.0, 50)])
def test_a_percentile_beyond_which_hardly_any_pair_lies_has_no_interval(p: float, fewest: int):
    enough, too_few = (added([1.0] * n, [2.0] * n, random.Random(1), [p])[0] for n in (fewest, fewest - 1))
    assert (enough.low, enough.high) == (1.0, 1.0)
    assert (too_few.low, too_few.high) == (None, None)


def test_pairs_that_are_slow_together_count_as_fewer():
    alone = [2.0 if index % 25 == 0 else 1.0 for index in range(1000)]
    (told,) = added(alone, alone, random.Random(1), [99.0])
    (together,) = added(sorted(alone), sorted(alone), random.Random(1), [99.0])
    assert told.low is not None
    assert together.low is None


@pytest.mark.parametrize("n", [50, 51, 99, 1000])
def test_any_number_of_pairs_is_divided_into_blocks(n: int):
    (found,) = added([1.0] * n, [2.0] * n, random.Random(1), [50.0])
    assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("n", [50, 64, 97])
def test_a_percentile_of_a_draw_is_that_of_the_values_repeated(n: int):
    rng = random.Random(n)
    values = [float(rng.randrange(30)) for _ in range(n)]
    blocked = paired._Side.of(values).in_blocks(8)
    draws = paired._draws(4, 2, rng)[:20]
    repeated = [[value for at, value in enumerate(values) for _ in range(drawn[at * 8 // n])] for drawn in draws]
    for p in (1.0, 50.0, 95.0, 100.0):
        expected = [float(np.percentile(sample, p, method="inverted_cdf")) for sample in repeated]
        assert blocked.percentiles(p, draws) == expected


@pytest.mark.parametrize("blocks", [4, 8, 25, 50])
def test_few_blocks_widen_the_interval_as_students_t_does(blocks: int):
    t = scipy.stats.t.ppf(0.975, blocks - 1)
    expected = scipy.stats.norm.cdf(-t * (blocks / (blocks - 1)) ** 0.5)
    assert paired._tail(blocks) == pytest.approx(expected, rel=0.15)
