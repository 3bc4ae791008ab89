"""A sample of one metric: its percentiles, and how far they can be trusted.

Percentiles are order statistics: the p-th is the smallest value that at least p percent of the sample do not exceed
(`inverted_cdf` in numpy). Their intervals are order statistics too and assume nothing about the distribution (David &
Nagaraja, Order Statistics, 2003, ch. 7.1).

Latencies under load are correlated: a slow request makes its neighbours slow. Such a sample is worth less than its
size, so intervals use the effective size `n · var(I) / s²`, where I marks the slowest twentieth and s² is the variance
of I from batch means in the order of the schedule (Law & Kelton, Simulation Modeling and Analysis, ch. 9.5), with √n
batches (at most 100) or half of that, whichever gives the larger variance.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import mul, sub
from typing import Protocol

from msgspec import Struct

from relayload.core.stats.binomial import binomial_quantile
from relayload.core.stats.ranks import Ranks, Sorted, WeightedValues

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
CONFIDENCE = 0.95
SMALLEST_EFFECTIVE_N = 50
"""The effective size of samples with unknown dependence between values."""
_CANCELLED = 1e-6
"""A smaller share of the squares is a difference dominated by rounding."""
_MOST_BATCHES = 100
"""More batches would be shorter, and would miss longer disturbances."""


class Percentile(Struct, frozen=True, omit_defaults=True):
    """A percentile with its 95 % interval; a bound is None where the sample is too small to have one."""

    p: float
    value: float
    low: float | None
    high: float | None
    too_late: float = 0.0
    """How much less the percentile may be, since instants of arrival are known only to lie between bounds."""


class Distribution(Struct, frozen=True, kw_only=True):
    """What a sample looks like. `effective_count` is the number of independent values that would tell as much."""

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
        """The number of independent values that would be worth as much."""


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
    ordered = sample.ordered
    low, high = interval_ranks(p / 100, ordered.count, sample.effective_n, confidence)
    return Percentile(
        p,
        ordered.quantile(p / 100),
        None if low is None else ordered.at(low),
        None if high is None else ordered.at(high),
    )


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


def effective_size(marked_at_s: Ranks, due_at_s: Ranks) -> int:
    """Return how many independent values would be worth as much as those due at `due_at_s`, some of which are marked.

    Requests that were all due at one instant have no known neighbours, so they count as the fewest.
    """
    n = due_at_s.count
    if n <= SMALLEST_EFFECTIVE_N or not 0 < marked_at_s.count < n:
        return n
    return _worth(n, lambda count: _counts(marked_at_s, due_at_s, count))


def batched_size(counts: Sequence[tuple[int, int]]) -> int:
    """Return `effective_size` from counts: marked and all requests of each second, in order of time."""
    marked, n = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    if n <= SMALLEST_EFFECTIVE_N or not 0 < marked < n:
        return n
    return _worth(n, lambda count: list(_batches(counts, n / count)))


def _worth(n: int, batches: Callable[[int], Sequence[tuple[int, int]]]) -> int:
    """Return the effective size of n requests; `batches` returns marked and all requests of so many batches."""
    most = min(math.isqrt(n), _MOST_BATCHES)
    ratios = [_variance_ratio(found) for found in map(batches, (most, most // 2)) if len(found) > 1]
    return max(SMALLEST_EFFECTIVE_N, int(n / max(ratios))) if ratios else SMALLEST_EFFECTIVE_N


def _counts(marked_at_s: Ranks, due_at_s: Ranks, batches: int) -> list[tuple[int, int]]:
    """Return marked and all requests of batches of about the same size, in order of time."""
    edges = due_at_s.edges(batches)
    marked, sizes = (_between(edges, ranks) for ranks in (marked_at_s, due_at_s))
    return [(k, size) for k, size in zip(marked, sizes, strict=True) if size]


def _between(edges: Sequence[float], ranks: Ranks) -> list[int]:
    if not edges:
        return [ranks.count]
    until = [*map(ranks.count_below, edges), ranks.count]
    return [until[0], *map(sub, until[1:], until)]


def _batches(counts: Sequence[tuple[int, int]], least: float) -> Iterator[tuple[int, int]]:
    """Yield consecutive counts merged until they reach `least`; too few at the end are left over."""
    k = size = 0
    for marked, n in counts:
        k, size = k + marked, size + n
        if size >= least:
            yield k, size
            k = size = 0


def _variance_ratio(batches: Sequence[tuple[int, int]]) -> float:
    """Return the variance of the share of marks by batch means, relative to that of independent marks; at least 1.

    A ratio that independent marks reach by chance in one of 20 samples counts as 1, and a larger one is widened as
    Student's t is for so few batches.
    """
    marked, n = (sum(column) for column in zip(*batches, strict=True))
    share = marked / n
    if share in (0.0, 1.0):
        return 1.0
    between = math.fsum((k - share * size) ** 2 for k, size in batches) * len(batches) / (len(batches) - 1)
    return _significant(between / (n * share * (1 - share)), len(batches))


def _significant(ratio: float, batches: int) -> float:
    chance = 1 + 1.645 * math.sqrt(2 / (batches - 1))
    return ratio * (1 + 2.4 / (batches - 1)) if ratio > chance else 1.0
