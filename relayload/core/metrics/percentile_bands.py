"""Percentiles of a metric over time, and how its values spread in each bin of time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from relayload.core.metrics.values_by_bin import ByBin
from relayload.core.stats.ranks import Ranks

SHOWN = (50.0, 90.0, 99.0)
_ROWS = 18
_WIDEST = 1e4
"""The highest row is at most this many times the lowest; whatever is lower counts there."""


@dataclass(frozen=True, slots=True)
class Bands:
    """The values of the requests that were due in each bin and ended ok at any time."""

    percentiles: dict[float, tuple[float | None, ...]]
    """By p, one value a bin; None where nothing was measured."""
    counts: tuple[int, ...]
    edges: tuple[float, ...]
    """The bounds of the rows of `heat`, ascending and evenly spaced on a log scale; one more than there are rows."""
    heat: tuple[tuple[int, ...], ...]
    """For each bin, how many of its values are in each row."""


def bands_of(values: ByBin) -> Bands | None:
    """Return a metric over time; None where no request that ended ok has it."""
    by_bin = values.ordered()
    known = [values for values in by_bin if values.count]
    if not known:
        return None
    edges = _edges(min(values.at(1) for values in known), max(values.at(values.count) for values in known))
    return Bands(
        percentiles={p: tuple(v.quantile(p / 100) if v.count else None for v in by_bin) for p in SHOWN},
        counts=tuple(values.count for values in by_bin),
        edges=edges,
        heat=tuple(_row_counts(values, edges) for values in by_bin),
    )


def _edges(least: float, most: float) -> tuple[float, ...]:
    low = max(least, most / _WIDEST)
    if low <= 0 or low == most:
        return (least, math.nextafter(most, math.inf))
    factor = (most / low) ** (1 / _ROWS)
    return (*(low * factor**row for row in range(_ROWS)), math.nextafter(most, math.inf))


def _row_counts(values: Ranks, edges: Sequence[float]) -> tuple[int, ...]:
    below = [0, *map(values.count_below, edges[1:-1]), values.count] if values.count else [0] * len(edges)
    return tuple(upper - lower for lower, upper in pairwise(below))
