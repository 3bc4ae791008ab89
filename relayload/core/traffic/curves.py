"""Continuous quantities, such as times and lengths, by standard deviations from their middle."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

_Z99 = NormalDist().inv_cdf(0.99)


class Curve(Protocol):
    """How a quantity is spread."""

    @property
    def mean(self) -> float: ...

    def at(self, z: float) -> float:
        """The value z standard deviations from the middle."""


@dataclass(frozen=True, slots=True)
class Normal:
    mean: float
    stddev: float

    def at(self, z: float) -> float:
        """The value z standard deviations from the middle."""
        return self.mean + self.stddev * z


@dataclass(frozen=True, slots=True)
class LogNormal:
    """p50 exp(sigma z) with z standard normal: half of all draws below p50, one in a hundred above p99."""

    p50: float
    sigma: float

    @classmethod
    def through(cls, p50: float, p99: float) -> "LogNormal":
        """sigma = ln(p99 / p50) / z99. Both in the unit of the draws, 0 < p50 <= p99."""
        return cls(p50, math.log(p99 / p50) / _Z99)

    @property
    def mean(self) -> float:
        return self.p50 * math.exp(self.sigma**2 / 2)

    def at(self, z: float) -> float:
        """The value z standard deviations from the middle."""
        return self.p50 * math.exp(self.sigma * z)
