"""Which limits explain what a relay admitted and refused.

For each kind of window there is a least limit that admits everything that was admitted. The question is whether it also
refuses what was refused. A limit of the wrong kind or length has to be so wide for the admissions that it has room at
the instant of a refusal, which it then leaves unexplained.

When the relay decided is known to some `tolerance_s` only, so requests that near to the edge of a window may count on
either side of it: in favour of the limit, both times. So do requests that failed, of which it is
unknown whether they count.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from relayload.core.limits.observation import Seen


class Window(StrEnum):
    """How a limit counts."""

    SLIDING = "sliding"
    """What came in the last so many seconds."""
    FIXED = "fixed"
    """What came since the last boundary."""
    BUCKET = "bucket"
    """What a bucket holds that is refilled steadily."""


class Unit(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Shape:
    """A limit without its size."""

    window: Window
    unit: Unit
    window_s: float | None = None
    """The length of a window; None for a bucket."""
    phase_s: float = 0.0
    """An instant at which a fixed window begins."""
    phase_error_s: float = 0.0
    refill_per_s: float | None = None
    refused_count: bool = False
    """Whether requests count that were refused."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A limit, and how well it explains what was seen."""

    shape: Shape
    least: int
    """The least size that admits all that was admitted."""
    most: int
    """The largest that refuses each refusal that is explained."""
    unexplained: int
    """The refusals for which it had room."""
    refusals: int


def fit(shape: Shape, seen: Sequence[Seen], tolerance_s: float) -> Fit:
    """Return the least limit of that shape that admits all that was admitted, and what it leaves unexplained.

    `seen` is in the order of sending, and of one counter: one key, one model.
    """
    log = _Log(shape, seen)
    if shape.window is Window.BUCKET:
        return _fit_bucket(shape, log, tolerance_s)
    if shape.window is Window.SLIDING:
        return _fit_windows(shape, log, _sliding(shape, log, tolerance_s))
    return _fit_windows(shape, log, _fixed(shape, log, tolerance_s))


class _Log:
    """What counts, surely and at most, with its running sums, and every request."""

    def __init__(self, shape: Shape, seen: Sequence[Seen]) -> None:
        self.weighed = [(each, each.tokens if shape.unit is Unit.TOKENS else 1) for each in seen]
        self._surely = _Sums([each for each in self.weighed if each[0].admitted or (_tries(shape, each[0]))])
        self._at_most = _Sums([each for each in self.weighed if not each[0].refused or (_tries(shape, each[0]))])

    def surely(self, from_s: float, to_s: float) -> int:
        """Return the weight in (from, to) of what counts."""
        return self._surely.between(from_s, to_s)

    def at_most(self, from_s: float, to_s: float) -> int:
        """Return the weight in (from, to) of what may count."""
        return self._at_most.between(from_s, to_s)


def _tries(shape: Shape, seen: Seen) -> bool:
    return shape.refused_count and seen.refused


class _Sums:
    def __init__(self, weighed: Sequence[tuple[Seen, int]]) -> None:
        self._at_s = [each.at_s for each, _ in weighed]
        self._sums = [0, *accumulate(weight for _, weight in weighed)]

    def between(self, from_s: float, to_s: float) -> int:
        return max(0, self._sums[bisect_left(self._at_s, to_s)] - self._sums[bisect_right(self._at_s, from_s)])


_Counts = Callable[[float], tuple[int, int]]
"""From an instant to what counted against a request at it: surely, and at most."""


def _sliding(shape: Shape, log: _Log, tolerance_s: float) -> _Counts:
    length_s = shape.window_s or 0.0

    def counts(at_s: float) -> tuple[int, int]:
        least = log.surely(at_s - length_s + tolerance_s, at_s)
        most = log.at_most(at_s - length_s - tolerance_s, at_s + tolerance_s)
        return least, most

    return counts


def _fixed(shape: Shape, log: _Log, tolerance_s: float) -> _Counts:
    length_s = shape.window_s or 1.0

    def begins_s(at_s: float) -> float:
        return shape.phase_s + (at_s - shape.phase_s) // length_s * length_s

    def around_s(begin_s: float) -> float:
        """Return how far off a boundary may be: that one was seen, others are so many lengths away."""
        seen = abs(begin_s - shape.phase_s) < length_s / 2
        return min(shape.phase_error_s + (0.0 if seen else tolerance_s), length_s / 4)

    def counts(at_s: float) -> tuple[int, int]:
        surely_s = begins_s(at_s)
        if at_s + around_s(surely_s + length_s) >= surely_s + length_s:
            surely_s += length_s
        maybe_s = begins_s(at_s)
        if at_s - around_s(maybe_s) <= maybe_s:
            maybe_s -= length_s
        least = log.surely(surely_s + around_s(surely_s) - _INSTANT_S, at_s)
        return least, log.at_most(maybe_s - around_s(maybe_s) - _INSTANT_S, at_s + tolerance_s)

    return counts


_INSTANT_S = 1e-6


def _fit_windows(shape: Shape, log: _Log, counts: _Counts) -> Fit:
    found = [(each, weight, *counts(each.at_s)) for each, weight in log.weighed if each.admitted or each.refused]
    least = max((count + weight for each, weight, count, _ in found if each.admitted), default=0)
    # A refused request that counts is among what was counted.
    room_below = [most + (0 if shape.refused_count else weight) for each, weight, _, most in found if each.refused]
    explained = [full for full in room_below if full > least]
    return Fit(shape, least, min(explained, default=least + 1) - 1, len(room_below) - len(explained), len(room_below))


def _fit_bucket(shape: Shape, log: _Log, tolerance_s: float) -> Fit:
    """Find the least depth from which all that was admitted could be taken, given the refill."""
    per_s = shape.refill_per_s or 1.0
    depth = surely = at_most = 0.0
    last_s = log.weighed[0][0].at_s
    wide = []
    for each, weight in log.weighed:
        refilled = (each.at_s - last_s) * per_s
        last_s = each.at_s
        surely, at_most = max(0.0, surely - refilled), max(0.0, at_most - refilled)
        if each.refused:
            wide.append(at_most + weight)
            continue
        at_most += weight
        if each.admitted:
            surely += weight
            depth = max(depth, surely)
    slack = per_s * tolerance_s
    least = max(1, round(depth - min(slack, depth / 4)))
    unexplained = sum(full + slack <= least for full in wide)
    explained = [full for full in wide if full + slack > least]
    most = max(least, int(min(explained, default=least + 1.0) + slack))
    return Fit(shape, least, most, unexplained, len(wide))
