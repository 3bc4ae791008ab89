"""The exact test of Mann and Whitney between two small samples, and the shift between them.

The only assumption on the distributions is that a change shifts them. Ties get the middle rank, and the distribution is
that of all ways to deal out the values, so p-values are exact with ties as well. Above forty values in all the normal
distribution approximates it. Source: Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., ch.
4.1-4.3.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from operator import add
from statistics import NormalDist, median

_MOST_EXACT = 40


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the new sample lies above the base; `low` and `high` are None where the samples are too small."""

    value: float
    low: float | None
    high: float | None


def p_above(base: Sequence[float], new: Sequence[float], by: float = 0.0) -> float:
    """Return the p-value of "new does not lie above base by more than `by`": small when it certainly does."""
    ranks = _doubled_ranks([*base, *(value - by for value in new)])
    observed = sum(ranks[len(base) :])
    if len(ranks) > _MOST_EXACT:
        return 1 - _normal(ranks, len(new)).cdf(observed - 1)  # doubled sums are mostly two apart
    ways = _ways(ranks, len(new))
    return sum(ways[observed:]) / sum(ways)


def p_below(base: Sequence[float], new: Sequence[float], by: float = 0.0) -> float:
    """Return the p-value of "new lies above base by `by` or more": small when it certainly does not."""
    return p_above([-value for value in base], [-value for value in new], -by)


def p_different(base: Sequence[float], new: Sequence[float]) -> float:
    """Return the two-sided p-value of "there is no shift"."""
    return min(1.0, 2 * min(p_above(base, new), p_below(base, new)))


def shift(base: Sequence[float], new: Sequence[float], confidence: float = 0.95) -> Shift:
    """Return the median of all differences new - base (Hodges and Lehmann), with the interval of the test."""
    differences = sorted(after - before for before in base for after in new)
    cut = _cut(len(base), len(new), (1 - confidence) / 2)
    low, high = (differences[cut - 1], differences[-cut]) if cut else (None, None)
    return Shift(median(differences), low, high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values, which together raise a false alarm no more often than one would.

    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure (1979).
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for position, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - position)))
        adjusted[index] = highest
    return adjusted


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Return twice the rank of each value, ties in the middle, so that all are whole."""
    counts = Counter(values)
    doubled: dict[float, int] = {}
    below = 0
    for value in sorted(counts):
        doubled[value] = 2 * below + counts[value] + 1
        below += counts[value]
    return [doubled[value] for value in values]


def _ways(ranks: Sequence[int], size: int) -> list[int]:
    """Return, for each sum, in how many ways `size` of the ranks give it."""
    sums = sum(ranks) + 1
    ways = [[0] * sums for _ in range(size + 1)]
    ways[0][0] = 1
    for rank in ranks:
        for chosen in range(size, 0, -1):
            ways[chosen][rank:] = map(add, ways[chosen][rank:], ways[chosen - 1])
    return ways[size]


def _normal(ranks: Sequence[int], size: int) -> NormalDist:
    """Return the distribution of the sum of `size` ranks drawn without replacement: mean and variance are exact."""
    n = len(ranks)
    mean = sum(ranks) / n
    variance = sum((rank - mean) ** 2 for rank in ranks) / n
    return NormalDist(size * mean, math.sqrt(variance * size * (n - size) / (n - 1)) or 1e-9)


@cache
def _cut(base: int, new: int, tail: float) -> int:
    """Return which sorted difference, from either end, is the end of the interval; 0 without an interval."""
    ranks = range(1, base + new + 1)
    least = new * (new + 1) // 2
    if base + new > _MOST_EXACT:
        return max(0, math.floor(_normal(ranks, new).inv_cdf(tail) - 0.5) - least + 1)
    ways = _ways(ranks, new)[least:]
    most = tail * math.comb(base + new, new)
    return sum(passed <= most for passed in accumulate(ways[: base * new // 2]))
