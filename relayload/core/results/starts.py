"""When requests were sent: four bytes per start, to 15 ns, and the most of them in any sliding window."""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

_BLOCK_S = 60.0
_TICKS_PER_S = float(1 << 26)
_ROUNDING_S = 1e-7
"""By so much two instants may seem nearer than they are."""


class Starts:
    """Instants of a run, minute by minute, of which each is kept as so many ticks after its minute began."""

    __slots__ = ("_blocks", "_in_order", "first_s")

    def __init__(self, instants_s: Sequence[float] = ()) -> None:
        self._blocks: dict[int, array[int]] = {}
        self._in_order = True
        self.first_s = math.inf
        """The earliest; infinite without any."""
        self.add(instants_s)

    def __len__(self) -> int:
        return sum(map(len, self._blocks.values()))

    def add(self, instants_s: Sequence[float]) -> None:
        """Mostly they are of the same minute."""
        self._in_order = False
        self.first_s = min(self.first_s, min(instants_s, default=math.inf))
        minutes = {at_s // _BLOCK_S for at_s in instants_s}
        for minute in minutes:
            begins_s = minute * _BLOCK_S
            own = instants_s if len(minutes) == 1 else [at_s for at_s in instants_s if at_s // _BLOCK_S == minute]
            self._block(int(minute)).extend([int((at_s - begins_s) * _TICKS_PER_S) for at_s in own])

    def merge(self, other: "Starts") -> None:
        self._in_order = False
        self.first_s = min(self.first_s, other.first_s)
        for minute, ticks in other._blocks.items():
            self._block(minute).extend(ticks)

    def most_in(self, window_s: float) -> int:
        """The most in any half-open window [t, t + window_s)."""
        width_s = window_s - _ROUNDING_S
        most, ahead = 0, self._instants_s()
        for at_s, next_s in zip(self._instants_s(), ahead, strict=False):
            while next_s - at_s < width_s:
                most += 1
                next_s = next(ahead, math.inf)
        return most

    def _instants_s(self) -> Iterator[float]:
        """All of them, in order of time."""
        if not self._in_order:
            for minute, ticks in self._blocks.items():
                self._blocks[minute] = array("I", sorted(ticks))
            self._in_order = True
        return chain.from_iterable(_instants_s(minute, self._blocks[minute]) for minute in sorted(self._blocks))

    def _block(self, minute: int) -> "array[int]":
        if minute not in self._blocks:
            self._blocks[minute] = array("I")
        return self._blocks[minute]


def _instants_s(minute: int, ticks: Iterable[int]) -> Iterator[float]:
    return map((minute * _BLOCK_S).__add__, map((1 / _TICKS_PER_S).__mul__, ticks))
