"""How long things take and how much they hold: log-normals through the two figures that vendors publish."""

import math
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

Z99 = 2.3263478740408408
"""The 99th percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class LogNormal:
    """p50 exp(sigma z) with z standard normal: half of all draws below p50, one in a hundred above p99."""

    p50: float
    sigma: float

    @classmethod
    def through(cls, p50: float, p99: float) -> "LogNormal":
        """sigma = ln(p99 / p50) / z99. Both in the unit of the draws, 0 < p50 <= p99."""
        return cls(p50, math.log(p99 / p50) / Z99)

    def at(self, z: float) -> float:
        """The value z standard deviations from the middle."""
        return self.p50 * math.exp(self.sigma * z)


class Draw(NamedTuple):
    """Standard normals for one request."""

    ttft: float
    speed: float
    length: float


class Draws:
    """Seeded draws: request number i gets the i-th of each purpose, whatever became of the others."""

    def __init__(self, seed: int) -> None:
        self._ttft = Random(f"{seed}:ttft")
        self._speed = Random(f"{seed}:speed")
        self._length = Random(f"{seed}:length")

    def next(self) -> Draw:
        """Those of the next request."""
        return Draw(self._ttft.gauss(0.0, 1.0), self._speed.gauss(0.0, 1.0), self._length.gauss(0.0, 1.0))
