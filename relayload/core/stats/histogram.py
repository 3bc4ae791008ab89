"""Counts of durations in log-linear buckets: small, exactly mergeable, within 0.4 %.

Up to 256 µs a bucket is one microsecond wide; above, every power of two holds 128 buckets, so a bucket is at most 1/128
of its value wide and its middle at most 1/256 (0.39 %) away. Bucket numbers have no gaps. Source: the layout of
HdrHistogram (Tene, 2012) with 7 bits of precision.
"""

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from relayload.core.stats.ranks import WeightedValues

PRECISION_BITS = 7
_LINEAR_US = 2 << PRECISION_BITS
_LAST = 64 << PRECISION_BITS
"""The last bucket in use, which is that of a hundred thousand years."""


def bucket(value_s: float) -> int:
    """Return the bucket of a duration; 0 for anything below a microsecond."""
    value_us = int(value_s * 1e6)
    if value_us < _LINEAR_US:
        return value_us if value_us > 0 else 0
    shift = value_us.bit_length() - PRECISION_BITS - 1
    return (shift << PRECISION_BITS) + (value_us >> shift)


def middle_s(index: int) -> float:
    """Return the middle of a bucket in seconds; 0 for the first, which counts zero durations."""
    if index == 0:
        return 0.0
    if index < _LINEAR_US:
        return (index + 0.5) * 1e-6
    index = min(index, _LAST)
    shift = (index >> PRECISION_BITS) - 1
    return (index - (shift << PRECISION_BITS) + 0.5) * (1 << shift) * 1e-6


def buckets(values_s: Sequence[float]) -> list[int]:
    """Return the bucket of each duration, none of which is NaN, at a third of the cost of one by one.

    From 128 µs on, the exponent and the first bits of the mantissa of a float are its bucket, up to a constant.
    """
    if not any(values_s):
        return [0] * len(values_s)
    values_us = array("d", map((1e6).__mul__, values_s))
    words = memoryview(values_us).cast("B").cast("I")[_HIGH_WORD::2].tolist()
    if min(words) >= _FIRST_WORD and max(words) < _NEGATIVE_WORD:
        return [(word >> _WORD_SHIFT) - _WORD_BASE for word in words]
    return [
        (word >> _WORD_SHIFT) - _WORD_BASE if _FIRST_WORD <= word < _NEGATIVE_WORD else max(int(value_us), 0)
        for word, value_us in zip(words, values_us, strict=True)
    ]


_HIGH_WORD = 1 if sys.byteorder == "little" else 0
_WORD_SHIFT = 20 - PRECISION_BITS
"""The upper half of a float has its sign, 11 bits of exponent and 20 of mantissa."""
_FIRST_WORD = (1023 + PRECISION_BITS) << 20
"""The upper half of 128.0."""
_WORD_BASE = (_FIRST_WORD >> _WORD_SHIFT) - (1 << PRECISION_BITS)
_NEGATIVE_WORD = 1 << 31


def packed(counts: Mapping[int, int]) -> bytes:
    """Return the counts of buckets for storage or another process: little-endian, and three bytes each if all are few.

    A byte says how wide the counts are, then come the buckets and then their counts. Nothing is empty.
    """
    if not counts:
        return b""
    order = sorted(counts)
    numbers = list(map(counts.__getitem__, order))
    code = next(code for code in _CODES if max(numbers) < 1 << 8 * array(code).itemsize)
    return code.encode() + _little_endian(array("H", order)).tobytes() + _little_endian(array(code, numbers)).tobytes()


def unpacked(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the packed buckets, each with its count. Raises ValueError for other data."""
    if not data:
        return iter(())
    code = data[:1].decode("latin-1")
    if code not in _CODES:
        raise ValueError(f"counts of no known width: {code!r}")
    order, numbers = array("H"), array(code)
    ends = 1 + (len(data) - 1) // (order.itemsize + numbers.itemsize) * order.itemsize
    order.frombytes(data[1:ends])
    numbers.frombytes(data[ends:])
    return zip(_little_endian(order), _little_endian(numbers), strict=True)


_CODES = "BHIQ"
"""The widths of counts, as `array` names them."""


def _little_endian(numbers: "array[int]") -> "array[int]":
    if sys.byteorder != "little":
        numbers.byteswap()
    return numbers


class Histogram:
    """Counts of durations by bucket. Adding and merging commute, so any split gives the same counts."""

    __slots__ = ("counts",)

    def __init__(self, values_s: Iterable[float] = ()) -> None:
        self.counts: defaultdict[int, int] = defaultdict(int)
        for value_s in values_s:
            self.add(value_s)

    def add(self, value_s: float) -> None:
        self.add_bucket(bucket(value_s), 1)

    def add_bucket(self, index: int, count: int) -> None:
        self.counts[index] += count

    def add_sparse(self, pairs: Iterable[int]) -> None:
        """Add counts written flat as bucket, count, bucket, count ..."""
        counts, numbers = self.counts, iter(pairs)
        for index, count in zip(numbers, numbers, strict=True):
            counts[index] += count

    def add_counts(self, counts: Mapping[int, int]) -> None:
        """Add the counts of buckets."""
        for index, count in counts.items():
            self.counts[index] += count

    def merge(self, other: "Histogram") -> None:
        self.add_counts(other.counts)

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def values(self) -> WeightedValues:
        """Return the durations, each as the middle of its bucket."""
        counts: defaultdict[float, int] = defaultdict(int)
        for index, count in self.counts.items():
            counts[middle_s(index)] += count
        return WeightedValues(counts)

    def quantile_s(self, quantile: float) -> float | None:
        """Return the duration that this share of them does not exceed; None without any."""
        buckets_in_order = WeightedValues(self.counts)  # whose order is that of their middles, which cost more
        return middle_s(int(buckets_in_order.quantile(quantile))) if buckets_in_order.count else None
