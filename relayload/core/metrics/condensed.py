"""Histograms for requests that are too many to keep individually: one of each metric in each slot of time.

So values are known to within 0.4 %, and instants to within a slot.
"""

import math
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import repeat
from operator import add
from typing import NamedTuple

from relayload.core.metrics.catalog import PER_REQUEST
from relayload.core.metrics.columns import Columns
from relayload.core.metrics.rows import LEAST
from relayload.core.metrics.values import BySlot, Points, Values
from relayload.core.stats.histogram import buckets, middle_s
from relayload.core.stats.ranks import WeightedValues

MOST_SLOTS = 512
_BUCKET_BITS = 16
_CODES = 1 << _BUCKET_BITS


def slot_width_s(last_s: float, most: int = MOST_SLOTS) -> float:
    """Return the slot width in seconds for a run by its last due time: 1, doubled as often as needed."""
    width_s = 1.0
    while last_s >= width_s * most:
        width_s *= 2
    return width_s


class Condensed(Values):
    """The histograms of requests that share every tag."""

    __slots__ = ("_metrics", "_requests", "_waits", "width_s")

    def __init__(self, width_s: float) -> None:
        """Create slots of this width in seconds."""
        self.width_s = width_s
        self._requests: Counter[int] = Counter()
        self._metrics = {metric: _Slots() for metric in PER_REQUEST}
        self._waits = (0, 0.0)
        super().__init__()

    def __len__(self) -> int:
        return self._requests.total()

    def add(self, columns: Columns) -> None:
        self._forget()
        slots = [int(due / self.width_s) for due in columns.due_at_s]
        self._requests.update(slots)
        if not columns.exact:
            self._keep_least()
        for metric, held in self._metrics.items():
            held.add(slots, columns[metric])
        self.add_waits(*columns.waits)

    def add_counted(self, due_at_s: float, requests: int, histograms: Mapping[str, Mapping[int, int]]) -> None:
        """Add requests that were due about an instant, and that were counted elsewhere, by metric and bucket."""
        self._forget()
        slot = int(due_at_s / self.width_s)
        self._requests[slot] += requests
        for metric, counts in histograms.items():
            self._metrics[metric].add_counts(slot, counts)

    def merge(self, other: "Condensed") -> None:
        """Add the other's requests; its slots must be as wide, or an integer factor narrower."""
        self._forget()
        times = round(self.width_s / other.width_s)
        for slot, count in other._requests.items():
            self._requests[slot // times] += count
        if not other._metrics.keys().isdisjoint(LEAST):
            self._keep_least()
        for metric, held in self._metrics.items():
            held.merge(other._slots_of(metric), times)
        self.add_waits(*other._waits)

    def widened(self, width_s: float) -> "Condensed":
        """Return these requests in slots an integer factor wider; may return the same object."""
        if self.width_s == width_s:
            return self
        wide = Condensed(width_s)
        wide.merge(self)
        return wide

    def points(self, metric: str) -> Points:
        """Return the values of a metric as if all requests were due in the middle of their slot."""
        if metric != "due":
            return self._slots_of(metric).points(self._middle_s)
        middles_s = array("d", map(self._middle_s, self._requests))
        return Points(middles_s, middles_s, array("L", self._requests.values()))

    def by_slot(self, metric: str) -> BySlot:
        return BySlot(self.width_s, self._metrics[metric].weighted())

    @property
    def waits(self) -> tuple[int, float]:
        return self._waits

    def _keep_least(self) -> None:
        for name, metric in LEAST.items():
            if name not in self._metrics:
                self._metrics[name] = _Slots(self._metrics[metric])

    def _slots_of(self, metric: str) -> "_Slots":
        found = self._metrics.get(metric)
        return self._metrics[LEAST[metric]] if found is None and metric in LEAST else self._metrics[metric]

    def _middle_s(self, slot: int) -> float:
        return (slot + 0.5) * self.width_s

    def add_waits(self, count: int, seconds: float) -> None:
        """Add waits for our own quota."""
        known, known_s = self._waits
        self._waits = known + count, known_s + seconds


class _Sparse(NamedTuple):
    """The counts of buckets, in their order: six bytes each."""

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


class _Slots:
    """Values of one metric, by slot and bucket."""

    __slots__ = ("_slots",)

    def __init__(self, other: "_Slots | None" = None) -> None:
        """Create an empty one, or a copy."""
        self._slots: dict[int, _Sparse] = dict(other._slots) if other else {}

    def add(self, slots: Sequence[int], values: Sequence[float]) -> None:
        """Add values, each with the number of its slot; values that were not measured are left out."""
        if not math.isfinite(sum(values)):
            slots = [slot for slot, value in zip(slots, values, strict=True) if value == value]
            values = [value for value in values if value == value]
        codes = map(add, map(_CODES.__mul__, slots), buckets(values))
        found: dict[int, dict[int, int]] = {}
        for code, count in Counter(codes).items():
            found.setdefault(code >> _BUCKET_BITS, {})[code % _CODES] = count
        for slot, counts in found.items():
            self._slots[slot] = self._slots.get(slot, _EMPTY).plus(counts)

    def add_counts(self, slot: int, counts: Mapping[int, int]) -> None:
        """Add the counts of buckets."""
        self._slots[slot] = self._slots.get(slot, _EMPTY).plus(counts)

    def merge(self, other: "_Slots", times: int) -> None:
        """Add the other's slots, `times` of which form one here."""
        for slot, sparse in other._slots.items():
            self.add_counts(slot // times, sparse.counted())

    def weighted(self) -> dict[int, WeightedValues]:
        """Return the middle of each bucket with its count, by slot."""
        middles_s = _middles_s()
        return {
            slot: WeightedValues(dict(zip(map(middles_s.__getitem__, sparse.buckets), sparse.counts, strict=True)))
            for slot, sparse in self._slots.items()
        }

    def points(self, due_at_s: Callable[[int], float]) -> Points:
        """Return the middle of each bucket in each slot, given the instant of a slot."""
        values, instants_s, counts, middles_s = array("d"), array("d"), array("I"), _middles_s()
        for slot, sparse in self._slots.items():
            values.extend(map(middles_s.__getitem__, sparse.buckets))
            instants_s.extend(repeat(due_at_s(slot), len(sparse.buckets)))
            counts.extend(sparse.counts)
        return Points(values, instants_s, counts)


@cache
def _middles_s() -> "array[float]":
    """Return the middle of every bucket; looking it up costs a fifth of computing it."""
    return array("d", map(middle_s, range(_CODES)))
