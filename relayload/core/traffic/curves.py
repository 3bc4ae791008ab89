"""Continuous distributions, of times or lengths, as functions of the standard score z."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

_Z99 = NormalDist().inv_cdf(0.99)


class Curve(Protocol):
    """A continuous distribution."""

    @property
    def mean(self) -> float: ...

    def at(self, z: float) -> float:
        """Return the value z standard deviations from the median."""


@dataclass(frozen=True, slots=True)
class Normal:
    mean: float
    stddev: float

    def at(self, z: float) -> float:
        """Return the value z standard deviations from the median."""
        return self.mean + self.stddev * z


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
