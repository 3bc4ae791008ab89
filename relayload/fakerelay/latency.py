"""The chance behind how long things take and how much they hold."""

from random import Random
from typing import NamedTuple


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
