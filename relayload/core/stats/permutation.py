"""Permutation tests: is a change of labels as likely as the labels that were seen?

Where nothing but the label tells two groups apart, every way to deal out the labels is equally likely. The p-value is
the share of them with a statistic as large as the observed one, which counts as one of them, so that it is never 0.
Labels are dealt out until enough of them were as large (Besag & Clifford, Sequential Monte Carlo p-values, 1991), so
that only a small p-value takes all of them.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType

ENOUGH = 20
"""After so many statistics as large as the observed one, the p-value is told: it is far from any level."""

Groups = tuple[Sequence[float], Sequence[float]]
"""The values of the base, and those that may be different."""


def monte_carlo_p(as_large: Callable[[], bool], most: int) -> float:
    """Return the p-value by a function that deals out labels and says whether the statistic is as large as observed."""
    found = 0
    for dealt in range(1, most + 1):
        if as_large():
            found += 1
            if found == ENOUGH:
                return found / dealt
    return (1 + found) / (1 + most)


def draws_for(level: float, looks: int) -> int:
    """Return how often to deal out labels, so that the first of so many looks may fall below the level by a factor."""
    return math.ceil(_BELOW * max(1, looks) / level) - 1


_BELOW = 3


def shift_p(
    strata: Mapping[str, Groups], seed: int, most: int, weights: Mapping[str, float] = MappingProxyType({})
) -> float:
    """Return the two-sided p-value of "within no stratum is there a shift", by ranks.

    The statistic is the sum over strata of how far the ranks of the second group lie from their expectation, each
    divided by the size of its stratum (van Elteren), and multiplied by its weight, which must not depend on what is of
    which group: as much as the values of a stratum tell, or 1. Hoeffding's inequality, which holds for drawing without
    replacement, bounds the p-value from above; where the bound is below what `most` draws can show, it is the answer.
    """
    told = [
        stratum for name, groups in strata.items() if (stratum := _ranked(groups, weights.get(name, 1.0))) is not None
    ]
    if not told:
        return 1.0
    observed = abs(sum(sum(ranks[-new:]) for ranks, new in told))
    bound = 2 * math.exp(-2 * observed**2 / sum(_squared_ranges(*each) for each in told))
    if bound < 1 / (1 + most):
        return bound
    sample = Random(f"shift:{seed}").sample
    least = observed * (1 - _ROUNDING)
    dealt = [(ranks, new, 1) if 2 * new <= len(ranks) else (ranks, len(ranks) - new, -1) for ranks, new in told]
    return monte_carlo_p(
        lambda: abs(sum(sign * sum(sample(ranks, fewer)) for ranks, fewer, sign in dealt)) >= least,
        most,
    )


_ROUNDING = 1e-9


def _ranked(groups: Groups, weight: float) -> tuple[list[float], int] | None:
    """Return the weighted ranks about their mean over the size of the stratum, and how many are of the second group.

    None for strata that tell nothing.
    """
    base, new = groups
    if not base or not new:
        return None
    counts = Counter((*base, *new))
    if len(counts) == 1:
        return None
    size = len(base) + len(new)
    ranks: dict[float, float] = {}
    below = 0
    for value in sorted(counts):
        ranks[value] = weight * (below + (counts[value] + 1) / 2 - (size + 1) / 2) / (size + 1)
        below += counts[value]
    return [ranks[value] for value in (*base, *new)], len(new)


def _squared_ranges(ranks: Sequence[float], new: int) -> float:
    """Return what a stratum adds to Hoeffding's bound: the smaller group's size times the squared range."""
    return min(new, len(ranks) - new) * (max(ranks) - min(ranks)) ** 2


def count_p(strata: Mapping[str, Groups]) -> float:
    """Return the exact two-sided p-value of "within no stratum is the share of ones another".

    All values are 0 or 1. Given how many ones a stratum has, those of its second group are hypergeometric, and the sum
    over strata is what is looked at (Mantel & Haenszel; Hollander, Wolfe & Chicken, ch. 10.2).
    """
    ways = [1.0]
    least = observed = 0
    for base, new in strata.values():
        ones, size = int(sum(base) + sum(new)), len(base) + len(new)
        lowest = max(0, ones - len(base))
        ways = _convolved(ways, _hypergeometric(size, ones, len(new), lowest))
        least, observed = least + lowest, observed + int(sum(new))
    at = observed - least
    return min(1.0, 2 * min(math.fsum(ways[at:]), math.fsum(ways[: at + 1])))


def _hypergeometric(size: int, ones: int, drawn: int, lowest: int) -> list[float]:
    """Return the probability of each number of ones among those drawn, from the lowest possible one on."""
    every = _log_comb(size, drawn)
    return [
        math.exp(_log_comb(ones, k) + _log_comb(size - ones, drawn - k) - every)
        for k in range(lowest, min(ones, drawn) + 1)
    ]


def _log_comb(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _convolved(one: Sequence[float], other: Sequence[float]) -> list[float]:
    total = [0.0] * (len(one) + len(other) - 1)
    for at, p in enumerate(one):
        for to, q in enumerate(other):
            total[at + to] += p * q
    return total
