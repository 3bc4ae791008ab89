import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.traffic.curves import LogNormal, Normal
from relayload.core.traffic.distributions import Constant, DiscreteUniform, Empirical, Rounded, mean_of_least

NORMAL = Rounded(Normal(50, 40), 10, 90)
LOG_NORMAL = Rounded(LogNormal.through(100, 900), 5, 2000)
SPREADS = [Constant(5), DiscreteUniform(2, 9), NORMAL, LOG_NORMAL, Empirical((1, 2, 700))]


@pytest.mark.parametrize(
    ("spread", "quantiles"),
    [
        (Constant(5), (5, 5, 5)),
        (DiscreteUniform(1, 100), (2, 51, 100)),
        (Rounded(Normal(500, 100)), (267, 500, 733)),
        (Rounded(LogNormal.through(100, 900)), (11, 100, 900)),
        (Empirical((3, 1, 2)), (3, 1, 2)),
    ],
)
def test_the_quantiles_are_those_of_the_formula(spread, quantiles):
    assert tuple(spread.at(u) for u in (0.01, 0.5, 0.99)) == quantiles


@pytest.mark.parametrize(
    ("spread", "mean"),
    [(Constant(5), 5), (DiscreteUniform(2, 9), 5.5), (Rounded(Normal(50, 4)), 50), (Empirical((1, 2, 6)), 3)],
)
def test_the_mean_is_the_expected_value(spread, mean):
    assert spread.mean == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize(
    "spread",
    [
        Rounded(Normal(500, 300), 1, 600),
        Rounded(Normal(10, 50)),
        Rounded(LogNormal.through(300, 20_000), 8, 1000),
        Rounded(LogNormal.through(300, 20_000)),
        Rounded(LogNormal.through(300, 2000), 400),
        Rounded(LogNormal.through(30, 30), 40),
    ],
    ids=str,
)
def test_the_mean_is_that_of_the_clipped_draws(spread):
    draws = [spread.at((step + 0.5) / 100_000) for step in range(100_000)]
    assert spread.mean == pytest.approx(sum(draws) / len(draws), rel=2e-3)


@pytest.mark.parametrize("spread", SPREADS, ids=str)
@given(st.floats(1e-16, 1 - 1e-15))
def test_every_draw_is_a_whole_number_of_at_least_1(spread, u):
    assert isinstance(spread.at(u), int)
    assert spread.at(u) >= 1


def test_draws_are_held_between_least_and_most():
    assert [NORMAL.at(u) for u in (1e-9, 1 - 1e-9)] == [10, 90]
    assert [LOG_NORMAL.at(u) for u in (1e-9, 1 - 1e-9)] == [5, 2000]


@pytest.mark.parametrize(
    ("spread", "bounds", "mean"),
    [
        (Constant(5), [2, 9], 3.5),
        (Constant(1), [2, 9], 1),
        (DiscreteUniform(1, 4), [2], 1.75),
        (DiscreteUniform(1, 4), [9, 9], 2.5),
    ],
)
def test_what_is_drawn_may_end_at_a_bound(spread, bounds, mean):
    assert mean_of_least(spread, bounds) == mean
