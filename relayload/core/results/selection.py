"""Some cells taken together: their requests, and samples of their metrics in the order of the schedule."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from relayload.core.results.cell import Cell, Key
from relayload.core.results.histogram import Histogram
from relayload.core.results.sample import Distribution, Exact, describe, effective_size

SECONDS = "s"
PER_SECOND = "/s"


@dataclass(frozen=True, slots=True)
class Selection:
    """The cells that a table or an objective is about."""

    cells: dict[Key, Cell]

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

    def series(self, metric: str) -> "Series":
        """The values of a metric where it was measured, with the instants at which their requests were due."""
        values: list[float] = []
        due_s: list[float] = []
        for cell in self.cells.values():
            column = cell.column(metric)
            if math.isnan(math.fsum(column)):
                rows = [(value, due) for value, due in zip(column, cell.due_s, strict=True) if value == value]
                values.extend(value for value, _ in rows)
                due_s.extend(due for _, due in rows)
            else:
                values.extend(column)
                due_s.extend(cell.due_s)
        return Series(values, due_s)

    def distribution(self, metric: str, unit: str = SECONDS) -> Distribution | None:
        """None where the metric was never measured."""
        series = self.series(metric)
        ordered = sorted(series.values)
        return describe(Exact(ordered), unit, effective_size(series.values, series.due_s, ordered))

    def gaps(self) -> Histogram:
        merged = Histogram()
        for cell in self.cells.values():
            merged.merge(cell.gaps)
        return merged


@dataclass(frozen=True, slots=True)
class Series:
    """Values and the instants at which their requests were due, side by side."""

    values: list[float]
    due_s: list[float]
