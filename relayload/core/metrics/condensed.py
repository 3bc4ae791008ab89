"""Requests that are too many to keep each: histograms slot of time by slot of time.

It answers what `columns` answers, with values to within 0.4 % and instants to within a slot.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from relayload.core.metrics.catalog import PER_REQUEST
from relayload.core.metrics.columns import Columns
from relayload.core.metrics.histogram_slots import Slots
from relayload.core.stats.ranks import WeightedValues
from relayload.core.stats.sample import Moments


class Condensed:
    """Requests that share every tag."""

    def __init__(self, width_s: float) -> None:
        """Slots are so wide."""
        self.width_s = width_s
        self._requests: Counter[int] = Counter()
        self._metrics = {metric: Slots() for metric in PER_REQUEST}
        self._waits = (0, 0.0)
        self._known: dict[str, WeightedValues] = {}

    def __len__(self) -> int:
        return self._requests.total()

    def add(self, columns: Columns) -> None:
        self._known.clear()
        slots = [int(due / self.width_s) for due in columns.due_at_s]
        self._requests.update(slots)
        for metric, held in self._metrics.items():
            held.add(slots, columns[metric])
        self._add_waits(*columns.waits)

    def merge(self, other: "Condensed") -> None:
        """The other's slots are as wide."""
        self._known.clear()
        self._requests.update(other._requests)
        for metric, held in self._metrics.items():
            held.merge(other._metrics[metric])
        self._add_waits(*other._waits)

    def widen(self, width_s: float) -> None:
        """Make slots wider, by a whole factor."""
        times = round(width_s / self.width_s)
        if times == 1:
            return
        self._known.clear()
        self.width_s = width_s
        narrow, self._requests = self._requests, Counter()
        for slot, count in narrow.items():
            self._requests[slot // times] += count
        for held in self._metrics.values():
            held.widen(times)

    def widened(self, width_s: float) -> "Condensed":
        """These requests in slots of that width; may be the same object."""
        if self.width_s == width_s:
            return self
        wide = Condensed(self.width_s)
        wide.merge(self)
        wide.widen(width_s)
        return wide

    def ordered(self, metric: str) -> WeightedValues:
        """The values of a metric, or `due`; without those that were not measured."""
        if metric == "due":
            return self._instants(self._requests)
        if metric not in self._known:
            self._known[metric] = self._metrics[metric].values()
        return self._known[metric]

    def moments(self, metric: str) -> Moments:
        return Moments.of(self.ordered(metric))

    def due_measured(self, metric: str) -> WeightedValues:
        return self._instants(self._metrics[metric].counts())

    def due_at(self, metric: str, value: float) -> WeightedValues:
        return self._instants(self._metrics[metric].counts(value.__eq__))

    def due_below(self, metric: str, threshold: float) -> WeightedValues:
        return self._instants(self._metrics[metric].counts(threshold.__gt__))

    def due_above(self, metric: str, threshold: float) -> WeightedValues:
        return self._instants(self._metrics[metric].counts(threshold.__lt__))

    def count_above(self, metric: str, threshold: float) -> int:
        return sum(self._metrics[metric].counts(threshold.__lt__).values())

    @property
    def waits(self) -> tuple[int, float]:
        return self._waits

    def requests_by_slot(self) -> Mapping[int, int]:
        return self._requests

    def values_by_slot(self, metric: str) -> Iterator[tuple[int, WeightedValues]]:
        return self._metrics[metric].by_slot()

    def between(self, begins_at_s: float, ends_at_s: float) -> "Condensed":
        """The requests of the slots whose middle lies between two instants."""
        first, end = (math.ceil(at_s / self.width_s - 0.5) for at_s in (begins_at_s, ends_at_s))
        piece = Condensed(self.width_s)
        piece._requests.update({slot: self._requests[slot] for slot in range(first, end) if slot in self._requests})
        piece._metrics = {metric: held.between(first, end) for metric, held in self._metrics.items()}
        return piece

    def _instants(self, counts: Mapping[int, int]) -> WeightedValues:
        """Numbers of requests in slots, as if all were due in the middle of their slot."""
        return WeightedValues({(slot + 0.5) * self.width_s: count for slot, count in counts.items() if count})

    def _add_waits(self, count: int, seconds: float) -> None:
        known, known_s = self._waits
        self._waits = known + count, known_s + seconds
