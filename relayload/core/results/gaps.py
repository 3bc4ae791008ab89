"""Gaps between the chunks of streams: how many fell in each bucket, slot of time by slot of time.

A request tells its gaps as a histogram, and those of one stream, and of its neighbours, are long together. So they are
counted by when their request was due: to see how much a sample of them tells, and to judge them in windows.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import chain, repeat

from relayload.core.results.histogram import Histogram, middle_s
from relayload.core.results.ranks import Counted, Sorted
from relayload.core.results.sample import batched_size, rank_of

_BITS = 16
_SLOT = 1 << _BITS
_MARKED = 0.05


class GapCounts:
    """Counts by slot and bucket. Adding and merging commute."""

    __slots__ = ("_counts", "width_s")

    def __init__(self, width_s: float = 1.0) -> None:
        """Slots are so wide. Only those of the same width merge."""
        self.width_s = width_s
        self._counts: defaultdict[int, int] = defaultdict(int)

    def __len__(self) -> int:
        return sum(self._counts.values())

    def extend(self, due_s: Sequence[float], gaps: Sequence[Sequence[int]]) -> None:
        """Add the gaps of requests, written flat as bucket, count, bucket, count ..."""
        if not due_s:
            return
        first, last = (int(at_s / self.width_s) for at_s in (min(due_s), max(due_s)))
        if first == last:
            self._add(first, chain.from_iterable(gaps))
            return
        for due, pairs in zip(due_s, gaps, strict=True):
            self._add(int(due / self.width_s), pairs)

    def merge(self, other: "GapCounts") -> None:
        for code, count in other._counts.items():
            self._counts[code] += count

    def between(self, begins_at_s: float, ends_at_s: float) -> "GapCounts":
        """Those of the slots whose middle lies between two instants."""
        piece = GapCounts(self.width_s)
        for code, count in self._counts.items():
            if begins_at_s <= self._middle_s(code >> _BITS) < ends_at_s:
                piece._counts[code] = count
        return piece

    def histogram(self) -> Histogram:
        """All of them, whenever they were."""
        whole = Histogram()
        for code, count in self._counts.items():
            whole.counts[code % _SLOT] += count
        return whole

    def by_slot(self, wanted: Callable[[float], bool] | None = None) -> "Counter[float]":
        """How many there are in each slot, or how many of those that are wanted."""
        counts: Counter[float] = Counter()
        for code, count in self._counts.items():
            if wanted is None or wanted(middle_s(code % _SLOT)):
                counts[code >> _BITS] += count
        return counts

    def _middle_s(self, slot: int) -> float:
        return (slot + 0.5) * self.width_s

    def _add(self, slot: int, pairs: Iterable[int]) -> None:
        counts, base, numbers = self._counts, slot << _BITS, iter(pairs)
        for bucket, count in zip(numbers, numbers, strict=True):
            counts[base + bucket] += count


class GapSample:
    """Gaps between chunks as a sample, of which some never ended."""

    def __init__(self, gaps: GapCounts, endless_s: Iterable[Sorted] = ()) -> None:
        """`endless_s` are the instants at which requests were due that have such a gap each."""
        self._gaps = gaps
        self._endless_s = list(endless_s)
        self.endless = sum(map(len, self._endless_s))

    @cached_property
    def measured(self) -> Histogram:
        return self._gaps.histogram()

    @property
    def count(self) -> int:
        return self.measured.count + self.endless

    @property
    def effective_n(self) -> int:
        """How many independent gaps would tell as much: by the longest twentieth, slot of time by slot of time."""
        if not self.count:
            return 0
        (threshold,) = self.at_ranks([rank_of(1 - _MARKED, self.count)])
        marked, n = self._gaps.by_slot(threshold.__lt__), self._gaps.by_slot()
        if not marked and not math.isinf(threshold):
            marked = self._gaps.by_slot(threshold.__eq__)
        endless = self._endless_by_slot()
        slots = sorted({*n, *endless})
        return batched_size([(marked[slot] + endless[slot], n[slot] + endless[slot]) for slot in slots])

    def at_ranks(self, ranks: Iterable[int]) -> list[float]:
        return [self._at_rank(rank) for rank in ranks]

    def count_unless(self, holds: Callable[[float], bool]) -> int:
        """Of the measured ones, how many do not fit the condition."""
        return sum(count for index, count in self.measured.counts.items() if not holds(middle_s(index)))

    def _at_rank(self, rank: int) -> float:
        return self.measured.at_ranks([rank])[0] if rank <= self.measured.count else math.inf

    def _endless_by_slot(self) -> "Counter[float]":
        """Those of requests of which nobody knows when they were due are in a slot at the end."""
        slots: Counter[float] = Counter()
        for part in self._endless_s:
            for due_s, count in part.items() if isinstance(part, Counted) else zip(part, repeat(1), strict=False):
                slots[int(due_s / self._gaps.width_s) if math.isfinite(due_s) else due_s] += count
        return slots
