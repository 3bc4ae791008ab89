"""The random draws for latencies and lengths."""

from random import Random
from typing import NamedTuple


class Draw(NamedTuple):
    """Standard normals for one request."""

    ttft: float
    speed: float
    length: float


class Draws:
    """Seeded draws: request number i gets the i-th draw of each quantity, whatever happened to other requests."""

    def __init__(self, seed: int) -> None:
        self._ttft = Random(f"{seed}:ttft")
        self._speed = Random(f"{seed}:speed")
        self._length = Random(f"{seed}:length")

    def next(self) -> Draw:
        """Return the draws of the next request."""
        return Draw(self._ttft.gauss(0.0, 1.0), self._speed.gauss(0.0, 1.0), self._length.gauss(0.0, 1.0))
