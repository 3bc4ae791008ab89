"""The counts of `histogram`'s buckets in those of others: with given upper bounds, or exponential ones.

Each value counts as the middle of its bucket, which is within 0.4 % of it, so that one near a bound of the new buckets
may count on its other side.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from relayload.core.stats.histogram import bucket, middle_s

MOST_BUCKETS = 160
"""The most exponential buckets, as the SDKs of OpenTelemetry have them."""
FINEST_SCALE = 6
"""64 buckets for a power of two, each 1.1 % wide; narrower ones would be finer than what they are made of."""


class Bounds:
    """Buckets with given upper bounds, to which one without a bound is added."""

    def __init__(self, bounds_s: Sequence[float]) -> None:
        self.bounds_s = tuple(bounds_s)
        self._last = tuple(map(_last_within, bounds_s))

    def counts(self, counts: Mapping[int, int]) -> list[int]:
        """Return the count of each bucket."""
        within = [0] * (len(self._last) + 1)
        for index, count in counts.items():
            within[bisect_left(self._last, index)] += count
        return within


class ExponentialBuckets(NamedTuple):
    """Buckets whose bounds are powers of 2 ** 2 ** -scale. Source: the data model of OpenTelemetry's metrics."""

    scale: int
    zero: int
    """The values below a microsecond."""
    offset: int
    """The number of the first bucket, which holds values above base ** offset and up to base ** (offset + 1)."""
    counts: list[int]


def exponential(counts: Mapping[int, int]) -> ExponentialBuckets:
    """Return exponential buckets, as fine as their number allows: a wider range of values never makes them finer."""
    finest = {index: _finest(index) for index, count in counts.items() if index and count}
    first, last = min(finest.values(), default=0), max(finest.values(), default=-1)
    coarser = 0
    while (last >> coarser) - (first >> coarser) >= MOST_BUCKETS:
        coarser += 1
    offset = first >> coarser
    found = [0] * ((last >> coarser) - offset + 1) if finest else []
    for index, number in finest.items():
        found[(number >> coarser) - offset] += counts[index]
    return ExponentialBuckets(FINEST_SCALE - coarser, counts.get(0, 0), offset, found)


def total_s(counts: Mapping[int, int]) -> float:
    """Return the sum of the values, off by 0.4 % at most."""
    return math.fsum(middle_s(index) * count for index, count in counts.items())


@cache
def _finest(index: int) -> int:
    return math.ceil(math.log2(middle_s(index)) * (1 << FINEST_SCALE)) - 1


def _last_within(bound_s: float) -> int:
    """Return the last bucket whose middle is within a bound."""
    index = bucket(bound_s)
    return index if middle_s(index) <= bound_s else index - 1
