"""Requests as columns: one float per request and metric, in the order they were recorded.

NaN is "not measured", since an array of floats has no None. This keeps a million requests in 80 MB, where a million
objects would take ten times that.
"""

import math
from array import array
from collections.abc import Mapping
from itertools import compress
from typing import cast

from relayload.core.metrics.rows import DERIVED, LEAST, STORED, Rows
from relayload.core.metrics.values import Points, Values
from relayload.core.stats.ranks import Sorted


class Columns(Values):
    """The columns of requests that share every tag."""

    __slots__ = ("_derived", "_order", "_stored", "_tails")

    _order: "array[int] | None"
    """Positions in the order of the schedule, once computed."""

    def __init__(self, stored: "Mapping[str, array[float]] | None" = None) -> None:
        """Create empty columns, or use `stored`, which must include `due`."""
        self._stored = dict(stored) if stored else {name: array("d") for name in STORED}
        super().__init__()

    def __len__(self) -> int:
        return len(self.due_at_s)

    def __getitem__(self, metric: str) -> "array[float]":
        """Return the values of a metric, one per request, NaN where not measured. Raises KeyError for unknown names."""
        if metric in self._stored:
            return self._stored[metric]
        if metric in LEAST:
            return self[LEAST[metric]]
        if metric not in self._derived:
            self._derived[metric] = array("d", DERIVED[metric](self.__getitem__))
        return self._derived[metric]

    @property
    def due_at_s(self) -> "array[float]":
        return self._stored["due"]

    @property
    def exact(self) -> bool:
        """Whether no value may be less than it is."""
        return self._stored.keys().isdisjoint(LEAST)

    def extend(self, rows: Rows) -> None:
        """Add requests column by column, a fifth of the cost of one by one."""
        self._forget()
        if not rows.exact:
            self._keep_least()
        for name, column in self._stored.items():
            column.extend(rows[name])

    def merge(self, other: "Columns") -> None:
        self._forget()
        if not other.exact:
            self._keep_least()
        for name, column in self._stored.items():
            column.extend(other[name])

    def points(self, metric: str) -> Points:
        return Points(self[metric], self.due_at_s)

    def ordered(self, metric: str) -> "array[float]":
        if metric in LEAST and metric not in self._stored:
            return self.ordered(LEAST[metric])
        return cast("array[float]", super().ordered("ttft" if self._repeats_ttft(metric) else metric))

    def due_above(self, metric: str, threshold: float) -> Sorted:
        above, tail = self._tail(metric)
        return super().due_above(metric, threshold) if threshold < above else tail.due_where(threshold.__lt__)

    def in_order(self, metric: str) -> "Columns":
        """Return one metric of the requests, ordered by when they were due."""
        due_at_s = self.ordered("due")
        if memoryview(self.due_at_s).cast("B") == memoryview(due_at_s).cast("B"):
            return Columns({"due": due_at_s, metric: self[metric]})
        if self._order is None:
            self._order = array("L", sorted(range(len(self)), key=self.due_at_s.__getitem__))
        return Columns({"due": due_at_s, metric: array("d", map(self[metric].__getitem__, self._order))})

    @property
    def waits(self) -> tuple[int, float]:
        waits = self._stored["throttled"]
        return (len(waits) - waits.count(0.0), sum(waits)) if any(waits) else (0, 0.0)

    def _tail(self, metric: str) -> tuple[float, Points]:
        """Return the largest quarter with its lower bound; it is computed once for all tables that need it."""
        if metric not in self._tails:
            ordered, column = self.ordered(metric), self[metric]
            above = ordered[len(ordered) * 3 // 4] if ordered else math.inf
            wanted = list(map(above.__lt__, column))
            values, due_at_s = (array("d", compress(row, wanted)) for row in (column, self.due_at_s))
            self._tails[metric] = above, Points(values, due_at_s)
        return self._tails[metric]

    def _keep_least(self) -> None:
        for name, metric in LEAST.items():
            self._stored.setdefault(name, self._stored[metric][:])

    def _repeats_ttft(self, metric: str) -> bool:
        """Return whether the metric is TTFO and equals TTFT for every request, as it does without reasoning."""
        if metric != "ttfo" or "ttft" not in self._stored:
            return False
        return memoryview(self["ttfo"]).cast("B") == memoryview(self["ttft"]).cast("B")

    def _forget(self) -> None:
        super()._forget()
        self._derived: dict[str, array[float]] = {}
        self._tails: dict[str, tuple[float, Points]] = {}
        self._order = None
