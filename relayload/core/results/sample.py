"""A sample of one metric: its percentiles, and how far they can be trusted.

Percentiles are order statistics: the p-th is the smallest value that at least p percent of the sample do not
exceed (`inverted_cdf` in numpy). Their intervals are order statistics too and assume nothing about the
distribution (David & Nagaraja, Order Statistics, 2003, ch. 7.1).

Latencies under load come in runs: a slow request makes its neighbours slow. Such a sample tells less than its size
says, so intervals use the effective size `n · var(I) / s²`, where I marks the values above the 95th percentile and
s² is the variance of I that batch means give, in the order of the schedule (Law & Kelton, Simulation Modeling and
Analysis, ch. 9.5), with √n or √n/2 batches, whichever gives more.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from relayload.core.results.binomial import binomial_quantile

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
CONFIDENCE = 0.95
_SMALLEST_EFFECTIVE_N = 50
_MARKED_ABOVE = 0.95


class Percentile(Struct, frozen=True):
    """A percentile with its 95 % interval; a bound is None where the sample is too small to have one."""

    p: float
    value: float
    low: float | None
    high: float | None


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


class Ranked(Protocol):
    """A sorted sample, exact or in buckets."""

    @property
    def count(self) -> int: ...
    def at_ranks(self, ranks: Iterable[int]) -> list[float]: ...


class Spread(Ranked, Protocol):
    """A sorted sample of finite values."""

    @property
    def mean_s(self) -> float | None: ...
    @property
    def stddev_s(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Exact:
    """A sample whose every value is known, sorted."""

    ordered: Sequence[float]

    @property
    def count(self) -> int:
        return len(self.ordered)

    @property
    def mean_s(self) -> float | None:
        return math.fsum(self.ordered) / self.count if self.ordered else None

    @property
    def stddev_s(self) -> float | None:
        mean = self.mean_s
        if mean is None or self.count < 2:
            return None
        return math.sqrt(math.fsum([(value - mean) ** 2 for value in self.ordered]) / (self.count - 1))

    def at_ranks(self, ranks: Iterable[int]) -> list[float]:
        return [self.ordered[rank - 1] for rank in ranks]


def describe(sample: Spread, unit: str, effective_n: int) -> Distribution | None:
    """The distribution of a sample; None if it is empty."""
    mean = sample.mean_s
    if mean is None:
        return None
    low, high = sample.at_ranks([1, sample.count])
    return Distribution(
        unit=unit,
        count=sample.count,
        effective_count=effective_n,
        mean=mean,
        stddev=sample.stddev_s,
        min=low,
        max=high,
        percentiles=tuple(percentile(sample, p, effective_n) for p in PERCENTILES),
    )


def percentile(sample: Ranked, p: float, effective_n: int, confidence: float = CONFIDENCE) -> Percentile:
    """One percentile of a sample that is not empty, with its interval."""
    low, high = interval_ranks(p / 100, sample.count, effective_n, confidence)
    (value,) = sample.at_ranks([rank_of(p / 100, sample.count)])
    return Percentile(
        p,
        value,
        None if low is None else sample.at_ranks([low])[0],
        None if high is None else sample.at_ranks([high])[0],
    )


def rank_of(quantile: float, n: int) -> int:
    """The rank of a quantile among n sorted values, counting from 1."""
    return max(1, math.ceil(quantile * n - 1e-9))


def interval_ranks(quantile: float, n: int, effective_n: int, confidence: float) -> tuple[int | None, int | None]:
    """The ranks between which a quantile lies with that confidence; None where the sample does not reach so far."""
    tail = (1 - confidence) / 2
    low = binomial_quantile(tail, effective_n, quantile)
    high = binomial_quantile(1 - tail, effective_n, quantile) + 1
    per_effective = n / effective_n
    return (
        max(1, math.floor(low * per_effective)) if low > 0 else None,
        min(n, math.ceil(high * per_effective)) if high <= effective_n else None,
    )


def effective_size(values: Sequence[float], due_s: Sequence[float], ordered: Sequence[float]) -> int:
    """How many independent values would tell as much as these, which were due at `due_s`.

    `ordered` are the values sorted. Values of infinity count as any other. Where nothing is above the 95th
    percentile, since many share the highest value, those at it are marked.
    """
    n = len(values)
    if n <= _SMALLEST_EFFECTIVE_N:
        return n
    threshold = ordered[rank_of(_MARKED_ABOVE, n) - 1]
    all_due_s = sorted(due_s)
    rows = list(zip(values, due_s, strict=True))
    marked_due_s = [due for value, due in rows if value > threshold] or [
        due for value, due in rows if value >= threshold
    ]
    marked = [bisect_left(all_due_s, due) for due in marked_due_s]
    batches = math.isqrt(n)
    ratio = max(_variance_ratio(marked, n, batches), _variance_ratio(marked, n, batches // 2))
    return max(_SMALLEST_EFFECTIVE_N, int(n / ratio))


def _variance_ratio(marked: list[int], n: int, batches: int) -> float:
    """Variance of the share of marks by batch means, over what independent marks would have; at least 1.

    `marked` are the positions of the marks among n. A ratio that independent marks reach by chance in one of 20
    samples counts as 1, and a larger one is widened as Student's t is for so few batches.
    """
    size = n // batches
    marks = [0] * (batches + 1)  # the last one holds what is left over
    for position in marked:
        marks[min(position // size, batches)] += 1
    share = sum(marks[:batches]) / (batches * size)
    if share in (0.0, 1.0):
        return 1.0
    between = size * sum((count / size - share) ** 2 for count in marks[:batches]) / (batches - 1)
    ratio = between / (share * (1 - share))
    chance = 1 + 1.645 * math.sqrt(2 / (batches - 1))
    return ratio * (1 + 2.4 / (batches - 1)) if ratio > chance else 1.0
