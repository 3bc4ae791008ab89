"""The number of independent values that a sample of correlated ones is worth, by batch means.

Latencies under load are correlated: a slow request makes its neighbours slow. A mean or a share of n such values varies
as that of `n / inflation` independent ones would. The inflation compares the variance of the sums of consecutive
batches with that of independent values (Law & Kelton, Simulation Modeling and Analysis, ch. 9.5). No length of batch
suits every correlation, so √n batches (at most 100) are tried, half of them, a quarter, down to eight. The inflation of
each is

- 1 where independent values reach it by chance in one of 20 samples;
- multiplied by (1 + r) / (1 - r) where neighbouring batches are correlated by r, as for a first-order autoregression
  (Tafazzoli & Wilson, Skart: A Skewness- and Autoregression-Adjusted Batch-Means Procedure, 2011);
- widened as Student's t is for so few batches.

The largest counts. A test that looks often, at small error probabilities, takes the finest batches that are not
correlated with their neighbours instead (`conservative=False`), since the largest of several estimates costs it most of
its power.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import NormalDist

from relayload.core.stats.binomial import student_quantile

FEWEST = 8
"""With fewer effective values nothing can be told. Samples without a known order count as this many."""
TAIL = 0.005
"""The tail probability at which few batches are widened, unless a test has another error probability."""
_MOST_BATCHES = 100
_FEWEST_BATCHES = 8
_FEWEST_SLOTS = 4
"""With fewer slots of time the order of the values is unknown."""
_CHANCE = 1.645
_CORRELATED = 1.0
_CORRELATED_FOR_SURE = 1.645
_MOST_CORRELATED = 0.9

Batch = tuple[float, int]
"""The sum of some consecutive values, or how many of them are marked; and their number."""


def effective_size(counts: Sequence[tuple[int, int]], tail: float = TAIL, *, conservative: bool = True) -> int:
    """Return how many independent values would be worth as much.

    `counts` are the marked values and all values of each slot of time, in order. Samples of which none or all are
    marked count with their full size.
    """
    marked, n = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    if not 0 < marked < n:
        return n
    share = marked / n
    return max(1, int(n / inflation(counts, share * (1 - share), tail, conservative=conservative)))


def inflation(slots: Sequence[Batch], variance: float, tail: float = TAIL, *, conservative: bool = True) -> float:
    """Return the variance of a sum of values relative to that of independent ones; at least 1.

    `slots` are the sum and the number of the values of each slot of time, in order; `variance` is that of a single
    value. Below 64 values, none is told from that of independent ones.
    """
    n = sum(size for _, size in slots)
    if math.isqrt(n) < _FEWEST_BATCHES:
        return 1.0
    found = []
    for batches in scales(slots, n):
        ratio, correlation = _of_batches(batches, variance)
        limit = 1 / math.sqrt(len(batches))
        found.append(_inflation_of(ratio, correlation, limit, len(batches) - 1, tail))
        if not conservative and correlation <= _CORRELATED_FOR_SURE * limit:
            break
    if not found:
        return n / FEWEST
    return max(found) if conservative else found[-1]


def scales(slots: Sequence[Batch], n: int) -> Iterator[list[Batch]]:
    """Yield the values in √n batches, at most 100, then in half as many, down to 8; none if they are in few slots."""
    count = min(math.isqrt(n), _MOST_BATCHES)
    while count >= _FEWEST_BATCHES:
        batches = list(_merged(slots, n / count))
        if len(batches) < _FEWEST_SLOTS:
            return
        yield batches
        count = min(count, len(batches)) // 2


def _inflation_of(ratio: float, correlation: float, limit: float, freedom: int, tail: float) -> float:
    """Correct the ratio of variances for the correlation of neighbours and the number of batches."""
    if ratio <= 1 + _CHANCE * math.sqrt(2 / freedom):
        return 1.0
    ratio *= (student_quantile(1 - tail, freedom) / NormalDist().inv_cdf(1 - tail)) ** 2
    if correlation > _CORRELATED * limit:
        correlation = min(correlation, _MOST_CORRELATED)
        ratio *= (1 + correlation) / (1 - correlation)
    return max(1.0, ratio)


def _of_batches(batches: Sequence[Batch], variance: float) -> tuple[float, float]:
    """Return the variance of the batches relative to independent values, and the correlation of neighbours."""
    total, n = (math.fsum(column) for column in zip(*batches, strict=True))
    mean = total / n
    off = [own - mean * size for own, size in batches]
    squares = math.fsum(value * value for value in off)
    if not squares or not variance:
        return 1.0, 0.0
    correlation = math.fsum(one * other for one, other in pairwise(off)) / squares + 1 / len(off)
    return squares * len(off) / (len(off) - 1) / (n * variance), correlation


def _merged(slots: Sequence[Batch], size: float) -> Iterator[Batch]:
    """Yield consecutive slots merged into batches that end where the next multiple of a size is reached."""
    total, n, before, cuts = 0.0, 0, 0, 0
    for own, number in slots:
        total, n = total + own, n + number
        reached = int((before + n) / size + 1e-9)
        if reached > cuts:
            yield total, n
            total, n, before, cuts = 0.0, 0, before + n, reached
