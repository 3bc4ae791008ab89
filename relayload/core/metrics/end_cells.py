"""Cells of time in which ends are counted. Any stage of a run is made of whole cells, so counts of it are exact."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from operator import add

from relayload.core.model.run import RunInfo

Spans = Sequence[tuple[float, float]]
"""When stretches of time begin and end. What ends at the very end of one is in it, at its beginning it is not."""


def stretch_edges(run: RunInfo) -> tuple[float, ...]:
    """Return when stages of a run end by its plan, in order of time: they divide it into stretches.

    A stretch includes its end, not its beginning. The last one is what comes after all edges.
    """
    return tuple(sorted({span.ends_at_s for span in run.spans(math.inf) if math.isfinite(span.ends_at_s)}))


@dataclass(frozen=True)
class Cells:
    """Whole seconds, cut where a stage or the load ends within one. Each cell includes its end, not its beginning.

    What ends at 0 is in cell 0, and what ends at an instant t in cell ⌈t⌉ + (the number of cuts before t).
    """

    cuts: tuple[float, ...] = ()
    """In order of time."""
    edges: tuple[float, ...] | None = None
    """When stages and the load end, in order of time; None if any instant may turn out to be the end of the load."""

    @classmethod
    def of(cls, run: RunInfo) -> "Cells":
        """Return the cells of a run by its plan, and by its end if that is known."""
        planned = {span.ends_at_s for span in run.spans(math.inf)}
        edges = tuple(sorted(edge for edge in planned | {run.ended_at_s or 0.0} if math.isfinite(edge)))
        cuts = tuple(edge for edge in edges if edge % 1)
        return cls(cuts, None if run.ended_at_s is None or math.inf in planned else edges)

    def __hash__(self) -> int:
        """Return a hash that costs nothing, since a run has one instance."""
        return len(self.cuts)

    def suit(self, run: RunInfo) -> bool:
        """Return whether counts in these cells can be cut wherever a stage or the load of a run ends."""
        needed = Cells.of(run)
        all_edges = self.edges is None or (needed.edges is not None and {*needed.edges} <= {*self.edges})
        return all_edges and {*needed.cuts} <= {*self.cuts}

    def number(self, at_s: float) -> int:
        """Return the number of the cell that holds an instant."""
        return math.ceil(at_s) + bisect_left(self.cuts, at_s)

    def numbers(self, instants_s: Sequence[float]) -> list[int]:
        """Return the number of the cell of each instant."""
        seconds = map(math.ceil, instants_s)
        return list(map(add, seconds, map(partial(bisect_left, self.cuts), instants_s)) if self.cuts else seconds)

    def divide(self, first_s: float, last_s: float) -> bool:
        """Return whether what ended at these instants may belong to different stages."""
        return self.edges is None or bisect_left(self.edges, first_s) != bisect_left(self.edges, last_s)

    def bounds(self, begins_at_s: float, ends_at_s: float) -> tuple[int, int]:
        """Return the last cell before a stretch of time and the last one in it.

        An end within a cell counts as the end of that cell.
        """
        return self.number(begins_at_s) if begins_at_s > 0 else -1, self.number(ends_at_s)

    def second(self, number: int) -> int:
        """Return the second of the run in which a cell lies, the first being 0."""
        cuts = bisect_left(self._last_cells, number) if self.cuts else 0
        return max(0, number - cuts - 1)

    @cached_property
    def _last_cells(self) -> list[int]:
        """The number of the cell that ends at each cut."""
        return list(map(self.number, self.cuts))
