import math
import random
from collections.abc import Sequence

import pytest

from relayload.core.comparison.compare import Run, compare
from relayload.core.comparison.measures import Measure
from relayload.core.comparison.noise import MeasureNoise, noise, undecidable
from relayload.core.model.verdict import Status

NAMES = ("latency.p50", "latency.p95", "latency.p99", "ttft.p50", "ttft.p95")


def _run(rng: random.Random, spread: float, slower: float = 1.0) -> Run:
    """A run whose measures are slow together, and each a little on its own."""
    common = rng.gauss(0, spread * math.sqrt(0.8))
    return {
        name: Measure(name, "s", slower * math.exp(common + rng.gauss(0, spread * math.sqrt(0.2)))) for name in NAMES
    }


def _runs(seed: int, count: int, spread: float = 0.05, slower: float = 1.0) -> list[Run]:
    rng = random.Random(seed)
    return [_run(rng, spread, slower) for _ in range(count)]


def _first(runs: Sequence[Run]) -> MeasureNoise:
    return noise(runs).measures[0]


def test_the_spread_is_that_of_the_runs():
    found = _first(_runs(1, 400))
    assert found.spread == pytest.approx(0.05, rel=0.1)
    assert found.min < found.median < found.max
    assert found.median == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("runs", [6, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("comparisons", [120, pytest.param(600, marks=pytest.mark.slow)])
def test_the_provable_change_is_proven_four_times_in_five(runs: int, comparisons: int):
    change = noise(_runs(1, 2000, 0.05)).measures[0].provable_with(runs)
    assert change is not None
    proven = 0
    for seed in range(comparisons):
        sides = _runs(3 * seed, runs, 0.05), _runs(3 * seed + 1, runs, 0.05, slower=1 + change)
        proven += compare(*sides, tolerance=0.0).effects[0].verdict is Status.FAIL
    # Holm's correction is that of the first of five: measures that change together are proven a little more often.
    assert 0.72 <= proven / comparisons <= 0.97


def test_more_runs_a_side_prove_smaller_changes_and_fewer_than_six_none():
    three, six, ten = _first(_runs(1, 6)).provable
    assert (three.runs, three.change, three.low) == (3, None, None)
    assert six.change is not None
    assert ten.change is not None
    assert ten.change < six.change


def test_a_tolerance_as_small_as_the_noise_hides_is_told():
    found = noise(_runs(1, 8))
    change = found.measures[0].provable_with(6)
    assert change is not None
    (told,) = [line for line in undecidable(found, change * 0.5, 6) if line.startswith("latency.p50: ")]
    assert "6 runs a side tell" in told
    assert undecidable(found, 10.0, 6) == []


def test_the_interval_of_what_is_provable_covers_the_truth():
    """Of six runs each, 95 of 100 intervals hold what many runs tell."""
    truth = _first(_runs(0, 4000)).provable_with(6)
    assert truth is not None
    held = 0
    for seed in range(1, 201):
        six = _first(_runs(seed, 6)).provable[1]
        held += six.low is not None and six.high is not None and six.low <= truth <= six.high
    assert 0.9 <= held / 200 <= 0.99


def test_a_share_without_failures_has_the_least_tolerance_of_all():
    runs = [{"errors.rate": Measure("errors.rate", "share", 0.0, relative=False)} for _ in range(6)]
    assert _first(runs).provable_with(6) == 0.001
    assert undecidable(noise(runs), 0.0, 6) == []


def test_less_is_worse_for_a_rate():
    rng = random.Random(5)
    runs = [{"r": Measure("r", "/s", 10 * math.exp(rng.gauss(0, 0.3)), more_is_worse=False)} for _ in range(60)]
    change = _first(runs).provable_with(6)
    assert change is not None
    assert 0.3 < change < 0.6


@pytest.mark.parametrize("count", [1, 2])
def test_two_runs_tell_nothing(count: int):
    assert noise(_runs(1, count)).measures == ()


def test_measures_that_some_runs_lack_are_left_out():
    runs = [*_runs(1, 3), {"latency.p50": Measure("latency.p50", "s", 1.0)}]
    assert [measure.name for measure in noise(runs).measures] == ["latency.p50"]
