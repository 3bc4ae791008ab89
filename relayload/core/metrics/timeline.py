"""A run second by second."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.columns import Columns
from relayload.core.metrics.condensed import Condensed
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.metric import Output
from relayload.core.metrics.summary import Second
from relayload.core.model.tags import Tags
from relayload.core.stats.ranks import Sorted, WeightedValues, together

_STEPS_S = (1.0, 10.0, 60.0, 600.0)
_MOST_STEPS = 3600
_SHOWN = tuple(metric.name for metric in shown_in(Output.TIMELINE))


def step_s(fold: Fold) -> float:
    """A second, or as much more as it takes to tell the run in 3600 steps; of too many requests, a slot."""
    if fold.condensed:
        return fold.slot_s
    return next(step for step in _steps_s() if fold.last_due_at_s / step < _MOST_STEPS)


def _steps_s() -> Iterator[float]:
    yield from _STEPS_S
    longest_s = _STEPS_S[-1]
    while True:
        longest_s *= 10
        yield longest_s


def timeline(fold: Fold, step_s: float) -> tuple[Second, ...]:
    """Every step from the run's start to the last arrival, also those in which nothing was due."""
    steps = [_Step() for _ in range(math.floor(fold.last_due_at_s / step_s) + 1)] if fold.indices else []
    for key, tagged in fold.by_tags.items():
        if isinstance(tagged.values, Columns):
            _add_columns(steps, step_s, key, tagged.values)
        else:
            _add_slots(steps, key, tagged.values)
    for _, due_at_s in fold.all_drops:
        for due in due_at_s:
            steps[int(due / step_s)].dropped += 1
    return tuple(step.second(position * step_s) for position, step in enumerate(steps))


class _Step:
    __slots__ = ("counted", "dropped", "failed", "ok", "values")

    def __init__(self) -> None:
        self.dropped = 0
        self.failed = 0
        self.ok = 0
        self.values: dict[str, list[float]] = {metric: [] for metric in _SHOWN}
        self.counted: dict[str, list[WeightedValues]] = {metric: [] for metric in _SHOWN}

    def second(self, at_s: float) -> Second:
        return Second(
            at_s=at_s,
            offered=self.ok + self.failed + self.dropped,
            started=self.ok + self.failed,
            ok=self.ok,
            failed=self.failed,
            **dict(chain.from_iterable(map(self._percentiles, _SHOWN))),
        )

    def _percentiles(self, metric: str) -> Iterator[tuple[str, float | None]]:
        measured = [value for value in self.values[metric] if value == value]
        p50, p99 = _p50_p99([sorted(measured), *self.counted[metric]])
        yield from ((f"{metric}_p50_s", p50), (f"{metric}_p99_s", p99))


def _add_columns(steps: list[_Step], step_s: float, key: Tags, columns: Columns) -> None:
    """Column by column, which costs a third of request by request."""
    numbers = list(map(int, map(step_s.__rtruediv__, columns.due_at_s)))
    _add_ended(steps, key, Counter(numbers))
    for metric in _SHOWN if key.ok else ():
        _deal([step.values[metric] for step in steps], numbers, columns[metric])


def _add_slots(steps: list[_Step], key: Tags, condensed: Condensed) -> None:
    """A step is a slot."""
    _add_ended(steps, key, condensed.requests_by_slot())
    for metric in _SHOWN if key.ok else ():
        for slot, values in condensed.values_by_slot(metric):
            steps[slot].counted[metric].append(values)


def _add_ended(steps: list[_Step], key: Tags, counts: Mapping[int, int]) -> None:
    for number, count in counts.items():
        if key.ok:
            steps[number].ok += count
        else:
            steps[number].failed += count


def _deal(hands: list[list[float]], numbers: list[int], values: Iterable[float]) -> None:
    """Put each value into the list of its number."""
    adders = [hand.append for hand in hands]
    for number, value in zip(numbers, values, strict=True):
        adders[number](value)


def _p50_p99(parts: Sequence[Sorted]) -> tuple[float | None, float | None]:
    values = together(parts)
    if not values.count:
        return None, None
    return values.quantile(0.5), values.quantile(0.99)
