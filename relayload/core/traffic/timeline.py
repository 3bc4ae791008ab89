"""Counts arrivals over time in at most 64 bins, however long the load is and even if its end is unknown."""

from msgspec import Struct

MOST_BINS = 64

_FIRST_WIDTH_S = 0.25


class Timeline(Struct, frozen=True, kw_only=True):
    """Counts of arrivals per bin from the start on. The last bin has the full width, too."""

    bin_s: float
    counts: tuple[int, ...]

    @property
    def rates_per_s(self) -> tuple[float, ...]:
        return tuple(count / self.bin_s for count in self.counts)


class Bins:
    """Counts instants that come in order. Pairs of bins are merged when there would be too many."""

    __slots__ = ("_counts", "_width_s")

    def __init__(self) -> None:
        self._width_s = _FIRST_WIDTH_S
        self._counts: list[int] = []

    def add(self, at_s: float) -> None:
        """Count one arrival."""
        number = int(at_s / self._width_s)
        while number >= MOST_BINS:
            self._halve()
            number = int(at_s / self._width_s)
        if number >= len(self._counts):
            self._counts += [0] * (number + 1 - len(self._counts))
        self._counts[number] += 1

    def timeline(self) -> Timeline:
        """Return the counts so far."""
        return Timeline(bin_s=self._width_s, counts=tuple(self._counts))

    def _halve(self) -> None:
        self._width_s *= 2
        self._counts = [sum(self._counts[first : first + 2]) for first in range(0, len(self._counts), 2)]
