import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.stats.binomial import beta_cdf, binomial_cdf, binomial_quantile, share_bounds


def _exact_cdf(k: int, n: int, p: float) -> float:
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@given(st.integers(1, 200), st.integers(0, 200), st.floats(0.001, 0.999))
def test_the_distribution_function_is_the_sum_of_its_terms(n: int, k: int, p: float):
    assert binomial_cdf(k, n, p) == pytest.approx(_exact_cdf(min(k, n), n, p), abs=1e-10)


@pytest.mark.parametrize(("x", "expected"), [(-1.0, 0.0), (0.0, 0.0), (1.0, 1.0), (2.0, 1.0)])
def test_the_beta_function_ends_at_0_and_1(x: float, expected: float):
    assert beta_cdf(x, 2.0, 3.0) == expected


@given(st.floats(0.001, 0.999), st.integers(1, 400), st.floats(0.01, 0.99))
def test_a_quantile_is_the_first_count_that_reaches_its_share(share: float, n: int, p: float):
    k = binomial_quantile(share, n, p)
    assert binomial_cdf(k - 1, n, p) < share <= binomial_cdf(k, n, p) or k == n


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99, 0.999])
def test_quantiles_of_large_samples_are_within_one(p: float):
    n = 5_000_000
    k = binomial_quantile(0.975, n, p)
    assert binomial_cdf(k - 2, n, p) < 0.975 <= binomial_cdf(k + 1, n, p)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [  # R: binom.test(k, n, conf.level = 0.95)$conf.int
        (5, 100, 0.01643188, 0.11283491),
        (0, 20, 0.0, 0.16843348),
        (20, 20, 0.83156652, 1.0),
    ],
)
def test_bounds_of_a_share_are_clopper_and_pearsons(k: int, n: int, low: float, high: float):
    assert share_bounds(k, n, 0.975) == (pytest.approx(low, abs=1e-7), pytest.approx(high, abs=1e-7))
