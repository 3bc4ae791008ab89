"""The line between the tokens that were counted here and those that a relay reported.

    reported = factor x counted + offset

A factor above 1 is inflation, an offset a hidden prompt. The line is that of Theil and Sen: the factor is the median of
the slopes between all pairs of requests, the offset the median of what is left, so that up to a quarter of the requests
may be reported as wildly as they like without moving it. Those are told apart: requests off the line.

The interval of the factor is Sen's, which inverts Kendall's test with ties among the counts; that of the offset is the
interval of the median of what is left at the ends of the factor's, so it holds for both together. Source: Sen,
Estimates of the Regression Coefficient Based on Kendall's Tau (1968).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from statistics import NormalDist, median

FEWEST = 8
"""Requests below which no interval is told."""
_MOST = 300
"""Requests between all pairs of which slopes are taken; of more, so many are drawn."""
_LEAST_REACH = 1.2
"""The ratio of the longest to the shortest count below which factor and offset can't be told apart."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TokenLine:
    """What the reports of some requests say together. `factor` and `offset` are None where counts are all alike."""

    requests: int
    factor: Estimate | None
    offset: Estimate | None
    off_line: int
    """Requests reported with more than the line says, by over 2 % of it and over 4 tokens."""
    excess_tokens: int
    """What was reported beyond the counts, over all requests; below 0 if fewer were."""


Counts = Sequence[tuple[int, int]]
"""For each request the tokens counted here, and those reported."""


def token_line(counts: Counts, seed: int = 0) -> TokenLine:
    """Return the line through these counts, and what lies off it."""
    drawn = counts if len(counts) <= _MOST else Random(f"token-line:{seed}").sample(list(counts), _MOST)
    factor = _factor(drawn)
    offset = None if factor is None else _offset(drawn, factor)
    return TokenLine(
        requests=len(counts),
        factor=factor,
        offset=offset,
        off_line=0 if factor is None or offset is None else _off_line(counts, factor.value, offset.value),
        excess_tokens=sum(reported - counted for counted, reported in counts),
    )


def _factor(counts: Counts) -> Estimate | None:
    """Return the median slope; None where the counts are too few, or too much alike to have one."""
    if len(counts) < FEWEST or max(counts)[0] < _LEAST_REACH * min(counts)[0]:
        return None
    slopes = sorted((y - b) / (x - a) for (a, b), (x, y) in combinations(counts, 2) if a != x)
    half = _Z * math.sqrt(_kendall_variance([counted for counted, _ in counts])) / 2
    low = max(0, math.floor(len(slopes) / 2 - half) - 1)
    high = min(len(slopes) - 1, math.ceil(len(slopes) / 2 + half))
    return Estimate(median(slopes), slopes[low], slopes[high])


def _kendall_variance(values: Sequence[int]) -> float:
    """Return the variance of Kendall's S without a relation, with ties among these values."""
    sizes = [len(values), *(-tied for tied in Counter(values).values())]
    return sum(math.copysign(abs(n) * (abs(n) - 1) * (2 * abs(n) + 5), n) for n in sizes) / 18


def _offset(counts: Counts, factor: Estimate) -> Estimate:
    low, high = (_left(counts, slope) for slope in (factor.high, factor.low))
    far = max(0, math.floor((len(counts) - _Z * math.sqrt(len(counts))) / 2))
    return Estimate(median(_left(counts, factor.value)), low[far], high[-1 - far])


def _left(counts: Counts, factor: float) -> list[float]:
    return sorted(reported - factor * counted for counted, reported in counts)


def _off_line(counts: Counts, factor: float, offset: float) -> int:
    expected = ((reported, factor * counted + offset) for counted, reported in counts)
    return sum(reported > on_line * (1 + _SHARE_OFF) + _TOKENS_OFF for reported, on_line in expected)


_Z = NormalDist().inv_cdf(0.975)
_SHARE_OFF = 0.02
_TOKENS_OFF = 4
