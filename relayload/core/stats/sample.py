"""A sample of one metric: its percentiles, and how far they can be trusted.

Percentiles are order statistics: the p-th is the smallest value that at least p percent of the sample do not exceed
(`inverted_cdf` in numpy). Their intervals are order statistics too and assume nothing about the distribution (David &
Nagaraja, Order Statistics, 2003, ch. 7.1).

Latencies under load are correlated: a slow request makes its neighbours slow. Such a sample is worth less than its
size, and how much less depends on where one looks: a queue that is rarely long keeps its slowest percent together, and
its median apart. So the interval of a percentile uses the least effective size of the values above the percentile,
above both ends of the interval, and of the slowest twentieth and hundredth. With fewer than eight effective values, the
sample is too correlated to have an interval.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from operator import mul
from typing import Protocol

from msgspec import Struct

from relayload.core.stats.binomial import binomial_quantile
from relayload.core.stats.effective_size import FEWEST
from relayload.core.stats.ranks import Ranks, Sorted, WeightedValues

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
CONFIDENCE = 0.95
_CANCELLED = 1e-6
"""A smaller share of the squares is a difference dominated by rounding."""
TAILS = (0.95, 0.99)
"""The shares below the slowest values whose clusters tell the effective size of a whole sample."""
_REFINEMENTS = 2
"""How often the ends of an interval are looked at for clusters that its percentile does not have."""


class Percentile(Struct, frozen=True, omit_defaults=True):
    """A percentile with its 95 % interval; a bound is None where the sample is too small or too correlated for it."""

    p: float
    value: float
    low: float | None
    high: float | None
    too_late: float = 0.0
    """How much less the percentile may be, since instants of arrival are known only to lie between bounds."""


class Distribution(Struct, frozen=True, kw_only=True):
    """What a sample looks like. `effective_count` is the number of independent values that would tell as much.

    It is that of the slowest twentieth and hundredth. Each percentile may have a smaller one of its own.
    """

    unit: str
    count: int
    effective_count: int
    mean: float
    stddev: float | None
    min: float
    max: float
    percentiles: tuple[Percentile, ...]


@dataclass(frozen=True, slots=True)
class Moments:
    """Size, mean and sum of squared deviations of a sample; those of parts give those of the whole.

    Source: Chan, Golub & LeVeque, Algorithms for Computing the Sample Variance (1983).
    """

    count: int
    mean: float
    squares: float

    @classmethod
    def of(cls, values: Sorted) -> "Moments":
        if not len(values):
            return cls(0, 0.0, 0.0)
        if isinstance(values, WeightedValues):
            mean = math.fsum(value * n for value, n in values.items()) / len(values)
            return cls(len(values), mean, math.fsum(n * (value - mean) ** 2 for value, n in values.items()))
        mean = sum(values) / len(values)
        squares = sum(map(mul, values, values)) - mean * mean * len(values)
        if squares < _CANCELLED * mean * mean * len(values):
            squares = math.dist(values, [mean] * len(values)) ** 2
        return cls(len(values), mean, squares)

    @classmethod
    def merged(cls, parts: Iterable["Moments"]) -> "Moments":
        parts = [part for part in parts if part.count]
        count = sum(part.count for part in parts)
        if len(parts) < 2:
            return parts[0] if parts else cls(0, 0.0, 0.0)
        mean = math.fsum(part.mean * part.count for part in parts) / count
        between = math.fsum(part.count * (part.mean - mean) ** 2 for part in parts)
        return cls(count, mean, math.fsum(part.squares for part in parts) + between)

    @property
    def stddev(self) -> float | None:
        """The standard deviation; None below two values."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else None


class Sample(Protocol):
    """The values of a metric."""

    @property
    def ordered(self) -> Ranks:
        """All values, including infinite ones."""

    @property
    def moments(self) -> Moments:
        """The moments of the finite values."""

    @property
    def effective_n(self) -> int:
        """The number of independent values that would be worth as much, by where the slowest values are."""

    def effective_above(self, threshold: float) -> int:
        """Return that number by where the values above a threshold are; those equal to it where none are above."""


def describe(sample: Sample, unit: str) -> Distribution | None:
    """Return the distribution of a sample of finite values; None if it is empty."""
    ordered, moments = sample.ordered, sample.moments
    if not moments.count:
        return None
    return Distribution(
        unit=unit,
        count=ordered.count,
        effective_count=sample.effective_n,
        mean=moments.mean,
        stddev=moments.stddev,
        min=ordered.at(1),
        max=ordered.at(ordered.count),
        percentiles=tuple(percentile(sample, p) for p in PERCENTILES),
    )


def percentile(sample: Sample, p: float, confidence: float = CONFIDENCE) -> Percentile:
    """Return one percentile of a nonempty sample, with its interval."""
    ordered, quantile = sample.ordered, p / 100
    value = ordered.quantile(quantile)
    effective_n = min(sample.effective_n, sample.effective_above(value))
    for _ in range(_REFINEMENTS):
        ends = interval_ranks(quantile, ordered.count, effective_n, confidence)
        at_ends = [sample.effective_above(ordered.at(rank)) for rank in ends if rank is not None]
        effective_n = min(effective_n, *at_ends) if at_ends else effective_n
    if effective_n < min(FEWEST, ordered.count):
        return Percentile(p, value, None, None)
    low, high = interval_ranks(quantile, ordered.count, effective_n, confidence)
    return Percentile(p, value, None if low is None else ordered.at(low), None if high is None else ordered.at(high))


def interval_ranks(quantile: float, n: int, effective_n: int, confidence: float) -> tuple[int | None, int | None]:
    """Return the ranks between which a quantile lies with that confidence; None where the sample is too small."""
    tail = (1 - confidence) / 2
    low = binomial_quantile(tail, effective_n, quantile)
    high = binomial_quantile(1 - tail, effective_n, quantile) + 1
    per_effective = n / effective_n
    return (
        max(1, math.floor(low * per_effective)) if low > 0 else None,
        min(n, math.ceil(high * per_effective)) if high <= effective_n else None,
    )
