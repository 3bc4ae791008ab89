"""When requests were sent, and the most of them in any sliding window."""

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

_BLOCK_S = 60.0
_CLOCK_S = 1e-9


class Starts:
    """Instants of a run, grouped by minute so that no more than a minute is sorted at once."""

    __slots__ = ("_blocks", "_in_order")

    def __init__(self, instants_s: Sequence[float] = ()) -> None:
        self._blocks: dict[float, array[float]] = {}
        self._in_order = True
        self.add(instants_s)

    def __len__(self) -> int:
        return sum(map(len, self._blocks.values()))

    def add(self, instants_s: Sequence[float]) -> None:
        """Add instants, which are mostly of the same minute."""
        self._in_order = False
        minutes = {at_s // _BLOCK_S for at_s in instants_s}
        for minute in minutes:
            own = instants_s if len(minutes) == 1 else [at_s for at_s in instants_s if at_s // _BLOCK_S == minute]
            self._block(minute).extend(own)

    def merge(self, other: "Starts") -> None:
        self._in_order = False
        for minute, instants_s in other._blocks.items():
            self._block(minute).extend(instants_s)

    def with_all(self, others: "Starts") -> "Starts":
        """Return these instants and the others."""
        both = Starts()
        both.merge(self)
        both.merge(others)
        return both

    @property
    def first_s(self) -> float:
        """The earliest instant; infinite without any."""
        return min(self._blocks[min(self._blocks)]) if self._blocks else math.inf

    def by_second(self) -> Counter[int]:
        """Return the number of instants in each second of the run."""
        return Counter(chain.from_iterable(map(math.floor, instants_s) for instants_s in self._blocks.values()))

    def most_in(self, window_s: float) -> int:
        """Return the most instants in any half-open window [t, t + window_s), to the nanosecond."""
        width_s = window_s - _CLOCK_S  # so that instants a whole window apart, but for rounding, are not in one
        most, ahead = 0, self._ordered_s()
        for at_s, next_s in zip(self._ordered_s(), ahead, strict=False):
            while next_s - at_s < width_s:
                most += 1
                next_s = next(ahead, math.inf)
        return most

    def _ordered_s(self) -> Iterator[float]:
        """Yield all instants in order of time."""
        if not self._in_order:
            for minute, instants_s in self._blocks.items():
                self._blocks[minute] = array("d", sorted(instants_s))
            self._in_order = True
        return chain.from_iterable(map(self._blocks.__getitem__, sorted(self._blocks)))

    def _block(self, minute: float) -> "array[float]":
        if minute not in self._blocks:
            self._blocks[minute] = array("d")
        return self._blocks[minute]
