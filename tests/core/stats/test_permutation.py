import random

import pytest
from scipy.stats import hypergeom, mannwhitneyu

from relayload.core.stats.permutation import count_p, draws_for, monte_carlo_p, shift_p


def test_the_p_value_counts_the_observed_labels() -> None:
    assert monte_carlo_p(lambda: False, 99) == 0.01
    assert monte_carlo_p(lambda: True, 10) == 1.0
    assert monte_carlo_p(lambda: True, 1000) == 1.0


def test_a_large_p_value_takes_few_draws() -> None:
    rng = random.Random(1)
    dealt = 0

    def as_large() -> bool:
        nonlocal dealt
        dealt += 1
        return rng.random() < 0.5

    assert monte_carlo_p(as_large, 10**9) == pytest.approx(0.5, abs=0.2)
    assert dealt < 100


def test_draws_reach_below_the_level_of_the_first_look() -> None:
    assert 1 / (1 + draws_for(0.01, 1)) == pytest.approx(0.01 / 3)
    assert 1 / (1 + draws_for(0.01, 10)) == pytest.approx(0.001 / 3)


def test_the_p_value_is_that_of_mann_and_whitney() -> None:
    rng = random.Random(3)
    base, new = [rng.gauss(0, 1) for _ in range(20)], [rng.gauss(0.9, 1) for _ in range(15)]
    exact = mannwhitneyu(base, new, method="exact").pvalue
    assert shift_p({"all": (base, new)}, 1, 20_000) == pytest.approx(exact, rel=0.3)


def test_what_tells_nothing_has_a_p_value_of_one() -> None:
    assert shift_p({}, 1, 100) == 1.0
    assert shift_p({"a": ([1.0], []), "b": ([2.0, 2.0], [2.0])}, 1, 100) == 1.0


def test_a_clear_shift_needs_no_draws() -> None:
    assert shift_p({"all": ([0.0] * 200, [1.0] * 200)}, 1, 10**12) < 1e-12


def test_strata_of_other_sizes_and_levels_are_no_shift() -> None:
    rng = random.Random(4)
    low, high = (lambda n: [rng.gauss(0, 1) for _ in range(n)]), (lambda n: [rng.gauss(100, 1) for _ in range(n)])
    assert shift_p({"a": (low(50), low(5)), "b": (high(5), high(50))}, 1, 2000) > 0.01


@pytest.mark.parametrize(
    "weights", [{}, {str(stratum): 3.0**stratum for stratum in range(8)}], ids=["equal", "weighed"]
)
@pytest.mark.parametrize("trials", [200, pytest.param(5000, marks=pytest.mark.slow)])
def test_no_more_false_alarms_than_the_level_says(trials: int, weights: dict[str, float]) -> None:
    """Of rare events in strata, where approximations fail."""
    rng = random.Random(5)
    alarms = 0
    for seed in range(trials):
        strata = {
            str(stratum): tuple([float(rng.random() < 0.03) for _ in range(n)] for n in (12, 4)) for stratum in range(8)
        }
        alarms += shift_p(strata, seed, 199, weights) <= 0.05  # type: ignore[arg-type]
    assert alarms <= 0.05 * trials + 3 * (0.05 * 0.95 * trials) ** 0.5


def test_shares_are_compared_exactly() -> None:
    base, new = [1.0] * 3 + [0.0] * 97, [1.0] * 9 + [0.0] * 41
    assert count_p({"all": (base, new)}) == pytest.approx(2 * hypergeom.sf(8, 150, 12, 50))
    assert count_p({"all": (new, base)}) == pytest.approx(2 * hypergeom.cdf(3, 150, 12, 100))
    assert count_p({"all": ([0.0] * 9, [0.0] * 9), "none": ([], [])}) == 1.0


def test_shares_of_strata_are_compared_together() -> None:
    strata = {str(each): ([0.0] * 6, [0.0] * 4 + [1.0] * 2) for each in range(3)}
    one = [hypergeom.pmf(k, 12, 2, 6) for k in range(3)]
    assert count_p(strata) == pytest.approx(2 * one[2] ** 3)
    assert count_p({**strata, "all right": ([1.0] * 5, [1.0] * 50)}) == pytest.approx(2 * one[2] ** 3)


def test_a_stratum_tells_as_much_as_it_weighs() -> None:
    rng = random.Random(1)
    noise = ([rng.random() for _ in range(300)], [rng.random() for _ in range(300)])
    shifted = ([float(n) for n in range(8)], [float(n) + 4.5 for n in range(8)])
    strata = {"noise": noise, "shifted": shifted}
    alone = shift_p({"shifted": shifted}, 1, 9999)
    assert alone < 0.01 < shift_p(strata, 1, 9999)
    assert shift_p(strata, 1, 9999, {"noise": 0.001}) == pytest.approx(alone, abs=0.005)
    assert shift_p(strata, 1, 9999, {"noise": 1.0, "shifted": 1000.0}) == pytest.approx(alone, abs=0.005)
