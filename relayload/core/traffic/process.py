"""How arrivals are spaced, independent of their rate: unit-rate processes and bursts.

Each keeps its mean exactly: changing the process changes when requests start, not how many are expected.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count, repeat
from operator import neg, sub
from random import Random


class Spacing(StrEnum):
    """The distribution of gaps between arrivals."""

    CONSTANT = "constant"
    POISSON = "poisson"
    GAMMA = "gamma"


@dataclass(frozen=True, slots=True)
class Bursts:
    """Alternating times with and without arrivals.

    The lengths are `on_s` and `off_s`, starting with "on" at 0, or exponential with these means and a stationary start.
    """

    on_s: float
    off_s: float
    exponential: bool = False

    @property
    def factor(self) -> float:
        """How much higher the rate is during a burst, so that the mean equals the stage's rate."""
        return (self.on_s + self.off_s) / self.on_s

    def windows(self, seed: int) -> Iterator[tuple[float, float]]:
        """Yield start and end of each burst in seconds, endlessly."""
        return self._drawn_windows(seed) if self.exponential else self._even_windows()

    def _even_windows(self) -> Iterator[tuple[float, float]]:
        period_s = self.on_s + self.off_s
        return ((number * period_s, number * period_s + self.on_s) for number in count())

    def _drawn_windows(self, seed: int) -> Iterator[tuple[float, float]]:
        rng = Random(f"{seed}:bursts")
        on = rng.random() < 1 / self.factor
        at_s = 0.0 if on else rng.expovariate(1 / self.off_s)
        while True:
            ends_at_s = at_s + rng.expovariate(1 / self.on_s)
            yield at_s, ends_at_s
            at_s = ends_at_s + rng.expovariate(1 / self.off_s)


@dataclass(frozen=True, slots=True)
class Process:
    """An arrival process. `cv` is the coefficient of variation of gamma gaps: 1 is Poisson, more is burstier."""

    spacing: Spacing
    cv: float = 1.0
    bursts: Bursts | None = None

    def gaps(self, seed: int) -> Iterator[float]:
        """Yield gaps of mean 1. The first one runs from 0 to the first arrival."""
        rng = Random(f"{seed}:arrivals")
        match self.spacing:
            case Spacing.CONSTANT:
                return chain((0.0,), repeat(1.0))
            case Spacing.POISSON:
                return _exponential(rng)
            case Spacing.GAMMA:
                return _gamma(self.cv, rng)


CONSTANT = Process(Spacing.CONSTANT)
POISSON = Process(Spacing.POISSON)


def _exponential(rng: Random) -> Iterator[float]:
    """Yield -ln(1 - u), like `expovariate(1.0)`, without a Python call per gap."""
    return map(neg, map(math.log, map(sub, repeat(1.0), iter(rng.random, None))))


def _gamma(cv: float, rng: Random) -> Iterator[float]:
    """Yield gamma gaps of mean 1. The first is the rest of a gap at a random instant.

    So the expected number of arrivals in any interval is exactly its rate times its length (Cox, Renewal Theory, 1962,
    ch. 5).
    """
    shape, scale = 1 / cv**2, cv**2
    first = rng.random() * rng.gammavariate(shape + 1, scale)
    return chain((first,), map(rng.gammavariate, repeat(shape), repeat(scale)))
