"""Distributions of durations, such as think times, each as its quantile function, in seconds.

`at(u)` is the quantile of `u` in (0, 1), so a uniform draw of `u` gives a draw of the distribution.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

from relayload.core.traffic.curves import Curve

_STANDARD = NormalDist()


class Span(Protocol):
    """A distribution of durations of at least 0 seconds."""

    def at(self, u: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Fixed:
    value_s: float

    def at(self, _u: float) -> float:
        return self.value_s


@dataclass(frozen=True, slots=True)
class Uniform:
    """Durations between `low_s` and `high_s` with equal probability."""

    low_s: float
    high_s: float

    def at(self, u: float) -> float:
        return self.low_s + u * (self.high_s - self.low_s)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Exponential durations, as between independent events, clipped to `least_s` and `most_s`."""

    mean_s: float
    least_s: float = 0.0
    most_s: float = math.inf

    def at(self, u: float) -> float:
        return min(max(-self.mean_s * math.log1p(-u), self.least_s), self.most_s)


@dataclass(frozen=True, slots=True)
class FromCurve:
    """A curve's values, clipped to `least_s` and `most_s`."""

    curve: Curve
    least_s: float = 0.0
    most_s: float = math.inf

    def at(self, u: float) -> float:
        return min(max(self.curve.at(_STANDARD.inv_cdf(u)), self.least_s), self.most_s)
