"""A run second by second."""

import math
from collections import Counter
from collections.abc import Iterable

from relayload.core.results.cell import Cell, Key
from relayload.core.results.fold import Fold
from relayload.core.results.sample import rank_of
from relayload.core.results.summary import Second

_STEPS_S = (1.0, 10.0, 60.0, 600.0)
_MOST_STEPS = 3600


def step_s(last_due_s: float) -> float:
    """A second, or as much more as it takes to tell the run in 3600 steps."""
    return next((step for step in _STEPS_S if last_due_s / step < _MOST_STEPS), _STEPS_S[-1])


def last_due_s(fold: Fold) -> float:
    """The instant at which the last arrival on record was due; 0 without any."""
    columns = [cell.due_s for cell in fold.cells.values()] + [due_s for _, due_s in fold.all_drops]
    return max((max(column) for column in columns if column), default=0.0)


def timeline(fold: Fold, step_s: float) -> tuple[Second, ...]:
    """Every step from the run's start to the last arrival, also those in which nothing was due."""
    steps = [_Step() for _ in range(math.floor(last_due_s(fold) / step_s) + 1)] if fold.indices else []
    for key, cell in fold.cells.items():
        _add_cell(steps, step_s, key, cell)
    for _, due_s in fold.all_drops:
        for due in due_s:
            steps[int(due / step_s)].dropped += 1
    return tuple(step.second(position * step_s) for position, step in enumerate(steps))


class _Step:
    __slots__ = ("dropped", "failed", "latency_s", "ttft_s")

    def __init__(self) -> None:
        self.dropped = 0
        self.failed = 0
        self.latency_s: list[float] = []
        self.ttft_s: list[float] = []

    def second(self, at_s: float) -> Second:
        ok = len(self.latency_s)
        latency_p50_s, latency_p99_s = _p50_p99(self.latency_s)
        ttft_p50_s, ttft_p99_s = _p50_p99(value for value in self.ttft_s if value == value)
        return Second(
            at_s=at_s,
            offered=ok + self.failed + self.dropped,
            started=ok + self.failed,
            ok=ok,
            failed=self.failed,
            ttft_p50_s=ttft_p50_s,
            ttft_p99_s=ttft_p99_s,
            latency_p50_s=latency_p50_s,
            latency_p99_s=latency_p99_s,
        )


def _add_cell(steps: list[_Step], step_s: float, key: Key, cell: Cell) -> None:
    """Column by column, which costs a third of request by request."""
    numbers = list(map(int, map(step_s.__rtruediv__, cell.due_s)))
    if not key.ok:
        for number, count in Counter(numbers).items():
            steps[number].failed += count
        return
    _deal([step.latency_s for step in steps], numbers, cell.column("latency"))
    _deal([step.ttft_s for step in steps], numbers, cell.column("ttft"))


def _deal(hands: list[list[float]], numbers: list[int], values: Iterable[float]) -> None:
    """Put each value into the list of its number."""
    adders = [hand.append for hand in hands]
    for number, value in zip(numbers, values, strict=True):
        adders[number](value)


def _p50_p99(values: Iterable[float]) -> tuple[float | None, float | None]:
    ordered = sorted(values)
    if not ordered:
        return None, None
    return ordered[rank_of(0.5, len(ordered)) - 1], ordered[rank_of(0.99, len(ordered)) - 1]
