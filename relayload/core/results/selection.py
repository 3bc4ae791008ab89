"""Some cells taken together: their requests, and samples of their metrics in the order of the schedule."""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import gt, lt

from relayload.core.results.cell import Cell, Key
from relayload.core.results.histogram import Histogram
from relayload.core.results.ranks import Parts
from relayload.core.results.sample import Distribution, Moments, Sample, describe, effective_size, rank_of

_MARKED = 0.05


class Selection:
    """The cells that a table or an objective is about."""

    def __init__(self, cells: dict[Key, Cell]) -> None:
        self.cells = cells

    def where(self, wanted: Callable[[Key], bool]) -> "Selection":
        return Selection({key: cell for key, cell in self.cells.items() if wanted(key)})

    @property
    def count(self) -> int:
        return sum(map(len, self.cells.values()))

    @property
    def output_tokens(self) -> int:
        return sum(cell.tokens.output for cell in self.cells.values())

    def by_outcome(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for key, cell in sorted(self.cells.items(), key=lambda item: item[0].outcome):
            counts[key.outcome] = counts.get(key.outcome, 0) + len(cell)
        return counts

    def gaps(self) -> Histogram:
        merged = Histogram()
        for cell in self.cells.values():
            merged.merge(cell.gaps)
        return merged

    @property
    def due_s(self) -> Parts:
        """When the requests were due."""
        return Parts([cell.ordered("due") for cell in self.cells.values()])


class Series:
    """The values of a metric over a selection, and requests without an answer, whose value is infinitely bad.

    `worst` says which infinity that is; at that end of the sample its slow requests are looked for.
    """

    def __init__(
        self, selection: Selection, metric: str, unanswered_s: Sequence[float] = (), worst: float = math.inf
    ) -> None:
        self._cells = list(selection.cells.values())
        self._metric = metric
        self._unanswered_s = unanswered_s
        self._worst = worst

    @cached_property
    def sample(self) -> Sample:
        """The values; its moments are of the answered requests."""
        unanswered = [self._worst] * len(self._unanswered_s)
        ordered = Parts([*(cell.ordered(self._metric) for cell in self._cells), unanswered])
        return Sample(ordered, Moments.merged(cell.moments(self._metric) for cell in self._cells))

    @cached_property
    def effective_n(self) -> int:
        """How many independent values would tell as much."""
        if not self.sample.count:
            return 0
        return effective_size(Parts([sorted(self._marked_s())]), self._due_s())

    def describe(self, unit: str) -> Distribution | None:
        """None where the metric was never measured."""
        return describe(self.sample, unit, self.effective_n)

    def _marked_s(self) -> list[float]:
        """When the worst twentieth was due; where that many share the worst value, all of those."""
        tail = 1 - _MARKED if self._worst > 0 else _MARKED
        (threshold,) = self.sample.at_ranks([rank_of(tail, self.sample.count)])
        beyond = gt if self._worst > 0 else lt
        marked = [due for cell in self._cells for due in _due_beyond(cell, self._metric, threshold, self._worst)]
        if beyond(self._worst, threshold):
            marked += self._unanswered_s
        return marked or self._due_at(threshold)

    def _due_at(self, threshold: float) -> list[float]:
        if threshold == self._worst:
            return list(self._unanswered_s)
        rows = ((cell.column(self._metric), cell.due_s) for cell in self._cells)
        return [due for column, due_s in rows for value, due in zip(column, due_s, strict=True) if value == threshold]

    def _due_s(self) -> Parts:
        """When the measured and the unanswered were due."""
        return Parts([*map(self._measured_due_s, self._cells), sorted(self._unanswered_s)])

    def _measured_due_s(self, cell: Cell) -> Sequence[float]:
        if len(cell.ordered(self._metric)) == len(cell):
            return cell.ordered("due")
        rows = zip(cell.column(self._metric), cell.due_s, strict=True)
        return sorted(due for value, due in rows if value == value)


def _due_beyond(cell: Cell, metric: str, threshold: float, worst: float) -> list[float]:
    """When those were due whose value is worse than the threshold."""
    if worst > 0:
        return cell.due_above(metric, threshold)
    rows = zip(cell.column(metric), cell.due_s, strict=True)
    return [due for value, due in rows if value < threshold]
