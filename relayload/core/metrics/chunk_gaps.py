"""Gaps between the chunks of streams: the count in each bucket, by slot of time.

A request records its gaps as a histogram, and the gaps of one stream and of its neighbours are long together. So they
are counted by when their request was due: to find the effective size of a sample, and to judge it in windows.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import chain, repeat

from relayload.core.stats.histogram import Histogram
from relayload.core.stats.ranks import Ranks, Sorted, WeightedValues, repeated, together
from relayload.core.stats.sample import Moments, Sample, batched_size

WINDOWED_SLOT_S = 1.0
"""The width of slots, in seconds, where gaps are judged in windows, which can't be shorter."""
MOST_SLOTS = 128
"""The most slots per run, up to a factor of two, where gaps are judged all together."""
_MARKED = 0.05
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

    def by_slot(self, wanted: Callable[[float], bool] | None = None) -> "Counter[float]":
        """Return the number of gaps in each slot, or of those that `wanted` accepts."""
        counts: Counter[float] = Counter()
        for slot, own in self._slots.items():
            count = own.count if wanted is None else own.count_if(wanted)
            if count:
                counts[slot] = count
        return counts

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
        """The effective size by the longest twentieth of the gaps in each slot."""
        if not self.ordered.count:
            return 0
        threshold = self.ordered.quantile(1 - _MARKED)
        marked, n = self._gaps.by_slot(threshold.__lt__), self._gaps.by_slot()
        if not marked and not math.isinf(threshold):
            marked = self._gaps.by_slot(threshold.__eq__)
        endless = self._endless_by_slot()
        slots = sorted({*n, *endless})
        return batched_size([(marked[slot] + endless[slot], n[slot] + endless[slot]) for slot in slots])

    @cached_property
    def _measured(self) -> WeightedValues:
        return self._gaps.histogram().values()

    def _endless_by_slot(self) -> "Counter[float]":
        """Count endless gaps by slot; those of requests with unknown due times are in a slot at the end."""
        slots: Counter[float] = Counter()
        for part in self._endless_s:
            for due_at_s, count in (
                part.items() if isinstance(part, WeightedValues) else zip(part, repeat(1), strict=False)
            ):
                slots[int(due_at_s / self._gaps.width_s) if math.isfinite(due_at_s) else due_at_s] += count
        return slots
