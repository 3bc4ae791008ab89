"""The stages of a load, and their segments in which requests arrive.

Λ(t), the number of arrivals expected until t, is the area under the rate. It never decreases, so instants in order are
found by walking the segments once, forward. Bursts may make many segments.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

EPSILON = 1e-9
"""The rounding error, in arrivals or seconds, at the end of a stage."""

ALWAYS = ((0.0, math.inf),)
"""The only window of a load without bursts."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A period with a constant rate, or a linear ramp to `to_per_s`. `for_s` may be infinite in a trace."""

    name: str
    for_s: float
    rate_per_s: float = 0.0
    to_per_s: float | None = None
    warmup: bool = False
    cooldown: bool = False
    pause: bool = False

    @property
    def measured(self) -> bool:
        """Whether it counts in the statistics."""
        return not (self.warmup or self.cooldown)

    @property
    def slope_per_s2(self) -> float:
        return 0.0 if self.to_per_s is None else (self.to_per_s - self.rate_per_s) / self.for_s

    @property
    def silent(self) -> bool:
        return self.rate_per_s == 0 and not self.to_per_s


def stage_at(stages: Sequence[Stage], at_s: float) -> int:
    """Return the position of the stage that contains an instant; the last one for instants past the end."""
    ends_at_s = list(accumulate(stage.for_s for stage in stages))
    return min(bisect_right(ends_at_s, at_s + EPSILON), len(stages) - 1)


@dataclass(frozen=True, slots=True)
class RateSegment:
    """A part of a stage with arrivals. `expected_before` is the number expected in all earlier segments."""

    stage: int
    starts_at_s: float
    for_s: float
    rate_per_s: float
    slope_per_s2: float
    expected_before: float

    @property
    def ends_at_s(self) -> float:
        return self.starts_at_s + self.for_s

    @property
    def expected_by_end(self) -> float:
        return self.expected_before + self._area(self.for_s)

    def expected_until(self, at_s: float) -> float:
        """Return Λ at an instant inside the segment."""
        return self.expected_before + self._area(at_s - self.starts_at_s)

    def at_s(self, expected: float) -> float:
        """Return Λ⁻¹ of a number reached inside the segment: the root of a quadratic, in its stable form."""
        area = max(0.0, expected - self.expected_before)
        root = math.sqrt(max(0.0, self.rate_per_s**2 + 2 * self.slope_per_s2 * area))
        divisor = self.rate_per_s + root
        return self.starts_at_s + (2 * area / divisor if divisor else 0.0)

    def _area(self, into_s: float) -> float:
        return into_s * (self.rate_per_s + self.slope_per_s2 * into_s / 2)


def rate_segments(
    stages: Sequence[Stage], windows: Iterable[tuple[float, float]] = ALWAYS, factor: float = 1.0
) -> Iterator[RateSegment]:
    """Yield the segments with arrivals in order: inside the windows (from, to), at `factor` times the stages' rates."""
    expected = 0.0
    for number, starts_at_s, begins_s, ends_s in _overlaps(stages, windows):
        stage = stages[number]
        if stage.silent:
            continue
        rate_per_s = factor * (stage.rate_per_s + stage.slope_per_s2 * begins_s)
        slope_per_s2 = factor * stage.slope_per_s2
        segment = RateSegment(number, starts_at_s + begins_s, ends_s - begins_s, rate_per_s, slope_per_s2, expected)
        yield segment
        expected = segment.expected_by_end


def _overlaps(
    stages: Sequence[Stage], windows: Iterable[tuple[float, float]]
) -> Iterator[tuple[int, float, float, float]]:
    """Yield position and start of a stage, with the begin and end of a part in a window, relative to that start."""
    following = iter(windows)
    opens_at_s, closes_at_s = next(following)
    starts_at_s = 0.0
    for number, stage in enumerate(stages):
        while True:
            begins_s, ends_s = max(0.0, opens_at_s - starts_at_s), min(stage.for_s, closes_at_s - starts_at_s)
            if begins_s < ends_s:
                yield number, starts_at_s, begins_s, ends_s
            if closes_at_s - starts_at_s >= stage.for_s:
                break
            opens_at_s, closes_at_s = next(following)
        starts_at_s += stage.for_s


class ScheduleCursor:
    """Walks the segments, only forward."""

    def __init__(self, ahead: Iterator[RateSegment]) -> None:
        self._ahead = ahead
        self.here = next(ahead, None)

    def at_s(self, expected: float) -> float | None:
        """Return Λ⁻¹, the instant by which that many arrivals are expected; None past the end."""
        while self.here and expected >= self.here.expected_by_end - EPSILON:
            self.here = next(self._ahead, None)
        return self.here.at_s(expected) if self.here else None

    def open_from(self, at_s: float) -> float | None:
        """Return the first instant from `at_s` on that lies in a segment; None past the end."""
        while self.here and at_s >= self.here.ends_at_s - EPSILON:
            self.here = next(self._ahead, None)
        return max(at_s, self.here.starts_at_s) if self.here else None
