"""The whole distribution of a metric by percentile, with the confidence band of its order statistics."""

from dataclasses import dataclass
from itertools import pairwise

from relayload.core.metrics.selection import Selection, Series
from relayload.core.stats.sample import Percentile, percentile

_AT = (10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999)
_BETWEEN = 6
"""Points of the curve from each of those to the next."""


@dataclass(frozen=True, slots=True)
class Tail:
    """A metric of the measured requests that ended ok."""

    points: tuple[Percentile, ...]
    """Percentiles with their 95 % interval, as far as at least one value lies beyond."""
    curve: tuple[tuple[float, float], ...]
    """Values by percentile, closer together."""
    most: float


def tail_of(selection: Selection, metric: str) -> Tail | None:
    """Return the percentiles of a selection; None where nothing was measured."""
    sample = Series(selection, metric)
    ordered = sample.ordered
    if not ordered.count:
        return None
    reached = [p for p in _AT if ordered.count * (1 - p / 100) >= 1] or [50.0]
    return Tail(
        points=tuple(percentile(sample, p) for p in reached),
        curve=tuple((p, ordered.quantile(p / 100)) for p in _between(reached)),
        most=ordered.at(ordered.count),
    )


def _between(reached: list[float]) -> list[float]:
    """Return percentiles whose distances to 100 are in equal ratios between those that were reached."""
    found = []
    for low, high in pairwise(reached):
        ratio = ((100 - high) / (100 - low)) ** (1 / _BETWEEN)
        found += [100 - (100 - low) * ratio**number for number in range(_BETWEEN)]
    return [*found, reached[-1]]
