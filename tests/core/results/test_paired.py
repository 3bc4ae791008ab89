import random

import numpy as np
import pytest

from relayload.core.results.paired import added


def _pairs(rng: random.Random, n: int, added_s: float = 0.01) -> list[tuple[float, float]]:
    """Direct and relayed: both have the state of the network in common, which lasts for a while."""
    state, pairs = 0.0, []
    for _ in range(n):
        state = 0.9 * state + rng.gauss(0, 0.1)
        common = 0.2 + 0.1 * abs(state)
        pairs.append((common + rng.expovariate(50), common + added_s + rng.expovariate(50)))
    return pairs


def test_what_is_added_is_the_difference_of_percentiles():
    pairs = _pairs(random.Random(1), 1000)
    for found in added(pairs, random.Random(2)):
        direct, relayed = np.percentile(pairs, found.p, axis=0, method="inverted_cdf")
        assert (found.base, found.new, found.value) == (direct, relayed, relayed - direct)
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.value <= found.high


def test_the_same_seed_gives_the_same_intervals():
    pairs = _pairs(random.Random(1), 300)
    assert added(pairs, random.Random(2)) == added(pairs, random.Random(2))
    assert added(pairs, random.Random(2)) != added(pairs, random.Random(3))


def test_the_interval_of_the_median_holds_the_truth_in_nearly_all_runs():
    held = 0
    for seed in range(100):
        (found,) = added(_pairs(random.Random(seed), 400), random.Random(seed), [50.0])
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.01 <= found.high
    assert held >= 88


def test_what_both_have_in_common_cancels_out():
    pairs = _pairs(random.Random(4), 1000)
    apart = list(
        zip([first for first, _ in pairs], [second for _, second in _pairs(random.Random(5), 1000)], strict=True)
    )
    widths = [found.high - found.low for sample in (pairs, apart) for found in added(sample, random.Random(2), [50.0])]
    assert widths[0] * 1.5 < widths[1]


def test_few_pairs_have_no_interval():
    (found,) = added([(1.0, 2.0)] * 49, random.Random(1), [50.0])
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert added([], random.Random(1)) == []


@pytest.mark.parametrize("n", [50, 51, 99, 1000])
def test_any_number_of_pairs_is_divided_into_blocks(n: int):
    (found,) = added([(1.0, 2.0)] * n, random.Random(1), [99.0])
    assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)
