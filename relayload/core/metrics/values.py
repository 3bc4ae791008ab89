"""The values of requests that share every tag, metric by metric, each with the instant at which its request was due.

`columns` keeps every request, `condensed` counts them slot of time by slot of time: readers need not know which.
"""

import math
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import NamedTuple

from relayload.core.stats.ranks import Sorted, WeightedValues
from relayload.core.stats.sample import Moments


class Points(NamedTuple):
    """Values of one metric, NaN where it was not measured. With `counts`, each value stands for that many requests."""

    values: Sequence[float]
    due_at_s: Sequence[float]
    counts: Sequence[int] | None = None

    def ordered(self) -> Sorted:
        """Return the measured values in order; counted ones are all measured."""
        if math.isfinite(sum(self.values)):
            return _sorted(self.values, self.counts)
        return _sorted([value for value in self.values if value == value], self.counts)


class BySlot(NamedTuple):
    """The sorted values of one metric in each slot of time, without those that were not measured.

    Slot i covers the instants from i to i + 1 times the width.
    """

    width_s: float
    slots: Mapping[int, Sorted]


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

    @abstractmethod
    def by_slot(self, metric: str) -> BySlot:
        """Return the values of a metric by when their requests were due, in slots as wide as suits these requests."""

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

    def count_above(self, metric: str, threshold: float) -> int:
        """Return the number of requests with a value above a threshold."""
        points = self.points(metric)
        above = map(threshold.__lt__, points.values)
        return sum(above if points.counts is None else compress(points.counts, above))

    def _forget(self) -> None:
        """Drop the cached results before more values are added."""
        self._ordered: dict[str, Sorted] = {}
        self._moments: dict[str, Moments] = {}


def _sorted(values: Iterable[float], counts: Iterable[int] | None) -> Sorted:
    if counts is None:
        return array("d", sorted(values))
    added_up: Counter[float] = Counter()
    for value, count in zip(values, counts, strict=True):
        added_up[value] += count
    return WeightedValues(added_up)
