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
correlated with their neighbours instead (`wary=False`), since the largest of several estimates costs it most of its
power.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from operator import sub
from statistics import NormalDist

from relayload.core.stats.binomial import student_quantile
from relayload.core.stats.ranks import Ranks

FEWEST = 8
"""With fewer effective values nothing can be told. Samples without a known order count as this many."""
TAIL = 0.005
"""The probability at which few batches are widened; a test with a smaller error uses its own."""
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


def effective_size(marked_at_s: Ranks, due_at_s: Ranks) -> int:
    """Return how many independent values would be worth as much as those due at `due_at_s`, some of which are marked.

    Requests that were all due at one instant have no known neighbours, so they count as the fewest.
    """
    n = due_at_s.count
    if not 0 < marked_at_s.count < n:
        return n
    share = marked_at_s.count / n
    return size_of(n, inflation(n, share * (1 - share), lambda count: _cut(marked_at_s, due_at_s, count)))


def batched_size(counts: Sequence[tuple[int, int]], tail: float = TAIL, *, wary: bool = True) -> int:
    """Return the effective size from counts: marked and all values of each slot of time, in order."""
    marked, n = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    if not 0 < marked < n:
        return n
    return size_of(n, slotted_inflation(counts, marked / n * (1 - marked / n), tail, wary=wary))


def size_of(n: int, inflated: float) -> int:
    """Return the effective size of n values, at least 1."""
    return max(1, int(n / inflated))


def slotted_inflation(slots: Sequence[Batch], variance: float, tail: float = TAIL, *, wary: bool = True) -> float:
    """Return the inflation of values whose sum and number is known of each slot of time, in order."""
    n = sum(size for _, size in slots)
    if math.isqrt(n) >= _FEWEST_BATCHES and sum(1 for _, size in slots if size) < _FEWEST_SLOTS:
        return n / FEWEST
    return inflation(n, variance, lambda count: list(_merged(slots, n / count)), tail, wary=wary)


def inflation(
    n: int, variance: float, batches: Callable[[int], Sequence[Batch]], tail: float = TAIL, *, wary: bool = True
) -> float:
    """Return the variance of the sum of n values relative to that of independent ones; at least 1.

    `variance` is that of a single value; `batches` cuts the values into about so many consecutive batches.
    """
    largest, count = 1.0, min(math.isqrt(n), _MOST_BATCHES)
    while count >= _FEWEST_BATCHES:
        found = batches(count)
        if len(found) < _FEWEST_SLOTS:
            return max(largest, n / FEWEST)
        ratio, correlation = _of_batches(found, variance)
        limit = 1 / math.sqrt(len(found))
        if ratio > 1 + _CHANCE * math.sqrt(2 / (len(found) - 1)):
            ratio *= _widening(len(found) - 1, tail)
            if correlation > _CORRELATED * limit:
                correlation = min(correlation, _MOST_CORRELATED)
                ratio *= (1 + correlation) / (1 - correlation)
            largest = max(largest, ratio) if wary else max(1.0, ratio)
        elif not wary:
            largest = 1.0
        if not wary and correlation <= _CORRELATED_FOR_SURE * limit:
            break
        count = min(count, len(found)) // 2
    return largest


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


def _widening(freedom: int, tail: float) -> float:
    return (student_quantile(1 - tail, freedom) / NormalDist().inv_cdf(1 - tail)) ** 2


def _cut(marked_at_s: Ranks, due_at_s: Ranks, batches: int) -> list[Batch]:
    """Return marked and all requests of batches of about the same size, in order of time."""
    edges = due_at_s.edges(batches)
    marked, sizes = (_between(edges, ranks) for ranks in (marked_at_s, due_at_s))
    return [(k, size) for k, size in zip(marked, sizes, strict=True) if size]


def _between(edges: Sequence[float], ranks: Ranks) -> list[int]:
    if not edges:
        return [ranks.count]
    until = [*map(ranks.count_below, edges), ranks.count]
    return [until[0], *map(sub, until[1:], until)]


def _merged(slots: Sequence[Batch], least: float) -> Iterator[Batch]:
    """Yield consecutive slots merged until they reach `least`; too few at the end are left over."""
    total, n = 0.0, 0
    for own, size in slots:
        total, n = total + own, n + size
        if n >= least:
            yield total, n
            total, n = 0.0, 0
