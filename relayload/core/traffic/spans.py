"""How stretches of time, such as the time to think, are spread: each as its quantile function, in seconds.

`at(u)` is the value below which a share `u` of the values lies, so a uniform draw of (0, 1) makes a draw of any.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

from relayload.core.traffic.curves import Curve

_STANDARD = NormalDist()


class Span(Protocol):
    """Of seconds, 0 or more."""

    def at(self, u: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Fixed:
    value_s: float

    def at(self, _u: float) -> float:
        return self.value_s


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every time between two, as often."""

    low_s: float
    high_s: float

    def at(self, u: float) -> float:
        return self.low_s + u * (self.high_s - self.low_s)


@dataclass(frozen=True, slots=True)
class Exponential:
    """As between events that know nothing of each other, held between `least_s` and `most_s`."""

    mean_s: float
    least_s: float = 0.0
    most_s: float = math.inf

    def at(self, u: float) -> float:
        return min(max(-self.mean_s * math.log1p(-u), self.least_s), self.most_s)


@dataclass(frozen=True, slots=True)
class FromCurve:
    """A curve's values, held between `least_s` and `most_s`."""

    curve: Curve
    least_s: float = 0.0
    most_s: float = math.inf

    def at(self, u: float) -> float:
        return min(max(self.curve.at(_STANDARD.inv_cdf(u)), self.least_s), self.most_s)
