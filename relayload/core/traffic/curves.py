"""Continuous distributions, of times or lengths, as functions of the standard score z."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

_STANDARD = NormalDist()
_Z99 = _STANDARD.inv_cdf(0.99)


class Curve(Protocol):
    """A continuous distribution."""

    @property
    def mean(self) -> float: ...

    def at(self, z: float) -> float:
        """Return the value z standard deviations from the median."""

    def clipped_mean(self, least: float, most: float) -> float:
        """Return the mean of draws that are raised to `least` and lowered to `most`, which may be infinite."""


@dataclass(frozen=True, slots=True)
class Normal:
    mean: float
    stddev: float

    def at(self, z: float) -> float:
        """Return the value z standard deviations from the median."""
        return self.mean + self.stddev * z

    def clipped_mean(self, least: float, most: float) -> float:
        """Return the mean of draws that are raised to `least` and lowered to `most`, which may be infinite."""
        low, high = ((end - self.mean) / self.stddev for end in (least, most))
        inside = self.mean * (_below(high) - _below(low)) + self.stddev * (_STANDARD.pdf(low) - _STANDARD.pdf(high))
        return inside + _at_the_ends(least, low, most, high)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """p50 exp(sigma z) with z standard normal: half of all draws are below p50, 1 % are above p99."""

    p50: float
    sigma: float

    @classmethod
    def through(cls, p50: float, p99: float) -> "LogNormal":
        """Fit p50 and p99, in the unit of the draws, 0 < p50 <= p99: sigma = ln(p99 / p50) / z99."""
        return cls(p50, math.log(p99 / p50) / _Z99)

    @property
    def mean(self) -> float:
        return self.p50 * math.exp(self.sigma**2 / 2)

    def at(self, z: float) -> float:
        """Return the value z standard deviations (of the logarithm) from the median."""
        return self.p50 * math.exp(self.sigma * z)

    def clipped_mean(self, least: float, most: float) -> float:
        """Return the mean of draws that are raised to `least` and lowered to `most`, which may be infinite."""
        if self.sigma == 0:
            return min(max(self.p50, least), most)
        low, high = (self._score(end) for end in (least, most))
        inside = self.mean * (_below(high - self.sigma) - _below(low - self.sigma))
        return inside + _at_the_ends(least, low, most, high)

    def _score(self, value: float) -> float:
        if value <= 0:
            return -math.inf
        return value if math.isinf(value) else math.log(value / self.p50) / self.sigma


def _at_the_ends(least: float, low: float, most: float, high: float) -> float:
    """Return what draws beyond the ends, whose scores are `low` and `high`, add to a clipped mean."""
    return least * _below(low) + (most * _below(-high) if math.isfinite(most) else 0.0)


def _below(z: float) -> float:
    return _STANDARD.cdf(z)
