"""A run second by second."""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, repeat
from operator import mul

from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.metric import Output
from relayload.core.metrics.summary import Second
from relayload.core.metrics.time_bins import ordered_by_step
from relayload.core.model.tags import Tags
from relayload.core.stats.ranks import Sorted, together

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
    steps = [_Step() for _ in range(math.floor(last_s / step_s) + 1)] if fold.lines_of else []
    for tags, tagged in fold.by_tags.items():
        for second, count in tagged.ends.by_second().items():
            steps[int(second / step_s)].add_ended(count, tags)
    for second, count in fold.due_in.items():
        steps[int(second / step_s)].started += count
    for _, due_at_s in fold.all_drops:
        for due in due_at_s:
            steps[int(due / step_s)].dropped += 1
    ok = (tagged.values for tags, tagged in fold.by_tags.items() if tags.ok)
    values = zip(*ordered_by_step(ok, _SHOWN, step_s, len(steps)), strict=True)
    return tuple(
        step.second(position * step_s, own) for position, (step, own) in enumerate(zip(steps, values, strict=True))
    )


class _Step:
    __slots__ = ("dropped", "failed", "ok", "started")

    def __init__(self) -> None:
        self.dropped = 0
        self.started = 0
        self.failed = 0
        self.ok = 0

    def add_ended(self, count: int, tags: Tags) -> None:
        """Count requests that ended; those that were cancelled on purpose are neither ok nor failed."""
        if tags.ok:
            self.ok += count
        elif tags.failed:
            self.failed += count

    def second(self, at_s: float, values: Sequence[Sorted]) -> Second:
        """Return the step with percentiles of each metric shown."""
        return Second(
            at_s=at_s,
            offered=self.started + self.dropped,
            started=self.started,
            ok=self.ok,
            failed=self.failed,
            **dict(chain.from_iterable(map(_percentiles, _SHOWN, values))),
        )


def _percentiles(metric: str, values: Sorted) -> Iterator[tuple[str, float | None]]:
    ordered = together([values])
    p50, p99 = (ordered.quantile(share) if ordered.count else None for share in (0.5, 0.99))
    yield from ((f"{metric}_p50_s", p50), (f"{metric}_p99_s", p99))
