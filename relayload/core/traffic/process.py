"""How arrivals are spaced, whatever their rate: processes of unit rate, and bursts.

Each is exact and keeps its mean: a change of the process changes when requests start, and not how many are expected.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count, repeat
from operator import neg, sub
from random import Random


class Spacing(StrEnum):
    """How the gaps between arrivals are spread."""

    CONSTANT = "constant"
    POISSON = "poisson"
    GAMMA = "gamma"


@dataclass(frozen=True, slots=True)
class Bursts:
    """Times with arrivals, and times without.

    Lengths are `on_s` and `off_s`, from 0 on, or exponential with these means, as if they had gone on for ever.
    """

    on_s: float
    off_s: float
    exponential: bool = False

    @property
    def factor(self) -> float:
        """How much higher the rate is while they are on, so that the mean is that of the stage."""
        return (self.on_s + self.off_s) / self.on_s

    def windows(self, seed: int) -> Iterator[tuple[float, float]]:
        """From when to when they are on, without end."""
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
    """A kind of arrivals. `cv` is the coefficient of variation of gamma's gaps: 1 is Poisson, more comes in clumps."""

    spacing: Spacing
    cv: float = 1.0
    bursts: Bursts | None = None

    def gaps(self, seed: int) -> Iterator[float]:
        """Gaps of mean 1, the first one from 0 to the first arrival."""
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
    """-ln(1 - u), as `expovariate(1.0)` draws it, without a call of a Python function for each."""
    return map(neg, map(math.log, map(sub, repeat(1.0), iter(rng.random, None))))


def _gamma(cv: float, rng: Random) -> Iterator[float]:
    """Gamma gaps of mean 1. The first is what is left of one when somebody looks in at a random instant.

    So just as many arrivals are expected in any stretch of time as its rate says (Cox, Renewal Theory, 1962, ch. 5).
    """
    shape, scale = 1 / cv**2, cv**2
    first = rng.random() * rng.gammavariate(shape + 1, scale)
    return chain((first,), map(rng.gammavariate, repeat(shape), repeat(scale)))
