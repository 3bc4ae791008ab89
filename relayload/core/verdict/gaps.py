"""Gaps between the chunks of streams, as far as an objective needs them."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from relayload.core.results.histogram import Histogram, middle_s


@dataclass(frozen=True, slots=True)
class Gaps:
    """Gaps between chunks, of which some never ended."""

    measured: Histogram
    endless: int

    @property
    def count(self) -> int:
        return self.measured.count + self.endless

    def at_ranks(self, ranks: Iterable[int]) -> list[float]:
        return [self._at_rank(rank) for rank in ranks]

    def count_unless(self, holds: Callable[[float], bool]) -> int:
        """Of the measured ones, how many do not fit the condition."""
        return sum(count for index, count in self.measured.counts.items() if not holds(middle_s(index)))

    def _at_rank(self, rank: int) -> float:
        return self.measured.at_ranks([rank])[0] if rank <= self.measured.count else math.inf
