"""The median of values of which some count more than others."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate


def weighted_median(values: Iterable[tuple[float, float]]) -> float:
    """Return the lowest value at which half of the weight is reached. There is at least one value."""
    ordered = sorted(values)
    reached = list(accumulate(weight for _, weight in ordered))
    return ordered[bisect_left(reached, reached[-1] / 2)][0]
