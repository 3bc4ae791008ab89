"""How whole numbers, such as counts of tokens, are spread: each as its quantile function.

`at(u)` is the value below which a share `u` of the values lies, so a uniform draw of (0, 1) makes a draw of any.
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
"""Quantiles that stand for a distribution."""


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
class Rounded:
    """A curve's values as whole numbers, held between `least` and `most`."""

    curve: Curve
    least: int = 1
    most: float = math.inf

    @property
    def mean(self) -> float:
        return self.curve.mean

    def at(self, u: float) -> int:
        return round(min(max(self.curve.at(_STANDARD.inv_cdf(u)), self.least), self.most))


@dataclass(frozen=True, slots=True)
class Empirical:
    """Values that were seen, each as often as it stands there."""

    values: Sequence[int]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    def at(self, u: float) -> int:
        return self.values[int(u * len(self.values))]


def mean_of_least(drawn: Distribution, bounds: Sequence[int]) -> float:
    """The expected value of what is drawn, or of a bound where that is less; each bound holds as often."""
    values = [drawn.at((step + 0.5) / _STEPS) for step in range(_STEPS)]
    shares = Counter(bounds)
    return sum(share * fmean(min(value, bound) for value in values) for bound, share in shares.items()) / len(bounds)
