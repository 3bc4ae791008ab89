"""A run cut along the schedule: the requests that were due between two instants."""

from bisect import bisect_left
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import pairwise

from relayload.core.metrics.catalog import PER_CHUNK
from relayload.core.metrics.columns import Columns
from relayload.core.metrics.condensed import Condensed
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.selection import Selection
from relayload.core.metrics.tagged_requests import TaggedRequests
from relayload.core.model.tags import Tags


class Slices:
    """Cuts pieces out of a fold, whose requests are put in the order of the schedule once."""

    def __init__(self, fold: Fold, metrics: AbstractSet[str]) -> None:
        """`metrics` are those that pieces hold."""
        self._fold = fold
        self._gaps = not metrics.isdisjoint(PER_CHUNK)
        self._metrics = sorted(metrics - PER_CHUNK.keys())
        self._ordered: dict[Tags, Columns] = {}

    def cut(self, begins_at_s: float, ends_at_s: float) -> Selection:
        """The values of what was due from one instant until before another; to a slot where requests are condensed."""
        found: dict[Tags, TaggedRequests] = {}
        for key, tagged in self._fold.by_tags.items():
            piece = TaggedRequests(gaps=tagged.gaps.between(begins_at_s, ends_at_s) if self._gaps else None)
            if isinstance(tagged.values, Condensed):
                piece.condensed = tagged.values.between(begins_at_s, ends_at_s)
            else:
                piece.columns = self._between(key, tagged.values, begins_at_s, ends_at_s)
            if len(piece) or len(piece.gaps):
                found[key] = piece
        return Selection(found)

    def _between(self, key: Tags, columns: Columns, begins_at_s: float, ends_at_s: float) -> Columns:
        if key not in self._ordered:
            self._ordered[key] = columns.in_order(self._metrics)
        ordered = self._ordered[key]
        low, high = (bisect_left(ordered.due_at_s, at_s) for at_s in (begins_at_s, ends_at_s))
        return Columns({name: ordered[name][low:high] for name in ordered.names})


def windows(begins_at_s: float, ends_at_s: float, length_s: float) -> Iterator[tuple[float, float]]:
    """The whole windows of that length from the beginning on; what is left at the end is in none."""
    count = window_count(begins_at_s, ends_at_s, length_s)
    edges = (begins_at_s + number * length_s for number in range(count + 1))
    return pairwise(edges)


def window_count(begins_at_s: float, ends_at_s: float, length_s: float) -> int:
    """How many whole windows of that length there are."""
    return int((ends_at_s - begins_at_s) / length_s + 1e-9)
