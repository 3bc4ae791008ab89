"""Values by slots of time, to see how those above a threshold cluster."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import repeat
from operator import sub

from relayload.core.stats.effective_size import effective_size
from relayload.core.stats.ranks import Sorted, WeightedValues, repeated

MOST_SLOTS = 128
"""The most slots of a sample: a few more than the most batches."""
_NARROWEST_S = 1e-9
"""Instants are not known more exactly."""


def slot_width_s(span_s: float) -> float:
    """Return the width of slots, a power of two in seconds, that cut a span into 64 to 128; 1 for a span of 0."""
    return 2.0 ** math.ceil(math.log2(max(span_s / MOST_SLOTS, _NARROWEST_S))) if span_s > 0 else 1.0


def by_due_time(due_at_s: Iterable[Sorted], width_s: float, value: float) -> Iterator[tuple[float, Sorted]]:
    """Yield the slots of requests due at those instants, each with this value; unknown instants are infinite."""
    slots: Counter[float] = Counter()
    for part in due_at_s:
        counted = part.items() if isinstance(part, WeightedValues) else zip(part, repeat(1), strict=False)
        for at_s, count in counted:
            slots[int(at_s / width_s) if math.isfinite(at_s) else at_s] += count
    return ((slot, repeated(value, count)) for slot, count in slots.items())


class SlottedValues:
    """Sorted values by slot. Slots are numbered in order of time; the last may be infinite, for unknown instants."""

    def __init__(self, parts: Iterable[tuple[float, Sorted]]) -> None:
        """Take the values of each slot; a slot may come in several parts."""
        parts = [(slot, values) for slot, values in parts if len(values)]
        self._slots = [slot for slot, _ in parts]
        self._plain = all(not isinstance(values, WeightedValues) for _, values in parts)
        self._values = [values for _, values in parts]
        self._lengths = list(map(len, self._values))
        self._sizes: Counter[float] = Counter()
        for slot, length in zip(self._slots, self._lengths, strict=True):
            self._sizes[slot] += length
        self._order = sorted(self._sizes)
        self._known: dict[float, int] = {}

    def effective_above(self, threshold: float) -> int:
        """Return the effective size by where the values above a threshold are; those equal to it where none are above.

        0 without values.
        """
        if threshold not in self._known:
            marked = self._count_above(threshold) or self._count_above(math.nextafter(threshold, -math.inf))
            counts = [(marked[slot], self._sizes[slot]) for slot in self._order]
            self._known[threshold] = effective_size(counts)
        return self._known[threshold]

    def _count_above(self, threshold: float) -> "Counter[float]":
        """Return the number of values above a threshold in each slot that has any."""
        if self._plain:
            upto = [bisect_right(values, threshold) for values in self._values]  # type: ignore[arg-type]
        else:
            upto = [_count_upto(values, threshold) for values in self._values]
        marked: Counter[float] = Counter()
        for slot, above in zip(self._slots, map(sub, self._lengths, upto), strict=True):
            if above:
                marked[slot] += above
        return marked


def _count_upto(values: Sorted, threshold: float) -> int:
    if isinstance(values, WeightedValues):
        return values.count_below(math.nextafter(threshold, math.inf))
    return bisect_right(values, threshold)
