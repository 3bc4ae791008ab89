"""Sorted samples with access by rank: several at once without merging, or each distinct value with its count."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol


def rank_of(quantile: float, n: int) -> int:
    """Return the rank of a quantile among n sorted values, counting from 1."""
    return max(1, math.ceil(quantile * n - 1e-9))


class Ranks(Protocol):
    """A sorted sample with access by rank."""

    __slots__ = ()

    count: int

    def at(self, rank: int) -> float:
        """Return the value at a rank, counting from 1. Raises IndexError outside of 1 to count."""

    def count_below(self, value: float) -> int: ...
    def quantile(self, quantile: float) -> float:
        """Return the value that this share of the sample does not exceed. Raises IndexError without values."""
        return self.at(rank_of(quantile, self.count))


class SortedRuns(Ranks):
    """The values of sorted arrays as if they were one. A rank costs some tens of bisections; merging would cost n."""

    __slots__ = ("_arrays", "count")

    def __init__(self, arrays: Iterable[Sequence[float]]) -> None:
        self._arrays = [array for array in arrays if len(array)]
        self.count = sum(map(len, self._arrays))

    def at(self, rank: int) -> float:
        if not 1 <= rank <= self.count:
            raise IndexError(rank)
        spans = [(array, 0, len(array)) for array in self._arrays]
        while True:
            widest, low, high = max(spans, key=_width)
            pivot = widest[(low + high) // 2]
            below = [bisect_left(array, pivot, low, high) for array, low, high in spans]
            upto = [bisect_right(array, pivot, cut, high) for (array, _, high), cut in zip(spans, below, strict=True)]
            if rank <= sum(below):
                spans = [(array, low, cut) for (array, low, _), cut in zip(spans, below, strict=True)]
            elif rank > sum(upto):
                spans = [(array, cut, high) for (array, _, high), cut in zip(spans, upto, strict=True)]
            else:
                return pivot

    def count_below(self, value: float) -> int:
        return sum(bisect_left(array, value) for array in self._arrays)


class WeightedValues(Ranks):
    """A sorted sample that keeps each distinct value once, with its count."""

    __slots__ = ("_until", "count", "counts", "values")

    def __init__(self, counts: Mapping[Any, int]) -> None:
        """Take the counts of distinct values, by the value: a number."""
        self.values: list[float] = sorted(counts)
        self.counts = list(map(counts.__getitem__, self.values))
        self._until = list(accumulate(self.counts))
        self.count = self._until[-1] if self._until else 0

    def __len__(self) -> int:
        return self.count

    def at(self, rank: int) -> float:
        if not 1 <= rank <= self.count:
            raise IndexError(rank)
        return self.values[bisect_left(self._until, rank)]

    def count_below(self, value: float) -> int:
        position = bisect_left(self.values, value)
        return self._until[position - 1] if position else 0

    def items(self) -> Iterable[tuple[float, int]]:
        """Return each distinct value, in order, with its count."""
        return zip(self.values, self.counts, strict=True)


Sorted = Sequence[float] | WeightedValues
"""A sorted sample, value by value or counted."""
_MANY = 1 << 20


def repeated(value: float, count: int) -> Sorted:
    """Return a sample of one value, counted where the count would exhaust memory, as a recording may claim."""
    return [value] * count if count < _MANY else WeightedValues({value: count})


def together(parts: Iterable[Sorted]) -> Ranks:
    """Return the values of sorted samples as if they were one; if any is counted, all are."""
    parts = list(parts)
    plain = [part for part in parts if not isinstance(part, WeightedValues)]
    if len(plain) == len(parts):
        return SortedRuns(plain)
    counts: Counter[float] = Counter()
    for part in parts:
        counts.update(dict(part.items()) if isinstance(part, WeightedValues) else part)
    return WeightedValues(counts)


def _width(span: tuple[Sequence[float], int, int]) -> int:
    _, low, high = span
    return high - low
