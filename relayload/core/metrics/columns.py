"""Requests as columns: one float per request and metric, in the order they were recorded.

NaN is "not measured", since an array of floats has no None. This keeps a million requests in 80 MB, where a million
objects would take ten times that.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress
from typing import NamedTuple

from relayload.core.metrics.rows import DERIVED, STORED, Rows
from relayload.core.stats.sample import Moments


class _Tail(NamedTuple):
    """The values above some value, and the instants at which their requests were due."""

    above: float
    values: "array[float]"
    due_at_s: "array[float]"


class Columns:
    """The columns of requests that have much in common."""

    __slots__ = ("_derived", "_moments", "_order", "_ordered", "_stored", "_tails")

    _order: "array[int] | None"
    """Positions in the order of the schedule, once somebody has asked."""

    def __init__(self, stored: "Mapping[str, array[float]] | None" = None) -> None:
        """Without columns of its own, all that are kept of requests, empty; `due` must be among them."""
        self._stored = dict(stored) if stored else {name: array("d") for name in STORED}
        self._forget()

    def __len__(self) -> int:
        return len(self.due_at_s)

    def __getitem__(self, metric: str) -> "array[float]":
        """The values of a metric, one per request, NaN where it was not measured. KeyError if there is none such."""
        if metric in self._stored:
            return self._stored[metric]
        if metric not in self._derived:
            self._derived[metric] = array("d", DERIVED[metric](self.__getitem__))
        return self._derived[metric]

    @property
    def due_at_s(self) -> "array[float]":
        return self._stored["due"]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns that are stored."""
        return tuple(self._stored)

    def extend(self, rows: Rows) -> None:
        """Add requests column by column, a fifth of the cost of one by one."""
        self._forget()
        for name, column in self._stored.items():
            column.extend(rows[name])

    def merge(self, other: "Columns") -> None:
        self._forget()
        for name, column in self._stored.items():
            column.extend(other[name])

    def ordered(self, metric: str) -> "array[float]":
        """The values of a metric, sorted, without those that were not measured."""
        if metric not in self._ordered:
            self._ordered[metric] = self.ordered("ttft") if self._repeats_ttft(metric) else _sorted(self[metric])
        return self._ordered[metric]

    def moments(self, metric: str) -> Moments:
        """Of the values that were measured."""
        if metric not in self._moments:
            self._moments[metric] = Moments.of(self.ordered(metric))
        return self._moments[metric]

    def in_order(self, metrics: Iterable[str]) -> "Columns":
        """Some metrics of the requests, by when they were due."""
        due_at_s = self.ordered("due")
        if memoryview(self.due_at_s).cast("B") == memoryview(due_at_s).cast("B"):
            return Columns({"due": due_at_s, **{metric: self[metric] for metric in metrics}})
        if self._order is None:
            self._order = array("L", sorted(range(len(self)), key=self.due_at_s.__getitem__))
        moved = {metric: array("d", map(self[metric].__getitem__, self._order)) for metric in metrics}
        return Columns({"due": due_at_s, **moved})

    def due_measured(self, metric: str) -> Sequence[float]:
        """When those were due that have a value, in order."""
        if len(self.ordered(metric)) == len(self):
            return self.ordered("due")
        return sorted(due for value, due in zip(self[metric], self.due_at_s, strict=True) if value == value)

    def due_at(self, metric: str, value: float) -> Sequence[float]:
        """When those were due that have this value, in order."""
        return _picked(self.due_at_s, self[metric], value.__eq__)

    def due_below(self, metric: str, threshold: float) -> Sequence[float]:
        """When those were due whose value is below a threshold, in order."""
        return _picked(self.due_at_s, self[metric], threshold.__gt__)

    def due_above(self, metric: str, threshold: float) -> Sequence[float]:
        """When those were due whose value is above a threshold, in order."""
        tail = self._tail(metric)
        if threshold < tail.above:
            return _picked(self.due_at_s, self[metric], threshold.__lt__)
        return _picked(tail.due_at_s, tail.values, threshold.__lt__)

    def count_above(self, metric: str, threshold: float) -> int:
        return sum(map(threshold.__lt__, self[metric]))

    @property
    def waits(self) -> tuple[int, float]:
        """How many requests waited for our own quota, and how long, added up."""
        waits = self._stored["throttled"]
        return (len(waits) - waits.count(0.0), sum(waits)) if any(waits) else (0, 0.0)

    def _repeats_ttft(self, metric: str) -> bool:
        """The first token was always a visible one, as it is where nothing is reasoned about."""
        if metric != "ttfo" or "ttft" not in self._stored:
            return False
        return memoryview(self["ttfo"]).cast("B") == memoryview(self["ttft"]).cast("B")

    def _tail(self, metric: str) -> _Tail:
        """The largest quarter of a column, which is looked at once for each table that it is in."""
        if metric not in self._tails:
            ordered, column = self.ordered(metric), self[metric]
            above = ordered[len(ordered) * 3 // 4] if ordered else math.inf
            wanted = [value > above for value in column]
            values, due_at_s = (array("d", compress(row, wanted)) for row in (column, self.due_at_s))
            self._tails[metric] = _Tail(above, values, due_at_s)
        return self._tails[metric]

    def _forget(self) -> None:
        """Drop what was made of the columns, which are about to change."""
        self._derived: dict[str, array[float]] = {}
        self._ordered: dict[str, array[float]] = {}
        self._moments: dict[str, Moments] = {}
        self._tails: dict[str, _Tail] = {}
        self._order = None


def _picked(due_at_s: Sequence[float], values: Sequence[float], wanted: Callable[[float], bool]) -> list[float]:
    """When those were due whose value is wanted, in order."""
    return sorted(compress(due_at_s, map(wanted, values)))


def _sorted(column: Sequence[float]) -> "array[float]":
    """The values that were measured, in order."""
    measured = column if math.isfinite(sum(column)) else [value for value in column if value == value]
    ordered = array("d")
    ordered.fromlist(sorted(measured))
    return ordered
