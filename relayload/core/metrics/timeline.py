"""A run second by second."""

import math
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, repeat
from operator import mul
from typing import TypeVar

from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.metric import Output
from relayload.core.metrics.summary import Second
from relayload.core.metrics.values import Points, Values
from relayload.core.model.tags import Tags
from relayload.core.stats.ranks import together

T = TypeVar("T", int, float)

_STEPS_S = (1.0, 10.0, 60.0, 600.0)
_MOST_STEPS = 3600
_SHOWN = tuple(metric.name for metric in shown_in(Output.TIMELINE))


def step_s(fold: Fold) -> float:
    """Return the step in seconds: 1, or what it takes to have at most 3600 steps; for condensed requests, slots."""
    last_s = max(fold.last_due_at_s, fold.last_end_s)
    steps_s = accumulate(repeat(2), mul, initial=fold.slot_s) if fold.condensed else _steps_s()
    return next(step for step in steps_s if last_s / step < _MOST_STEPS)


def _steps_s() -> Iterator[float]:
    yield from _STEPS_S
    longest_s = _STEPS_S[-1]
    while True:
        longest_s *= 10
        yield longest_s


def timeline(fold: Fold, step_s: float) -> tuple[Second, ...]:
    """Return every step from the run's start to the last arrival or end, including empty ones."""
    last_s = max(fold.last_due_at_s, math.nextafter(fold.last_end_s, 0.0))  # an end belongs to the step that it ends
    steps = [_Step() for _ in range(math.floor(last_s / step_s) + 1)] if fold.indices else []
    for tags, tagged in fold.by_tags.items():
        if tags.ok:
            _add(steps, step_s, tagged.values)
        for second, count in tagged.ends.by_second().items():
            steps[int(second / step_s)].add_ended(count, tags)
    for second, count in fold.due_in.items():
        steps[int(second / step_s)].started += count
    for _, due_at_s in fold.all_drops:
        for due in due_at_s:
            steps[int(due / step_s)].dropped += 1
    return tuple(step.second(position * step_s) for position, step in enumerate(steps))


class _Step:
    __slots__ = ("counts", "dropped", "failed", "ok", "started", "values")

    def __init__(self) -> None:
        self.dropped = 0
        self.started = 0
        self.failed = 0
        self.ok = 0
        self.values: dict[str, list[float]] = {metric: [] for metric in _SHOWN}
        self.counts: dict[str, list[int]] = {metric: [] for metric in _SHOWN}
        """The count of each value, where values are counted."""

    def add_ended(self, count: int, tags: Tags) -> None:
        """Count requests that ended; those that were cancelled on purpose are neither ok nor failed."""
        if tags.ok:
            self.ok += count
        elif tags.failed:
            self.failed += count

    def second(self, at_s: float) -> Second:
        return Second(
            at_s=at_s,
            offered=self.started + self.dropped,
            started=self.started,
            ok=self.ok,
            failed=self.failed,
            **dict(chain.from_iterable(map(self._percentiles, _SHOWN))),
        )

    def _percentiles(self, metric: str) -> Iterator[tuple[str, float | None]]:
        points = Points(self.values[metric], (), self.counts[metric] or None)
        ordered = together([points.ordered()])
        p50, p99 = (ordered.quantile(share) if ordered.count else None for share in (0.5, 0.99))
        yield from ((f"{metric}_p50_s", p50), (f"{metric}_p99_s", p99))


def _add(steps: list[_Step], step_s: float, values: Values) -> None:
    """Add values by when their request was due, column by column, which costs a third of request by request."""
    numbers = _numbers(values.points("due"), step_s)
    for metric in _SHOWN:
        points = values.points(metric)
        if points.counts is not None:
            numbers = _numbers(points, step_s)
            _deal([step.counts[metric] for step in steps], numbers, points.counts)
        _deal([step.values[metric] for step in steps], numbers, points.values)


def _numbers(points: Points, step_s: float) -> list[int]:
    """Return the number of the step of each point."""
    return list(map(math.floor, map(step_s.__rtruediv__, points.due_at_s)))


def _deal(hands: list[list[T]], numbers: list[int], values: Iterable[T]) -> None:
    """Put each value into the list of its number."""
    adders = [hand.append for hand in hands]
    for number, value in zip(numbers, values, strict=True):
        adders[number](value)
