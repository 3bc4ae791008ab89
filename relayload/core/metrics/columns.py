"""Requests as columns: one float per request and metric, in the order they were recorded.

NaN is "not measured", since an array of floats has no None. This keeps a million requests in 80 MB, where a million
objects would take ten times that.
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import TypeVar, cast

from relayload.core.metrics.rows import DERIVED, LEAST, STORED, Rows
from relayload.core.metrics.values import BySlot, Points, Values
from relayload.core.stats.slotted_values import slot_width_s

T = TypeVar("T")

_MOST_IN_ORDER = 2
"""The most metrics that are also kept in order: work on a large recording goes metric by metric."""
_Bounds = tuple[float, list[tuple[int, int, int]], "array[int] | None"]
"""The width of slots in seconds; each slot with its first and last position; and the positions in order of the slots,
unless the requests are in order themselves."""


class Columns(Values):
    """The columns of requests that share every tag."""

    __slots__ = ("_bounds", "_by_slot", "_derived", "_order", "_stored")

    _bounds: _Bounds | None
    """Where each slot of time begins and ends, once computed."""
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
        if self._repeats_ttft(metric):
            metric = "ttft"
        if metric not in self._ordered:
            _forget_oldest(self._ordered)
            slots = cast("Iterable[array[float]]", self.by_slot(metric).slots.values())
            self._ordered[metric] = array("d", sorted(chain.from_iterable(slots)))
        return cast("array[float]", self._ordered[metric])

    def by_slot(self, metric: str) -> BySlot:
        if metric in LEAST and metric not in self._stored:
            return self.by_slot(LEAST[metric])
        if metric not in self._by_slot:
            if self._bounds is None:
                self._bounds = self._cut()
            width_s, bounds, order = self._bounds
            column = self[metric]
            values = column if order is None else list(map(column.__getitem__, order))
            _forget_oldest(self._by_slot)
            self._by_slot[metric] = BySlot(width_s, {slot: _sorted(values[low:high]) for slot, low, high in bounds})
        return self._by_slot[metric]

    def _cut(self) -> _Bounds:
        """Cut the requests into slots of time."""
        due_at_s = self.due_at_s
        width_s = slot_width_s(max(due_at_s) - min(due_at_s)) if due_at_s else 1.0
        slots = array("l", map(int, map((1 / width_s).__mul__, due_at_s)))
        in_order = array("l", sorted(slots))
        order = None if in_order == slots else array("L", sorted(range(len(slots)), key=slots.__getitem__))
        cuts = [*(bisect_left(in_order, slot) for slot in sorted(set(in_order))), len(in_order)]
        return width_s, [(in_order[low], low, high) for low, high in pairwise(cuts)], order

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
        self._by_slot: dict[str, BySlot] = {}
        self._bounds = None
        self._order = None


def _forget_oldest(cache: dict[str, T]) -> None:
    if len(cache) >= _MOST_IN_ORDER:
        del cache[next(iter(cache))]


def _sorted(values: Sequence[float]) -> "array[float]":
    """Return the measured values in order."""
    if not math.isfinite(sum(values)):
        values = [value for value in values if value == value]
    return array("d", sorted(values))
