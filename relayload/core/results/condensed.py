"""Requests that are too many to keep each: histograms slot of time by slot of time.

It answers what `columns` answers, with values to within 0.4 % and instants to within a slot. What needs several
metrics of one request, or other stretches of time than slots, needs rows; of those the metrics are kept that somebody
asked for, in two bytes each.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import compress

from relayload.core.metrics.catalog import PER_REQUEST
from relayload.core.results.columns import Columns, Picker
from relayload.core.results.histogram import buckets, middle_s
from relayload.core.results.ranks import Counted
from relayload.core.results.sample import Moments
from relayload.core.results.slots import Slots

_NOT_MEASURED = 0xFFFF
"""Stands where a bucket would."""


class Condensed:
    """The requests of one cell."""

    def __init__(self, width_s: float, rowwise: frozenset[str] | None = None) -> None:
        """Slots are so wide. `rowwise` are the metrics that are kept row by row; None if no rows are needed."""
        self.width_s = width_s
        self.rowwise = rowwise
        self._requests: Counter[int] = Counter()
        self._metrics = {metric: Slots() for metric in PER_REQUEST}
        self._rows: dict[int, _Rows] = {}
        self._waits = (0, 0.0)
        self._known: dict[str, Counted] = {}

    def __len__(self) -> int:
        return self._requests.total()

    def add(self, columns: Columns) -> None:
        self._known.clear()
        slots = [int(due / self.width_s) for due in columns.due_s]
        self._requests.update(slots)
        for metric, held in self._metrics.items():
            held.add(slots, columns[metric])
        self._add_waits(*columns.waits)
        if self.rowwise is not None:
            self._add_rows(slots, columns, self.rowwise)

    def merge(self, other: "Condensed") -> None:
        """The other's slots are as wide."""
        self._known.clear()
        self._requests.update(other._requests)
        for metric, held in self._metrics.items():
            held.merge(other._metrics[metric])
        self._add_waits(*other._waits)
        for slot, rows in other._rows.items():
            self._rows_in(slot).merge(rows)

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
        rows, self._rows = self._rows, {}
        for slot, own in rows.items():
            self._rows_in(slot // times).merge(own)

    def widened(self, width_s: float) -> "Condensed":
        """These requests in slots of that width; may be the same object."""
        if self.width_s == width_s:
            return self
        wide = Condensed(self.width_s, self.rowwise)
        wide.merge(self)
        wide.widen(width_s)
        return wide

    def ordered(self, metric: str) -> Counted:
        """The values of a metric, or `due`; without those that were not measured."""
        if metric == "due":
            return self._instants(self._requests)
        if metric not in self._known:
            self._known[metric] = self._metrics[metric].values()
        return self._known[metric]

    def moments(self, metric: str) -> Moments:
        return Moments.of(self.ordered(metric))

    def due_picked(self, picker: Picker) -> Counted:
        """When those were due that are picked, by what is kept row by row."""
        return self._instants({slot: len(picker(rows.columns())) for slot, rows in self._rows.items()})

    def due_measured(self, metric: str) -> Counted:
        return self._instants(self._metrics[metric].counts())

    def due_unmeasured(self, metric: str) -> Counted:
        measured = self._metrics[metric].counts()
        return self._instants({slot: count - measured.get(slot, 0) for slot, count in self._requests.items()})

    def due_at(self, metric: str, value: float) -> Counted:
        return self._instants(self._metrics[metric].counts(value.__eq__))

    def due_below(self, metric: str, threshold: float) -> Counted:
        return self._instants(self._metrics[metric].counts(threshold.__gt__))

    def due_above(self, metric: str, threshold: float) -> Counted:
        return self._instants(self._metrics[metric].counts(threshold.__lt__))

    def due_and_values(self, metric: str) -> Iterator[tuple[float, float, int]]:
        """The middle of each slot, each value in it, and how often that comes."""
        for slot, values in self._metrics[metric].by_slot():
            yield from (((slot + 0.5) * self.width_s, value, count) for value, count in values.items())

    def count_above(self, metric: str, threshold: float) -> int:
        return sum(self._metrics[metric].counts(threshold.__lt__).values())

    @property
    def waits(self) -> tuple[int, float]:
        return self._waits

    def requests_by_slot(self) -> Mapping[int, int]:
        return self._requests

    def values_by_slot(self, metric: str) -> Iterator[tuple[int, Counted]]:
        return self._metrics[metric].by_slot()

    def between(self, begins_at_s: float, ends_at_s: float) -> Columns:
        """The rows of requests that were due from one instant until before another, as far as they are kept."""
        first, last = int(begins_at_s / self.width_s), math.ceil(ends_at_s / self.width_s)
        found = [rows.between(begins_at_s, ends_at_s) for slot in range(first, last) if (rows := self._rows.get(slot))]
        whole = Columns({name: array("d") for name in ("due", *sorted(self.rowwise or ()))})
        for columns in found:
            whole.merge(columns)
        return whole

    def _instants(self, counts: Mapping[int, int]) -> Counted:
        """Numbers of requests in slots, as if all were due in the middle of their slot."""
        return Counted({(slot + 0.5) * self.width_s: count for slot, count in counts.items() if count})

    def _add_waits(self, count: int, seconds: float) -> None:
        known, known_s = self._waits
        self._waits = known + count, known_s + seconds

    def _add_rows(self, slots: Sequence[int], columns: Columns, metrics: frozenset[str]) -> None:
        codes = {metric: _codes(columns[metric]) for metric in metrics}
        positions: dict[int, list[int]] = {}
        for position, slot in enumerate(slots):
            positions.setdefault(slot, []).append(position)
        for slot, wanted in positions.items():
            rows = self._rows_in(slot)
            rows.due_s.extend(map(columns.due_s.__getitem__, wanted))
            for metric, own in codes.items():
                rows.codes[metric].extend(map(own.__getitem__, wanted))

    def _rows_in(self, slot: int) -> "_Rows":
        if slot not in self._rows:
            self._rows[slot] = _Rows(self.rowwise or frozenset())
        return self._rows[slot]


class _Rows:
    """Requests of one slot, with the buckets of some of their metrics."""

    __slots__ = ("codes", "due_s")

    def __init__(self, metrics: frozenset[str]) -> None:
        self.due_s = array("d")
        self.codes = {metric: array("H") for metric in sorted(metrics)}

    def merge(self, other: "_Rows") -> None:
        self.due_s.extend(other.due_s)
        for metric, codes in self.codes.items():
            codes.extend(other.codes[metric])

    def columns(self) -> Columns:
        decoded = {metric: array("d", map(_values().__getitem__, codes)) for metric, codes in self.codes.items()}
        return Columns({"due": self.due_s, **decoded})

    def between(self, begins_at_s: float, ends_at_s: float) -> Columns:
        columns = self.columns()
        wanted = [begins_at_s <= due < ends_at_s for due in self.due_s]
        if all(wanted):
            return columns
        return Columns({name: array("d", compress(columns[name], wanted)) for name in columns.names})


def _codes(column: Sequence[float]) -> list[int]:
    """The bucket of each value, or what stands for none."""
    measured = [value for value in column if value == value]
    if len(measured) == len(column):
        return buckets(column)
    codes = iter(buckets(measured))
    return [next(codes) if value == value else _NOT_MEASURED for value in column]


@cache
def _values() -> list[float]:
    """The value of each code."""
    return [*map(middle_s, range(_NOT_MEASURED)), math.nan]
