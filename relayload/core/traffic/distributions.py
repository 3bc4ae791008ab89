"""How whole numbers, such as counts of tokens, are spread: each as its quantile function.

`at(u)` is the value below which a share `u` of the values lies, so a uniform draw of (0, 1) makes a draw of any.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Protocol

_STANDARD = NormalDist()
_Z99 = _STANDARD.inv_cdf(0.99)


class Distribution(Protocol):
    """Of whole numbers of at least 1."""

    @property
    def mean(self) -> float:
        """The expected value, as if nothing were cut off at the ends."""

    def at(self, u: float) -> int: ...


@dataclass(frozen=True, slots=True)
class Constant:
    value: int

    @property
    def mean(self) -> float:
        return self.value

    def at(self, _u: float) -> int:
        return self.value


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every whole number from `low` to `high`, both of them too, as often."""

    low: int
    high: int

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    def at(self, u: float) -> int:
        return self.low + int(u * (self.high - self.low + 1))


@dataclass(frozen=True, slots=True)
class Normal:
    """Rounded, and held between `least` and `most`."""

    mean: float
    stddev: float
    least: int = 1
    most: float = math.inf

    def at(self, u: float) -> int:
        return _held(self.mean + self.stddev * _STANDARD.inv_cdf(u), self.least, self.most)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Through its median and its 99th percentile: p50 · exp(σ z) with σ = ln(p99 / p50) / z(0.99)."""

    p50: float
    p99: float
    least: int = 1
    most: float = math.inf

    @property
    def sigma(self) -> float:
        return math.log(self.p99 / self.p50) / _Z99

    @property
    def mean(self) -> float:
        return self.p50 * math.exp(self.sigma**2 / 2)

    def at(self, u: float) -> int:
        return _held(self.p50 * math.exp(self.sigma * _STANDARD.inv_cdf(u)), self.least, self.most)


@dataclass(frozen=True, slots=True)
class Empirical:
    """Values that were seen, each as often as it stands there."""

    values: Sequence[int]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    def at(self, u: float) -> int:
        return self.values[int(u * len(self.values))]


def _held(value: float, least: int, most: float) -> int:
    return round(min(max(value, least), most))
