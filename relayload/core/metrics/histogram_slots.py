"""A metric whose values are too many to keep: the run cut into slots of time, each with a histogram."""

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import add
from typing import NamedTuple

from relayload.core.stats.histogram import buckets, middle_s
from relayload.core.stats.ranks import WeightedValues

MOST_SLOTS = 512
_BUCKET_BITS = 16
_CODES = 1 << _BUCKET_BITS


def slot_width_s(last_s: float, most: int = MOST_SLOTS) -> float:
    """How wide the slots of a run are whose last request was due then: a second, or twice that as often as needed."""
    width_s = 1.0
    while last_s >= width_s * most:
        width_s *= 2
    return width_s


class _Sparse(NamedTuple):
    """How often each bucket comes, in their order: six bytes each."""

    buckets: "array[int]"
    counts: "array[int]"

    def counted(self) -> dict[int, int]:
        return dict(zip(self.buckets, self.counts, strict=True))

    def plus(self, more: Mapping[int, int]) -> "_Sparse":
        counts = Counter(self.counted())
        counts.update(more)
        order = sorted(counts)
        return _Sparse(array("H", order), array("I", map(counts.__getitem__, order)))


_EMPTY = _Sparse(array("H"), array("I"))


class Slots:
    """Values of one metric, by slot and bucket."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[int, _Sparse] = {}

    def add(self, slots: Sequence[int], values: Sequence[float]) -> None:
        """Values with the number of the slot of each. Those that were not measured are left out."""
        if not math.isfinite(sum(values)):
            slots = [slot for slot, value in zip(slots, values, strict=True) if value == value]
            values = [value for value in values if value == value]
        codes = map(add, map(_CODES.__mul__, slots), buckets(values))
        found: dict[int, dict[int, int]] = {}
        for code, count in Counter(codes).items():
            found.setdefault(code >> _BUCKET_BITS, {})[code % _CODES] = count
        for slot, counts in found.items():
            self._slots[slot] = self._slots.get(slot, _EMPTY).plus(counts)

    def merge(self, other: "Slots") -> None:
        for slot, sparse in other._slots.items():
            self._slots[slot] = self._slots.get(slot, _EMPTY).plus(sparse.counted())

    def widen(self, times: int) -> None:
        """Take so many slots together as one."""
        narrow, self._slots = self._slots, {}
        for slot, sparse in narrow.items():
            wide = slot // times
            self._slots[wide] = self._slots.get(wide, _EMPTY).plus(sparse.counted())

    def between(self, first: int, end: int) -> "Slots":
        """The slots from one number until before another."""
        piece = Slots()
        piece._slots = {slot: self._slots[slot] for slot in range(first, end) if slot in self._slots}
        return piece

    def values(self) -> WeightedValues:
        """All values, each as the middle of its bucket."""
        counts: Counter[int] = Counter()
        for sparse in self._slots.values():
            counts.update(sparse.counted())
        return WeightedValues({middle_s(bucket): count for bucket, count in counts.items()})

    def by_slot(self) -> Iterator[tuple[int, WeightedValues]]:
        """The values of each slot."""
        for slot, sparse in self._slots.items():
            yield slot, WeightedValues({middle_s(bucket): count for bucket, count in sparse.counted().items()})

    def counts(self, wanted: Callable[[float], bool] | None = None) -> dict[int, int]:
        """How many values there are in each slot, or how many of those that are wanted."""
        if wanted is None:
            return {slot: sum(sparse.counts) for slot, sparse in self._slots.items()}
        return {
            slot: sum(count for bucket, count in sparse.counted().items() if wanted(middle_s(bucket)))
            for slot, sparse in self._slots.items()
        }
