"""The line between the tokens that were counted here and those that a relay reported.

    reported = factor x counted + offset

A factor above 1 is inflation, an offset a hidden prompt. The factor is the weighted median of the slopes between all
pairs of requests, each weighed by how far their counts are apart: among many short prompts and few long ones, the long
ones tell it, as rounding hides it in short ones. The offset is the median of what is left. So a quarter of the requests
may be reported as wildly as they like without moving the line. Those are told apart: requests off the line. Where
counts are exact, as with a known tokenizer, 2 % more are enough for that.

The interval of the factor inverts the test that what is left does not depend on the counts: the sum of its ranks,
weighed by the counts, of which the permutations' variance is known. Ties only make it wider. That of the offset is the
interval of the median of what is left at the ends of the factor's, so it holds for both together. Sources: Jaeckel,
Estimating Regression Coefficients by Minimizing the Dispersion of the Residuals (1972); Sievers, Weighted Rank
Statistics for Simple Linear Regression (1978).
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from random import Random
from statistics import NormalDist, median

from relayload.core.stats.weighted_median import weighted_median

FEWEST = 8
"""Requests below which no interval is told."""
MOST = 200
"""Requests between all pairs of which slopes are taken; of more, half are the shortest and longest, half are drawn."""
FEW = 100
"""As many as do where the line is only compared with another one."""
EACH_END = 0.975
"""The confidence of each end of a 95 % interval."""
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
    """Requests reported with more than the line says, by over 4 tokens and far over what is usual."""
    excess_tokens: int
    """What was reported beyond the counts, over all requests; below 0 if fewer were."""


Counts = Sequence[tuple[int, int]]
"""For each request the tokens counted here, and those reported."""


def token_line(counts: Counts, seed: int = 0, most: int = MOST) -> TokenLine:
    """Return the line through these counts, and what lies off it. Between `most` of them slopes are taken."""
    drawn = _drawn(counts, most, seed)
    factor = _factor(drawn)
    offset = None if factor is None else _offset(drawn, factor)
    return TokenLine(
        requests=len(counts),
        factor=factor,
        offset=offset,
        off_line=0 if factor is None or offset is None else _off_line(counts, factor.value, offset.value),
        excess_tokens=sum(reported - counted for counted, reported in counts),
    )


def _drawn(counts: Counts, most: int, seed: int) -> Counts:
    """Return up to `most` of the requests, with those that tell most of the factor: the longest and the shortest."""
    if len(counts) <= most:
        return counts
    by_length, end = sorted(counts), most // 4
    between = by_length[end:-end]
    drawn = Random(f"token-line:{seed}").sample(between, most - 2 * end)
    return [*by_length[:end], *drawn, *by_length[-end:]]


def _factor(counts: Counts) -> Estimate | None:
    """Return the weighted median slope; None where the counts are too few, or too much alike to have one."""
    if len(counts) < FEWEST or max(counts)[0] < _LEAST_REACH * min(counts)[0]:
        return None
    pairs = sorted(((y - b) / (x - a), abs(x - a)) for (a, b), (x, y) in combinations(counts, 2) if a != x)
    slopes, below = [slope for slope, _ in pairs], list(accumulate(weight for _, weight in pairs))
    middle, half = below[-1] / 2, _Z * _deviation([counted for counted, _ in counts])
    return Estimate(
        *(slopes[min(bisect_left(below, at), len(slopes) - 1)] for at in (middle, middle - half, middle + half))
    )


def _deviation(counts: Sequence[int]) -> float:
    """Return the standard deviation of the ranks, weighed by the counts, of what does not depend on them."""
    n, mean = len(counts), sum(counts) / len(counts)
    return math.sqrt(n * (n + 1) / 12 * sum((count - mean) ** 2 for count in counts))


def _offset(counts: Counts, factor: Estimate) -> Estimate:
    low, high = (_left(counts, slope) for slope in (factor.high, factor.low))
    far = max(0, math.floor((len(counts) - _Z * math.sqrt(len(counts))) / 2))
    return Estimate(median(_left(counts, factor.value)), low[far], high[-1 - far])


def _left(counts: Counts, factor: float) -> list[float]:
    return sorted(reported - factor * counted for counted, reported in counts)


def _off_line(counts: Counts, factor: float, offset: float) -> int:
    """Count those that are much farther above the line than the median is from it, in tokens and in relation to it.

    What is usual in relation to the line is told by the long ones, since a token is much of a short one. They have to
    be as far above their own count: whoever reports what was counted inflates nothing.
    """
    expected = [(reported, counted, max(1.0, factor * counted + offset)) for counted, reported in counts]
    tokens = median(abs(reported - on_line) for reported, _, on_line in expected)
    share = weighted_median((abs(reported - on_line) / on_line, on_line) for reported, _, on_line in expected)
    return sum(
        reported - max(on_line, counted) > _TOKENS_OFF + _USUAL_OFF * (tokens + share * on_line)
        for reported, counted, on_line in expected
    )


_Z = NormalDist().inv_cdf(EACH_END)
_USUAL_OFF = 6
_TOKENS_OFF = 4
