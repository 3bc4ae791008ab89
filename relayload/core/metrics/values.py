"""The values of requests that share every tag, metric by metric, each with the instant at which its request was due.

`columns` keeps every request, `condensed` counts them slot of time by slot of time: readers need not know which.
"""

import math
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import NamedTuple

from relayload.core.stats.ranks import Sorted, WeightedValues
from relayload.core.stats.sample import Moments


class Points(NamedTuple):
    """Values of one metric, NaN where it was not measured. With `counts`, each value stands for that many requests."""

    values: Sequence[float]
    due_at_s: Sequence[float]
    counts: Sequence[int] | None = None

    def due_where(self, wanted: Callable[[float], bool]) -> Sorted:
        """Return when the requests were due whose value is wanted."""
        due_at_s = compress(self.due_at_s, map(wanted, self.values))
        return _sorted(due_at_s, self.counts and compress(self.counts, map(wanted, self.values)))

    def ordered(self) -> Sorted:
        """Return the measured values in order; counted ones are all measured."""
        if math.isfinite(sum(self.values)):
            return _sorted(self.values, self.counts)
        return _sorted([value for value in self.values if value == value], self.counts)


class Values(ABC):
    """The values of some requests. Sorted values are cached until more are added."""

    __slots__ = ("_moments", "_ordered")

    def __init__(self) -> None:
        self._forget()

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of requests."""

    @abstractmethod
    def points(self, metric: str) -> Points:
        """Return the values of a metric, or of `due`, the instants themselves. Raises KeyError for other names."""

    @property
    @abstractmethod
    def waits(self) -> tuple[int, float]:
        """The number of requests that waited for our own quota, and the total wait in seconds."""

    def ordered(self, metric: str) -> Sorted:
        """Return the sorted values of a metric, without those that were not measured."""
        if metric not in self._ordered:
            self._ordered[metric] = self.points(metric).ordered()
        return self._ordered[metric]

    def moments(self, metric: str) -> Moments:
        """Return the moments of the measured values."""
        if metric not in self._moments:
            self._moments[metric] = Moments.of(self.ordered(metric))
        return self._moments[metric]

    def due_measured(self, metric: str) -> Sorted:
        """Return when the requests with a value were due."""
        if len(self.ordered(metric)) == len(self):
            return self.ordered("due")
        return self.due_where(metric, _is_measured)

    def due_where(self, metric: str, wanted: Callable[[float], bool]) -> Sorted:
        """Return when the requests were due whose value is wanted."""
        return self.points(metric).due_where(wanted)

    def due_above(self, metric: str, threshold: float) -> Sorted:
        """Return when the requests were due whose value is above a threshold."""
        return self.points(metric).due_where(threshold.__lt__)

    def count_above(self, metric: str, threshold: float) -> int:
        """Return the number of requests with a value above a threshold."""
        points = self.points(metric)
        above = map(threshold.__lt__, points.values)
        return sum(above if points.counts is None else compress(points.counts, above))

    def _forget(self) -> None:
        """Drop the cached results before more values are added."""
        self._ordered: dict[str, Sorted] = {}
        self._moments: dict[str, Moments] = {}


_is_measured = (-math.inf).__le__


def _sorted(values: Iterable[float], counts: Iterable[int] | None) -> Sorted:
    if counts is None:
        return array("d", sorted(values))
    added_up: Counter[float] = Counter()
    for value, count in zip(values, counts, strict=True):
        added_up[value] += count
    return WeightedValues(added_up)
