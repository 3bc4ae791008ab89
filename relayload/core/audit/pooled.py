"""The answers of two sources to one prompt, and the discrepancy for any way to label them.

With A the likeness of each answer to each, and z the labels (1 for the first source, 0 for the second), all that the
discrepancy depends on is z'Az and the sum of z over the rows of A. The rows are packed into long integers, a field for
each answer, and the sums of up to seven rows are kept, so that a labelling costs about a microsecond.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import comb
from random import Random

from relayload.core.audit.likeness import likenesses

_FIELD = 30
"""The width of a field: a sum of fields is the remainder by `_FIELDS`, for which Python has its fastest division."""
_FIELDS = (1 << _FIELD) - 1
_TOGETHER = 7
"""Rows whose sums are kept."""
_LOW = (1 << _TOGETHER) - 1


class Pooled:
    """Answers of which the first `ones` are of one source, and the others of another."""

    __slots__ = ("_all", "_between", "_constant", "_divisor", "_size", "_sums", "_within", "ones")

    def __init__(self, alike: Sequence[Sequence[int]], ones: int) -> None:
        """Take a symmetric matrix of likenesses, whose diagonal does not matter."""
        size = self._size = len(alike)
        self.ones = n = ones
        m = size - n
        to_others = [sum(row) - row[at] for at, row in enumerate(alike)]
        rows = [
            sum(value << _FIELD * column for column, value in enumerate(row) if column != at)
            + (to_others[at] << _FIELD * size)
            for at, row in enumerate(alike)
        ]
        self._sums = [(_sums(rows[at : at + _TOGETHER]), _masks(at, size)) for at in range(0, size, _TOGETHER)]
        self._within = n * (n - 1) + m * (m - 1) + 2 * (n - 1) * (m - 1)
        self._between = -2 * n * (n - 1) - 2 * (n - 1) * (m - 1)
        self._constant = sum(to_others) * n * (n - 1)
        self._divisor = n * (n - 1) * m * (m - 1)
        self._all = _FIELD * size

    @classmethod
    def of(cls, one: Sequence[str], other: Sequence[str]) -> "Pooled":
        return cls(likenesses([*one, *other]), len(one))

    @property
    def others(self) -> int:
        return self._size - self.ones

    @property
    def observed(self) -> float:
        """The discrepancy of the sources as they are."""
        return self._discrepancy((1 << self.ones) - 1)

    def relabelled(self, random: Random) -> float:
        """Return the discrepancy with the labels dealt out anew."""
        return self._discrepancy(_subset(random, self._size, self.ones))

    def _discrepancy(self, labels: int) -> float:
        """Return it for the answers of the first source as bits.

        All pairs are within it, between both, or within the second; with the sums to others two of three are known.
        """
        total = mask = 0
        for sums, masks in self._sums:
            chosen = labels & _LOW
            total += sums[chosen]
            mask += masks[chosen]
            labels >>= _TOGETHER
        within = (total & mask) % _FIELDS
        return (within * self._within + (total >> self._all) * self._between + self._constant) / self._divisor


def _sums(rows: Sequence[int]) -> list[int]:
    """Return the sum of the rows of each subset, which is a number of bits."""
    sums = [0]
    for row in rows:
        sums += [each + row for each in sums]
    return sums


@lru_cache(256)
def _masks(first: int, size: int) -> list[int]:
    """Return the fields of each subset of the rows from `first` on."""
    return _sums([_FIELDS << _FIELD * row for row in range(first, min(first + _TOGETHER, size))])


def _subset(random: Random, size: int, chosen: int) -> int:
    """Return a subset as bits, each as likely as any other."""
    if not _is_usual(size, chosen):
        return sum(1 << each for each in random.sample(range(size), chosen))
    bits = random.getrandbits
    subset = bits(size)
    while subset.bit_count() != chosen:
        subset = bits(size)
    return subset


@lru_cache(256)
def _is_usual(size: int, chosen: int) -> bool:
    """Return whether one in 20 subsets has this size, so that trying is faster than drawing."""
    return comb(size, chosen) * 20 > 1 << size
