"""What one target adds to another, from pairs of requests that were sent side by side in one run.

A pair shares its instant and its prompt, and neighbouring pairs share the state of the network and of the relay. So
whole stretches of pairs are drawn anew (a block bootstrap): what they have in common cancels out, and what makes
neighbours alike widens the interval. Source: Lahiri, Resampling Methods for Dependent Data (2003), ch. 2.
"""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from relayload.core.results.sample import rank_of

PERCENTILES = (50.0, 95.0, 99.0)
_BLOCKS = 50
_MOST_WORK = 20_000_000
_MOST_DRAWS = 1000
_FEWEST_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Added:
    """How much larger a percentile is, with its 95 % interval; that is None for less than fifty pairs."""

    p: float
    base: float
    new: float
    low: float | None
    high: float | None

    @property
    def value(self) -> float:
        return self.new - self.base


def added(
    pairs: Sequence[tuple[float, float]], rng: random.Random, percentiles: Sequence[float] = PERCENTILES
) -> list[Added]:
    """The difference of percentiles between the second values and the first, of pairs in the order of the schedule."""
    if not pairs:
        return []
    sides = [_Side.of([pair[side] for pair in pairs]) for side in (0, 1)]
    draws = _draws(sides, len(pairs), rng, percentiles)
    whole = [side.percentiles([1] * _BLOCKS, percentiles) for side in sides]
    return [
        Added(p, before, after, *_interval([draw[position] for draw in draws]))
        for position, (p, before, after) in enumerate(zip(percentiles, *whole, strict=True))
    ]


def _draws(
    sides: "Sequence[_Side]", n: int, rng: random.Random, percentiles: Sequence[float]
) -> list[tuple[float, ...]]:
    """The differences of the percentiles for many ways to draw the blocks, with repetition."""
    if n < _BLOCKS:
        return []
    count = max(_FEWEST_DRAWS, min(_MOST_DRAWS, _MOST_WORK // n))
    differences = []
    for _ in range(count):
        drawn = Counter(rng.choices(range(_BLOCKS), k=_BLOCKS))
        weights = [drawn[block] for block in range(_BLOCKS)]
        before, after = (side.percentiles(weights, percentiles) for side in sides)
        differences.append(tuple(late - early for early, late in zip(before, after, strict=True)))
    return differences


def _interval(differences: list[float]) -> tuple[float | None, float | None]:
    if not differences:
        return None, None
    ordered = sorted(differences)
    return ordered[rank_of(0.025, len(ordered)) - 1], ordered[rank_of(0.975, len(ordered)) - 1]


@dataclass(frozen=True, slots=True)
class _Side:
    """The values of one target, sorted, and the block in which each was sent."""

    ordered: Sequence[float]
    blocks: Sequence[int]

    @classmethod
    def of(cls, values: Sequence[float]) -> "_Side":
        order = sorted(range(len(values)), key=values.__getitem__)
        return cls([values[index] for index in order], [index * _BLOCKS // len(values) for index in order])

    def percentiles(self, weights: Sequence[int], percentiles: Sequence[float]) -> list[float]:
        """Of the sample in which the values of each block stand so many times."""
        cumulated = list(accumulate(map(weights.__getitem__, self.blocks)))
        ranks = [rank_of(p / 100, cumulated[-1]) for p in percentiles]
        return [self.ordered[bisect_left(cumulated, rank)] for rank in ranks]
