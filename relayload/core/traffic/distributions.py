"""Distributions of whole numbers, such as token counts, each as its quantile function.

`at(u)` is the quantile of `u` in (0, 1), so a uniform draw of `u` gives a draw of the distribution.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Protocol

from relayload.core.traffic.curves import Curve

_STANDARD = NormalDist()
_STEPS = 200
"""The number of quantiles that represent a distribution."""


class Distribution(Protocol):
    """A distribution of whole numbers of at least 1."""

    @property
    def mean(self) -> float:
        """The expected value."""

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
class DiscreteUniform:
    """The whole numbers from `low` to `high`, inclusive, with equal probability."""

    low: int
    high: int

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    def at(self, u: float) -> int:
        return self.low + int(u * (self.high - self.low + 1))


@dataclass(frozen=True, slots=True)
class Rounded:
    """A curve's values, clipped to `least` and `most` and rounded."""

    curve: Curve
    least: int = 1
    most: float = math.inf

    @property
    def mean(self) -> float:
        return self.curve.clipped_mean(self.least, self.most)

    def at(self, u: float) -> int:
        return round(min(max(self.curve.at(_STANDARD.inv_cdf(u)), self.least), self.most))


@dataclass(frozen=True, slots=True)
class Empirical:
    """Observed values, each with equal probability."""

    values: Sequence[int]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    def at(self, u: float) -> int:
        return self.values[int(u * len(self.values))]


def mean_of_least(drawn: Distribution, bounds: Sequence[int]) -> float:
    """Return the expected value of min(draw, bound), with each bound equally likely."""
    values = [drawn.at((step + 0.5) / _STEPS) for step in range(_STEPS)]
    shares = Counter(bounds)
    return sum(share * fmean(min(value, bound) for value in values) for bound, share in shares.items()) / len(bounds)
