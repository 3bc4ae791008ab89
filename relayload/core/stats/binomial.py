"""The binomial distribution, as far as intervals of percentiles and shares need it.

Everything follows from P(X <= k) = I(1 - p; n - k, k + 1), with I the regularized incomplete beta function, here
as the continued fraction of Lentz (Press et al., Numerical Recipes, 3rd ed., 6.4 and 5.2).
"""

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()
_TINY = 1e-300
_EPSILON = 1e-14
_PRECISION = 1e-12
_MOST_STEPS = 100
_NORMAL_FROM = 2500.0
"""The variance above which the Cornish-Fisher expansion gives the quantile to within one."""


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta function I(x; a, b), for a and b above 0."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(x, a, b) / a
    return 1.0 - front * _continued_fraction(1 - x, b, a) / b


def binomial_cdf(k: int, n: int, p: float) -> float:
    """Return P(X <= k) of n trials that each succeed with probability p."""
    if k < 0 or k >= n:
        return float(k >= n)
    return beta_cdf(1 - p, n - k, k + 1)


@lru_cache(4096)
def binomial_quantile(share: float, n: int, p: float) -> int:
    """Return the smallest k with P(X <= k) >= share; to within one where the variance is above 2500."""
    k = _normal_guess(share, n, p)
    if n * p * (1 - p) > _NORMAL_FROM:
        return k
    while k > 0 and binomial_cdf(k - 1, n, p) >= share:
        k -= 1
    while k < n and binomial_cdf(k, n, p) < share:
        k += 1
    return k


def share_bounds(k: float, n: float, confidence: float) -> tuple[float, float]:
    """Return Clopper and Pearson's one-sided bounds of a share from k of n: each holds with `confidence`."""
    if k <= 0:
        return 0.0, -math.expm1(math.log1p(-confidence) / n)
    if k >= n:
        return math.exp(math.log1p(-confidence) / n), 1.0
    return _beta_quantile(1 - confidence, k, n - k + 1), _beta_quantile(confidence, k + 1, n - k)


@lru_cache(4096)
def student_quantile(confidence: float, freedom: int) -> float:
    """Return the value that Student's t stays below with a `confidence` above a half, given the degrees of freedom."""
    squared = _beta_quantile(2 * confidence - 1, 0.5, freedom / 2)
    return math.sqrt(freedom * squared / (1 - squared))


def _continued_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1))
    value = d
    m = 0
    while True:
        m += 1
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _away_from_zero(1.0 + step * d)
            c = _away_from_zero(1.0 + step / c)
            value *= c * d
        if abs(c * d - 1.0) < _EPSILON:
            return value


def _away_from_zero(x: float) -> float:
    return x if abs(x) > _TINY else _TINY


def _normal_guess(share: float, n: int, p: float) -> int:
    """Return Cornish and Fisher's expansion to the skewness, with the continuity correction."""
    z = _NORMAL.inv_cdf(share)
    k = n * p + z * math.sqrt(n * p * (1 - p)) + (z * z - 1) * (1 - 2 * p) / 6 - 0.5
    return min(n, max(0, math.ceil(k)))


def _beta_quantile(share: float, a: float, b: float) -> float:
    """Find the quantile by Newton's steps, and by bisection where these diverge."""
    low, high, x = 0.0, 1.0, a / (a + b)
    for _ in range(_MOST_STEPS):
        beyond = beta_cdf(x, a, b) - share
        low, high = (low, x) if beyond > 0 else (x, high)
        density = _beta_density(x, a, b)
        following = x - beyond / density if density else math.inf
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - x) <= _PRECISION * max(x, 1e-6) or high - low <= _PRECISION * max(high, 1e-6):
            break
        x = following
    return x


def _beta_density(x: float, a: float, b: float) -> float:
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(front + (a - 1) * math.log(x) + (b - 1) * math.log1p(-x))
