"""How long things take and how much they hold: log-normals through the two figures that vendors publish."""

import math
from dataclasses import dataclass
from random import Random

Z99 = 2.3263478740408408
"""The 99th percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class LogNormal:
    """exp(mu + sigma z) with z standard normal: half of all draws below p50, one in a hundred above p99."""

    mu: float
    sigma: float

    @classmethod
    def through(cls, p50: float, p99: float) -> "LogNormal":
        """mu = ln p50, sigma = ln(p99 / p50) / z99. Both in the unit of the draws, 0 < p50 <= p99."""
        return cls(math.log(p50), math.log(p99 / p50) / Z99)

    def at(self, z: float) -> float:
        """The value z standard deviations from the middle."""
        return math.exp(self.mu + self.sigma * z)


class Draws:
    """Seeded standard normals: request number i gets the i-th draw of each purpose, whatever came before it."""

    def __init__(self, seed: int) -> None:
        self._ttft = Random(f"{seed}:ttft")
        self._speed = Random(f"{seed}:speed")
        self._length = Random(f"{seed}:length")

    def next(self) -> tuple[float, float, float]:
        """For time to first token, speed and length."""
        return self._ttft.gauss(0.0, 1.0), self._speed.gauss(0.0, 1.0), self._length.gauss(0.0, 1.0)
