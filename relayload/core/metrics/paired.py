"""How much one target adds to another, from pairs of requests that were sent side by side in one run.

A pair shares its instant and its prompt, and neighbouring pairs share the state of the network and of the relay. So
blocks of consecutive pairs are resampled (a block bootstrap): what pairs have in common cancels out, and the dependence
between neighbours widens the interval. Source: Lahiri, Resampling Methods for Dependent Data (2003), ch. 2.

- Blocks must outlast the dependence between neighbours, so there are as many as eight effective pairs each allow, and
  at most 24. Half as many of twice the length are tried as well: the wider interval counts.
- Few blocks vary too little when resampled, so more extreme quantiles of the draws are taken, by Student's t.
  Source: Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69 (2015), the expanded
  percentile interval.
- A percentile beyond which hardly any effective pair lies has no interval: no draw shows what the sample lacks.

`tests/core/metrics/test_paired.py` simulates how often such intervals contain the true value.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul, sub
from random import Random
from statistics import NormalDist

from relayload.core.stats.effective_size import effective_size
from relayload.core.stats.ranks import SortedRuns, rank_of

PERCENTILES = (50.0, 95.0, 99.0)
_FEWEST_PAIRS = 50
_FEWEST_BEYOND = 3
_MOST_BLOCKS = 24
_FEWEST_BLOCKS = 8
_EFFECTIVE_IN_BLOCK = 8
_DRAWS = 1000
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Added:
    """How much larger a percentile is, with its 95 % interval; the bounds are None where the pairs are too few."""

    p: float
    base: float
    new: float
    low: float | None
    high: float | None
    n: int
    """The number of pairs."""
    effective_n: int
    """The number of independent pairs that would give as much information."""

    @property
    def value(self) -> float:
        return self.new - self.base


def added(
    before: Sequence[float], after: Sequence[float], rng: Random, percentiles: Sequence[float] = PERCENTILES
) -> list[Added]:
    """Return the percentiles of `after` less those of `before`: the values of each pair, in schedule order."""
    if not before:
        return []
    sides = [_Side.of(before), _Side.of(after)]
    effective_n = min(side.effective_n for side in sides)
    bounded = [p for p in percentiles if _has_interval(p, effective_n)]
    intervals = _intervals(sides, effective_n, rng, bounded) if bounded else {}
    bounds = [(p, *intervals.get(p, (None, None))) for p in percentiles]
    here, there = sides
    return [Added(p, here.at(p), there.at(p), low, high, len(before), effective_n) for p, low, high in bounds]


def independent_pairs_needed(p: float) -> int:
    """Return the independent pairs an interval needs: 50, and at least 3 beyond the percentile; 300 for p99."""
    return max(_FEWEST_PAIRS, math.ceil(_FEWEST_BEYOND * 100 / min(p, 100 - p) - 1e-9))


def _has_interval(p: float, effective_n: int) -> bool:
    return effective_n >= independent_pairs_needed(p)


def _intervals(
    sides: "Sequence[_Side]", effective_n: int, rng: Random, percentiles: Sequence[float]
) -> dict[float, tuple[float, float]]:
    """Return the wider of the intervals from blocks and from blocks of twice the length."""
    blocks = max(_FEWEST_BLOCKS, min(_MOST_BLOCKS, effective_n // _EFFECTIVE_IN_BLOCK // 2 * 2))
    before, after = (side.in_blocks(blocks) for side in sides)
    lots = [(blocks // length, _draws(blocks // length, length, rng)) for length in (1, 2)]
    intervals = {}
    for p in percentiles:
        differences = [map(sub, after.percentiles(p, draws), before.percentiles(p, draws)) for _, draws in lots]
        ends = [_ends(sorted(found), count) for found, (count, _) in zip(differences, lots, strict=True)]
        intervals[p] = min(low for low, _ in ends), max(high for _, high in ends)
    return intervals


def _draws(count: int, length: int, rng: Random) -> list[list[int]]:
    """Return how often each block was drawn, where `length` neighbours are drawn as one, with repetition."""
    draws = []
    for _ in range(_DRAWS):
        drawn = [0] * count
        for block in rng.choices(range(count), k=count):
            drawn[block] += 1
        draws.append([times for times in drawn for _ in range(length)])
    return draws


def _ends(ordered: Sequence[float], blocks: int) -> tuple[float, float]:
    tail = _tail(blocks)
    return ordered[rank_of(tail, len(ordered)) - 1], ordered[-rank_of(tail, len(ordered))]


def _tail(blocks: int) -> float:
    """Return the share of draws beyond each end.

    For n blocks it is Φ(-t √(n / (n - 1))), with t the 97.5 % quantile of Student's t, expanded as in Abramowitz &
    Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    z, df = _NORMAL.inv_cdf(0.975), blocks - 1
    t = z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
    t += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * df**3)
    return _NORMAL.cdf(-t * math.sqrt(blocks / df))


@dataclass(frozen=True, slots=True)
class _Side:
    """The values of one target, sorted, with the pair of each."""

    ordered: "array[float]"
    pairs: "array[int]"

    @classmethod
    def of(cls, values: Sequence[float]) -> "_Side":
        pairs = array("I", sorted(range(len(values)), key=values.__getitem__))
        return cls(array("d", map(values.__getitem__, pairs)), pairs)

    def at(self, p: float) -> float:
        return self.ordered[rank_of(p / 100, len(self.ordered)) - 1]

    @property
    def effective_n(self) -> int:
        """The effective size by the slowest twentieth; of equal values none is slower."""
        slowest = sorted(self.pairs[bisect_right(self.ordered, self.at(95.0)) :])
        return effective_size(SortedRuns([slowest]), SortedRuns([range(len(self.pairs))]))

    def in_blocks(self, count: int) -> "_Blocked":
        n = len(self.pairs)
        return _Blocked.of(self.ordered, bytes([pair * count // n for pair in self.pairs]), count)


@dataclass(frozen=True, slots=True)
class _Blocked:
    """Sorted values and the block of each, with the counts of the blocks before every `step`-th value.

    So a percentile of a draw costs about √n instead of n.
    """

    ordered: "array[float]"
    blocks: bytes
    step: int
    before: list[list[int]]

    @classmethod
    def of(cls, ordered: "array[float]", blocks: bytes, count: int) -> "_Blocked":
        step = math.isqrt(len(blocks))
        before = [[0] * count]
        for begin in range(0, len(blocks), step):
            part = blocks[begin : begin + step]
            before.append([known + part.count(block) for block, known in enumerate(before[-1])])
        return cls(ordered, blocks, step, before)

    def percentiles(self, p: float, draws: Sequence[Sequence[int]]) -> list[float]:
        """Return a percentile of each resample, in which the values of a block occur as often as it was drawn."""
        return [self._at(p / 100, drawn) for drawn in draws]

    def _at(self, quantile: float, drawn: Sequence[int]) -> float:
        def counted(known: Sequence[int]) -> int:
            return sum(map(mul, drawn, known))

        rank = rank_of(quantile, counted(self.before[-1]))
        part = bisect_left(self.before, rank, key=counted) - 1
        begin = part * self.step
        times = map(drawn.__getitem__, self.blocks[begin : begin + self.step])
        reached = list(accumulate(times, initial=counted(self.before[part])))
        return self.ordered[begin + bisect_left(reached, rank) - 1]
