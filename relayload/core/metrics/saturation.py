"""Does the backlog of an open load grow through the whole of it? Then its latencies are only those of its length.

What is in flight, started minus ended, also grows where the rate does. So the decision is by how far ends are behind
starts: t - A⁻¹(E(t)) seconds at an instant t, where A(t) have started and E(t) have ended. That is constant as long as
latency is, whatever the rate. The measured span is cut into blocks, whose growths are independent if the queue is a
random walk, and repel each other if it is stable. The run is saturated if

- the mean growth of blocks is above 0 at a confidence of 99.9 % (Student's t), and at least 2 % of the time;
- each third of the span has its part in it, at least a quarter of an equal one, so that neither a stall nor a ramp
  which passes the limit on its way is called so;
- the share of starts that end does not rise by half from the first third to the last, as it does while requests that
  take as long as the run itself pile up for the first time.

A run is too short to say below 12 s, or if fewer than 30 requests ended in its measured span.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from math import sqrt
from statistics import fmean, stdev

from msgspec import Struct

from relayload.core.stats.binomial import student_quantile

_BLOCKS = 12
_THIRD = _BLOCKS // 3
_LEAST_ENDED = 30
_CONFIDENCE = 0.999
"""One-sided; the interval that is shown has 95 %."""
_LEAST_GROWTH = 0.02
"""Seconds by which ends fall behind in a second: the share of starts that the target does not keep up with."""
_LEAST_PART = 0.25
_MOST_RISE = 1.5


class Saturation(Struct, frozen=True, kw_only=True):
    """By how much the requests in flight grew per second of the measured span, with the 95 % interval."""

    in_flight_per_s: float
    low: float
    high: float

    def __str__(self) -> str:
        interval = f"95% interval {self.low:.3g}/s to {self.high:.3g}/s"
        return f"saturated: in flight grew by {self.in_flight_per_s:.3g}/s ({interval})"


def saturation(
    started: Mapping[int, int], ended: Mapping[int, int], begins_at_s: float, ends_at_s: float
) -> Saturation | None:
    """Return how the backlog grew from begin to end of a span, if it did so throughout; else None.

    Both counts are by second of the run, from its start on and for all outcomes: by when the started requests were due,
    and by when they ended.
    """
    block_s = (ends_at_s - begins_at_s) / _BLOCKS
    if block_s < 1:
        return None
    edges = [round(begins_at_s + block * block_s) for block in range(_BLOCKS + 1)]
    starts, ends = _Cumulative(started), _Cumulative(ended)
    if ends.between(edges[0], edges[-1]) < _LEAST_ENDED:
        return None
    behind_s = [_behind_s(starts, ends, at_s) for at_s in edges]
    if not (_grows(_per_s(behind_s, edges)) and _throughout(behind_s) and not _fills(starts, ends, edges)):
        return None
    growth = _per_s([starts.before(at_s) - ends.before(at_s) for at_s in edges], edges)
    mean, margin = fmean(growth), _margin(growth, 0.975)
    return Saturation(in_flight_per_s=mean, low=mean - margin, high=mean + margin)


class _Cumulative:
    """How many events there were until an instant, and when there were so many."""

    def __init__(self, by_second: Mapping[int, int]) -> None:
        self._seconds = sorted(second for second, count in by_second.items() if count)
        self._sums = list(accumulate(map(by_second.__getitem__, self._seconds), initial=0))

    def before(self, at_s: int) -> int:
        """Return the number of events in the seconds before an instant."""
        return self._sums[bisect_left(self._seconds, at_s)]

    def between(self, begin_s: int, end_s: int) -> int:
        return self.before(end_s) - self.before(begin_s)

    def last_s(self, count: int) -> float:
        """Return the last instant until which there were so many, or fewer; there are more in all."""
        position = bisect_right(self._sums, count) - 1
        before, after = self._sums[position], self._sums[position + 1]
        return self._seconds[position] + (count - before) / (after - before)


def _behind_s(starts: _Cumulative, ends: _Cumulative, at_s: int) -> float:
    """Return how many seconds before that instant as many had started as have ended by then."""
    ended = ends.before(at_s)
    return at_s - starts.last_s(ended) if ended < starts.before(at_s) else 0.0


def _per_s(levels: Sequence[float], edges: Sequence[int]) -> list[float]:
    """Return the growth per second in each block."""
    return [
        (after - before) / (end - begin)
        for (before, after), (begin, end) in zip(pairwise(levels), pairwise(edges), strict=True)
    ]


def _margin(growth: Sequence[float], confidence: float) -> float:
    return student_quantile(confidence, len(growth) - 1) * stdev(growth) / sqrt(len(growth))


def _grows(growth: Sequence[float]) -> bool:
    return fmean(growth) >= max(_LEAST_GROWTH, _margin(growth, _CONFIDENCE))


def _throughout(behind_s: Sequence[float]) -> bool:
    thirds = [after - before for before, after in pairwise(behind_s[::_THIRD])]
    return min(thirds) >= _LEAST_PART * fmean(thirds)


def _fills(starts: _Cumulative, ends: _Cumulative, edges: Sequence[int]) -> bool:
    """Return whether the share of starts that end still rises."""
    first, last = (
        (ends.between(begin, end), starts.between(begin, end))
        for begin, end in ((edges[0], edges[_THIRD]), (edges[-_THIRD - 1], edges[-1]))
    )
    return last[0] * first[1] > _MOST_RISE * first[0] * last[1]
