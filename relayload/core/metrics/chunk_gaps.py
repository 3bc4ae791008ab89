"""Gaps between the chunks of streams: the count in each bucket, by slot of time.

A request records its gaps as a histogram, and the gaps of one stream and of its neighbours are long together. So they
are counted by when their request was due: to find the effective size of a sample, and to judge it in windows.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain

from relayload.core.stats.histogram import Histogram
from relayload.core.stats.ranks import Ranks, Sorted, WeightedValues, repeated, together
from relayload.core.stats.sample import TAILS, Moments, Sample
from relayload.core.stats.slotted_values import SlottedValues, by_due_time

WINDOWED_SLOT_S = 1.0
"""The width of slots, in seconds, where gaps are judged in windows, which can't be shorter."""
MOST_SLOTS = 128
"""The most slots per run, up to a factor of two, where gaps are judged all together."""
_ODD = (1).__and__


class GapCounts:
    """Counts by slot and bucket. Adding and merging commute."""

    __slots__ = ("_slots", "unreadable", "width_s")

    def __init__(self, width_s: float = 1.0) -> None:
        """Create slots of this width in seconds. Only slots of the same width merge."""
        self.width_s = width_s
        self._slots: dict[int, Histogram] = {}
        self.unreadable = 0
        """Requests whose gaps are not pairs, which only a damaged recording can contain."""

    def __len__(self) -> int:
        return sum(slot.count for slot in self._slots.values())

    def extend(self, due_at_s: Sequence[float], gaps: Sequence[Sequence[int]]) -> None:
        """Add the gaps of requests, written flat as bucket, count, bucket, count ..."""
        if not due_at_s:
            return
        if any(map(_ODD, map(len, gaps))):
            self.unreadable += sum(map(_ODD, map(len, gaps)))
            gaps = [() if len(own) % 2 else own for own in gaps]
        first, last = (int(at_s / self.width_s) for at_s in (min(due_at_s), max(due_at_s)))
        if first == last:
            self._slot(first).add_sparse(chain.from_iterable(gaps))
            return
        for due, pairs in zip(due_at_s, gaps, strict=True):
            self._slot(int(due / self.width_s)).add_sparse(pairs)

    def add(self, second: int, counts: Iterable[tuple[int, int]]) -> None:
        """Add counts of buckets that belong to a second."""
        slot = self._slot(int(second / self.width_s))
        for bucket, count in counts:
            slot.add_bucket(bucket, count)

    def merge(self, other: "GapCounts") -> None:
        self.unreadable += other.unreadable
        for slot, counts in other._slots.items():
            self._slot(slot).merge(counts)

    def between(self, begins_at_s: float, ends_at_s: float) -> "GapCounts":
        """Return the gaps of the slots whose middle lies between two instants."""
        piece = GapCounts(self.width_s)
        first, end = (math.ceil(at_s / self.width_s - 0.5) for at_s in (begins_at_s, ends_at_s))
        for slot in range(first, end):
            if slot in self._slots:
                piece._slots[slot] = self._slots[slot]
        return piece

    def histogram(self) -> Histogram:
        """Return all gaps of the run in one histogram."""
        whole = Histogram()
        for counts in self._slots.values():
            whole.merge(counts)
        return whole

    def by_slot(self) -> dict[int, WeightedValues]:
        """Return the gaps of each slot."""
        return {slot: counts.values() for slot, counts in self._slots.items()}

    def _slot(self, slot: int) -> Histogram:
        own = self._slots.get(slot)
        if own is None:
            own = self._slots[slot] = Histogram()
        return own


class GapSample(Sample):
    """A sample of the gaps between chunks, some of which never ended."""

    def __init__(self, gaps: GapCounts, endless_s: Iterable[Sorted] = (), worst: float = math.inf) -> None:
        """Each request due at an instant of `endless_s` has one endless gap, whose value is `worst`."""
        self._gaps = gaps
        self._worst = worst
        self._endless_s = list(endless_s)
        self.endless = sum(map(len, self._endless_s))

    @cached_property
    def ordered(self) -> Ranks:
        return together([self._measured, repeated(self._worst, self.endless)])

    @cached_property
    def moments(self) -> Moments:
        return Moments.of(self._measured)

    @cached_property
    def effective_n(self) -> int:
        if not self.ordered.count:
            return 0
        return min(self.effective_above(self.ordered.quantile(tail)) for tail in TAILS)

    def effective_above(self, threshold: float) -> int:
        return self._slotted.effective_above(threshold)

    @cached_property
    def _slotted(self) -> SlottedValues:
        endless = by_due_time(self._endless_s, self._gaps.width_s, self._worst)
        return SlottedValues([*self._gaps.by_slot().items(), *endless])

    @cached_property
    def _measured(self) -> WeightedValues:
        return self._gaps.histogram().values()
