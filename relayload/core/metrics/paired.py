"""How much one target adds to another, from pairs of requests that were sent side by side in one run.

A pair shares its instant and its prompt, and neighbouring pairs share the state of the network and of the relay. What
pairs have in common cancels out of the difference between two percentiles; the dependence between neighbours widens its
interval.

- Each target's percentile has an interval of order statistics. That of the difference holds every difference that
  errors of both may give together at that confidence, considering how they correlate. Source: Zou & Donner,
  Construction of confidence limits about effect measures, Statistics in Medicine 27 (2008), the method of variance
  estimates recovery.
- The errors are those of counts: how many pairs lie below the percentile at one target, at the other, and at one alone.
  Their variances come from batches of consecutive pairs; the counts at one alone get four pairs more, because few or
  none of strongly correlated pairs may differ.
- Batches that are too short understate the variance, so it is extrapolated from half their length, and its 90 % upper
  bound is taken. Source: Vats & Flegal, Lugsail lag windows for estimating time-average covariance matrices, Biometrika
  109 (2022).
- There is no interval where pairs are so dependent that few independent ones would tell as much, at the percentile or
  at the median, or where too few lie beyond the percentile: no estimate shows what the sample lacks.

`tests/core/metrics/test_paired.py` simulates how often such intervals contain the true value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import ne, sub
from statistics import NormalDist

from relayload.core.stats.binomial import binomial_quantile
from relayload.core.stats.ranks import rank_of

PERCENTILES = (50.0, 95.0, 99.0)
_FEWEST_PAIRS = 50
_FEWEST_INDEPENDENT = 25
"""The fewest independent pairs that these have to be worth."""
_BATCHES = (128, 64, 32, 16, 8)
_TAIL = 0.025
_MORE_APART = 4
_DIRECTIONS = 64
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Added:
    """How much larger a percentile is, with its 95 % interval; the bounds are None where the pairs are too few."""

    p: float
    base: float
    new: float
    low: float | None
    high: float | None
    n: int
    """The number of pairs."""
    effective_n: int
    """The number of independent pairs that would give as much information."""
    pairs_needed: int | None
    """How many pairs like these an interval takes; None where there is one."""

    @property
    def value(self) -> float:
        return self.new - self.base


def added(before: Sequence[float], after: Sequence[float], percentiles: Sequence[float] = PERCENTILES) -> list[Added]:
    """Return the percentiles of `after` less those of `before`: the values of each pair, in schedule order."""
    if not before:
        return []
    sides = _Side(before, sorted(before)), _Side(after, sorted(after))
    median = _Errors.of(50.0, *sides)
    return [_added(p, sides, median) for p in percentiles]


def _added(p: float, sides: "tuple[_Side, _Side]", median: "_Errors") -> Added:
    before, after = sides
    errors, n = _Errors.of(p, before, after), len(before.values)
    grounds = [
        (errors.effective_n, _independent_needed(p)),
        (median.effective_n, _FEWEST_INDEPENDENT),
        (n, _FEWEST_PAIRS),
    ]
    effective_n, needed = min(grounds, key=lambda ground: ground[0] / ground[1])
    if effective_n >= needed:
        low, high = errors.interval(*sides)
        return Added(p, before.at(p), after.at(p), low, high, n, errors.effective_n, None)
    return Added(p, before.at(p), after.at(p), None, None, n, effective_n, math.ceil(needed * n / effective_n))


def _independent_needed(p: float) -> int:
    """Return the independent pairs that bound a percentile on both sides; 72 for p95, 368 for p99."""
    beyond = min(p, 100 - p) / 100
    return max(_FEWEST_INDEPENDENT, math.ceil(math.log(_TAIL) / math.log1p(-beyond)))


@dataclass(frozen=True, slots=True)
class _Side:
    """The values of one target: in the order of the schedule, and sorted."""

    values: Sequence[float]
    ordered: Sequence[float]

    def at(self, p: float) -> float:
        return self.ordered[rank_of(p / 100, len(self.ordered)) - 1]

    def below(self, p: float) -> list[bool]:
        """Return which values do not exceed a percentile, in the order of the schedule; if all, which are below it."""
        limit = self.at(p)
        return list(map(limit.__gt__ if limit == self.ordered[-1] else limit.__ge__, self.values))

    def bounds(self, p: float, effective_n: int) -> tuple[float, float, float]:
        """Return the lower bound of a percentile, the percentile and its upper bound."""
        n = len(self.ordered)
        low, high = (binomial_quantile(share, effective_n, p / 100) for share in (_TAIL, 1 - _TAIL))
        first = max(1, math.floor(low * n / effective_n))
        last = min(n, math.ceil((high + 1) * n / effective_n))
        return self.ordered[first - 1], self.at(p), self.ordered[last - 1]


@dataclass(frozen=True, slots=True)
class _Errors:
    """The variances of how many pairs lie below a percentile: before, after, and the difference of both."""

    p: float
    n: int
    independent: float
    """What the variances of both would be if pairs were independent."""
    before: float
    after: float
    apart: float

    @classmethod
    def of(cls, p: float, before: _Side, after: _Side) -> "_Errors":
        marks = before.below(p), after.below(p)
        n = len(marks[0])
        independent = max(n * share * (1 - share) for share in (p / 100, *(sum(below) / n for below in marks)))
        batched = {count: _batch_variances(*marks, count) for count in _BATCHES}
        of_each = zip(*(batched[count] for count in _BATCHES), strict=True)
        least = (independent, independent, float(sum(map(ne, *marks))))
        variances = (_bounded(found, floor) for found, floor in zip(of_each, least, strict=True))
        first, second, apart = variances
        return cls(p, n, independent, first, second, apart + _MORE_APART)

    @property
    def effective_n(self) -> int:
        return self._worth(max(self.before, self.after))

    def interval(self, before: _Side, after: _Side) -> tuple[float, float]:
        """Return the least and the greatest difference within the joint errors of both percentiles."""
        bounds = [
            side.bounds(self.p, self._worth(variance))
            for side, variance in ((before, self.before), (after, self.after))
        ]
        correlation = self._correlation
        rest = math.sqrt(1 - correlation**2)
        differences = [after.at(self.p) - before.at(self.p)]
        for direction in range(_DIRECTIONS):
            angle = math.tau * direction / _DIRECTIONS
            here, there = math.cos(angle), correlation * math.cos(angle) + rest * math.sin(angle)
            differences.append(_between(bounds[1], there) - _between(bounds[0], here))
        return min(differences), max(differences)

    @property
    def _correlation(self) -> float:
        covariance = (self.before + self.after - self.apart) / 2
        return max(-1.0, min(1.0, covariance / math.sqrt(self.before * self.after)))

    def _worth(self, variance: float) -> int:
        """Return the number of independent pairs whose count would vary as much, relative to their number."""
        return max(1, math.floor(self.n * self.independent / variance + 1e-9))


def _batch_variances(before: Sequence[bool], after: Sequence[bool], count: int) -> tuple[float, float, float]:
    """Return the variances of the sums of marks, and of their difference, from so many batches."""
    n = len(before)
    edges = [n * batch // count for batch in range(count + 1)]
    sums = [[sum(marks[begin:end]) for begin, end in pairwise(edges)] for marks in (before, after)]
    sizes = [end - begin for begin, end in pairwise(edges)]
    first, second, apart = (_variance(found, sizes) for found in (*sums, list(map(sub, *reversed(sums)))))
    return first, second, apart


def _variance(sums: Sequence[int], sizes: Sequence[int]) -> float:
    mean = sum(sums) / sum(sizes)
    squares = math.fsum((found - mean * size) ** 2 for found, size in zip(sums, sizes, strict=True))
    return squares * len(sums) / (len(sums) - 1)


def _bounded(batched: Sequence[float], independent: float) -> float:
    """Return the upper bound of a variance, given that of independent pairs and one for each number of batches.

    A variance that independent pairs reach by chance in one of 100 runs counts as theirs.
    """
    found, shorter = independent, math.inf
    for count, variance in zip(_BATCHES, batched, strict=True):
        if variance > independent * (1 + _NORMAL.inv_cdf(0.99) * math.sqrt(2 / (count - 1))):
            extrapolated = variance + max(0.0, variance - shorter)
            found = max(found, extrapolated * _upper(count - 1))
        shorter = variance
    return found


def _upper(freedom: int) -> float:
    """Return the 90 % upper bound of a variance, relative to its estimate.

    Source: Wilson & Hilferty, The Distribution of Chi-Square (1931).
    """
    part = 2 / (9 * freedom)
    return (1 - part + _NORMAL.inv_cdf(0.1) * math.sqrt(part)) ** -3


def _between(bounds: tuple[float, float, float], error: float) -> float:
    """Return the percentile that is off by an error: -1 is at its lower bound, and 1 at the upper one."""
    low, middle, high = bounds
    return middle + error * (high - middle if error > 0 else middle - low)
