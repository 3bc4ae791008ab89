"""A run cut along the schedule: the requests that were due between two instants, as a fold of their own."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

from relayload.core.results.cell import Cell, Key, Place
from relayload.core.results.fold import Fold


class Slices:
    """Cuts pieces out of a fold, whose requests are put in the order of the schedule once."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold

    def cut(self, begins_at_s: float, ends_at_s: float) -> Fold:
        """What was due from one instant until before another. All transitions stay, and gaps between chunks are left
        out: they are known of whole cells alone.
        """
        piece = Fold()
        piece.transitions = self._fold.transitions
        for key, cell in self._cells.items():
            low, high = (bisect_left(cell.due_s, at_s) for at_s in (begins_at_s, ends_at_s))
            if low < high:
                piece.cells[key] = _rows(cell, low, high)
        for place, due_s in self._drops.items():
            low, high = (bisect_left(due_s, at_s) for at_s in (begins_at_s, ends_at_s))
            if low < high:
                piece.drops[place] = due_s[low:high]
        return piece

    @cached_property
    def _cells(self) -> dict[Key, Cell]:
        return {key: _in_order(cell) for key, cell in self._fold.cells.items()}

    @cached_property
    def _drops(self) -> "dict[Place, array[float]]":
        return {place: array("d", sorted(due_s)) for place, due_s in self._fold.drops.items()}


def windows(begins_at_s: float, ends_at_s: float, length_s: float) -> Iterator[tuple[float, float]]:
    """The whole windows of that length from the beginning on; what is left at the end is in none."""
    count = int((ends_at_s - begins_at_s) / length_s + 1e-9)
    edges = (begins_at_s + number * length_s for number in range(count + 1))
    return pairwise(edges)


def _in_order(cell: Cell) -> Cell:
    """The same requests, sorted by when they were due."""
    due_s = cell.due_s
    if all(first <= second for first, second in pairwise(due_s)):
        return cell
    order = sorted(range(len(due_s)), key=due_s.__getitem__)
    ordered = Cell()
    ordered.columns = {name: array("d", map(column.__getitem__, order)) for name, column in cell.columns.items()}
    ordered.tries = cell.tries
    return ordered


def _rows(cell: Cell, low: int, high: int) -> Cell:
    rows = Cell()
    rows.columns = {name: column[low:high] for name, column in cell.columns.items()}
    rows.tokens.output = int(sum(count for count in rows.columns["output_tokens"] if count == count))
    rows.tries = cell.tries.within(cell.due_s[low], cell.due_s[high - 1])
    return rows
