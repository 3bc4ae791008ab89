"""Bins of equal width that cover a run, few enough to draw each."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from operator import mul
from typing import TypeVar

from relayload.core.metrics.fold import Fold
from relayload.core.metrics.values import Points, Values
from relayload.core.stats.ranks import Sorted

MOST_BINS = 240
_STEPS_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)

T = TypeVar("T", int, float)


@dataclass(frozen=True, slots=True)
class Bins:
    """`count` bins of `step_s` seconds; the first begins with the run."""

    step_s: float
    count: int

    @classmethod
    def of(cls, fold: Fold) -> "Bins":
        """Return at most 240 bins that end with the last arrival or end; whole slots where requests are condensed."""
        last_s = max(fold.last_due_at_s, math.nextafter(fold.last_end_s, 0.0))
        doubling = accumulate(repeat(2.0), mul, initial=fold.slot_s if fold.condensed else 2 * _STEPS_S[-1])
        steps_s = doubling if fold.condensed else chain(_STEPS_S, doubling)
        step_s = next(step for step in steps_s if last_s / step < MOST_BINS)
        return cls(step_s, math.floor(last_s / step_s) + 1)

    def number(self, at_s: float) -> int:
        """Return the bin of an instant; the last one for anything later, the first for anything earlier."""
        return min(self.count - 1, max(0, math.floor(at_s / self.step_s)))

    def added_up(self, counts: Iterable[tuple[float, T]]) -> list[T]:
        """Return the sum of the numbers in each bin, given each with its instant."""
        sums: list[T] = [0] * self.count
        for at_s, count in counts:
            sums[self.number(at_s)] += count
        return sums


def ordered_by_step(parts: Iterable[Values], metrics: Sequence[str], step_s: float, count: int) -> list[list[Sorted]]:
    """Return by metric the sorted values of the requests that were due in each of `count` steps.

    Values are dealt out column by column, which costs a third of request by request.
    """
    hands = [_Hands(count) for _ in metrics]
    for values in parts:
        numbers = _numbers(values.points("due"), step_s)
        for metric, own in zip(metrics, hands, strict=True):
            own.deal(values.points(metric), numbers, step_s)
    return [own.ordered() for own in hands]


class _Hands:
    """The values of one metric in each step, and the count of each where values are counted."""

    def __init__(self, count: int) -> None:
        self._values: list[list[float]] = [[] for _ in range(count)]
        self._counts: list[list[int]] = [[] for _ in range(count)]

    def deal(self, points: Points, numbers: list[int], step_s: float) -> None:
        if points.counts is not None:
            numbers = _numbers(points, step_s)
            _deal(self._counts, numbers, points.counts)
        _deal(self._values, numbers, points.values)

    def ordered(self) -> list[Sorted]:
        pairs = zip(self._values, self._counts, strict=True)
        return [Points(values, (), counts or None).ordered() for values, counts in pairs]


def _numbers(points: Points, step_s: float) -> list[int]:
    """Return the number of the step of each point."""
    return list(map(math.floor, map(step_s.__rtruediv__, points.due_at_s)))


def _deal(hands: list[list[T]], numbers: list[int], values: Iterable[T]) -> None:
    """Put each value into the list of its number."""
    adders = [hand.append for hand in hands]
    for number, value in zip(numbers, values, strict=True):
        adders[number](value)
