"""A run cut along the schedule: the requests that were due between two instants, as a fold of their own."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import pairwise

from relayload.core.metrics.catalog import PER_CHUNK
from relayload.core.results.cell import Cell, Key, Place
from relayload.core.results.columns import Columns
from relayload.core.results.condensed import Condensed
from relayload.core.results.fold import Fold
from relayload.core.results.gaps import GapCounts


class Slices:
    """Cuts pieces out of a fold, whose requests are put in the order of the schedule once."""

    def __init__(self, fold: Fold, metrics: AbstractSet[str]) -> None:
        """`metrics` are those that pieces hold."""
        self._fold = fold
        self._gaps = not metrics.isdisjoint(PER_CHUNK)
        self._metrics = sorted(metrics - PER_CHUNK.keys())
        self._ordered: dict[Key, Columns] = {}

    def cut(self, begins_at_s: float, ends_at_s: float) -> Fold:
        """What was due from one instant until before another. All transitions stay."""
        piece = Fold()
        piece.transitions = self._fold.transitions
        for key, cell in self._fold.cells.items():
            columns = self._between(key, begins_at_s, ends_at_s)
            gaps = cell.gaps.between(begins_at_s, ends_at_s) if self._gaps else None
            if columns or gaps:  # a slot may belong to the window before the one in which its requests were due
                piece.cells[key] = _piece(cell, columns, gaps)
        for place, due_s in self._drops.items():
            low, high = (bisect_left(due_s, at_s) for at_s in (begins_at_s, ends_at_s))
            if low < high:
                piece.drops[place] = due_s[low:high]
        return piece

    def _between(self, key: Key, begins_at_s: float, ends_at_s: float) -> Columns:
        values = self._fold.cells[key].values
        if isinstance(values, Condensed):
            return values.between(begins_at_s, ends_at_s)
        if key not in self._ordered:
            self._ordered[key] = values.in_order(self._metrics)
        columns = self._ordered[key]
        low, high = (bisect_left(columns.due_s, at_s) for at_s in (begins_at_s, ends_at_s))
        return Columns({name: columns[name][low:high] for name in columns.names})

    @cached_property
    def _drops(self) -> "dict[Place, array[float]]":
        return {place: array("d", sorted(due_s)) for place, due_s in self._fold.drops.items()}


def windows(begins_at_s: float, ends_at_s: float, length_s: float) -> Iterator[tuple[float, float]]:
    """The whole windows of that length from the beginning on; what is left at the end is in none."""
    count = window_count(begins_at_s, ends_at_s, length_s)
    edges = (begins_at_s + number * length_s for number in range(count + 1))
    return pairwise(edges)


def window_count(begins_at_s: float, ends_at_s: float, length_s: float) -> int:
    """How many whole windows of that length there are."""
    return int((ends_at_s - begins_at_s) / length_s + 1e-9)


def _piece(cell: Cell, columns: Columns, gaps: GapCounts | None) -> Cell:
    """Some requests of a cell as one of their own."""
    piece = Cell(columns, gaps)
    if "output_tokens" in columns.names:
        piece.tokens.output = int(sum(count for count in columns["output_tokens"] if count == count))
    if columns:
        piece.tries = cell.tries.within(min(columns.due_s), max(columns.due_s))
    return piece
