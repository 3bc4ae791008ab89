"""How fast a run sends and ends requests lately, from its totals as they came."""

from collections import deque
from typing import NamedTuple

from relayload.core.model.progress import Progress

_LATELY_S = 5.0


class RatesLately(NamedTuple):
    """Per second of the last seconds; None until two totals are there."""

    offered_per_s: float | None = None
    started_per_s: float | None = None
    ended_per_s: float | None = None


class TotalsLately:
    """Keeps the totals of the last seconds."""

    def __init__(self) -> None:
        self._totals: deque[tuple[float, int, int, int]] = deque()

    def rates(self, progress: Progress) -> RatesLately:
        """Return the rates at that progress, which comes after all before it, or begins another run."""
        now = progress.elapsed_s, progress.offered, progress.started, progress.started - progress.in_flight
        if self._totals and progress.elapsed_s < self._totals[-1][0]:
            self._totals.clear()
        if not self._totals or progress.elapsed_s > self._totals[-1][0]:
            self._totals.append(now)
        while len(self._totals) > 2 and self._totals[1][0] <= progress.elapsed_s - _LATELY_S:
            self._totals.popleft()
        before, latest = self._totals[0], self._totals[-1]
        seconds = latest[0] - before[0]
        if seconds <= 0:
            return RatesLately()
        return RatesLately(
            *((after - earlier) / seconds for earlier, after in zip(before[1:], latest[1:], strict=True))
        )
