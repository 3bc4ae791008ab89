"""A uniform sample of a stream whose members are chosen before it is known whether they will do.

Every member has a rank, a hash that is uniform in (0, 1). The sample is that of the least ranks among those that did.
As members may still fail, twice as many are kept as are wanted; then an answer that belongs to the sample is missing
only if more than half of those with a lesser rank were lost. Source: Cohen & Kaplan, bottom-k sketches (2007).
"""

from heapq import heappop, heappush
from typing import Generic, TypeVar

Item = TypeVar("Item")

_SPARE = 2


class BottomSample(Generic[Item]):
    """The members of the least ranks, of which `size` are wanted."""

    __slots__ = ("_items", "_ranks", "_room", "_size", "_sizes", "held_bytes")

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = _SPARE * size
        self._ranks: list[float] = []
        """Negative, so that the greatest rank comes first; some may have been given up."""
        self._items: dict[float, Item | None] = {}
        """By rank; None for members that have not ended."""
        self._sizes: dict[float, int] = {}
        self.held_bytes = 0
        """The memory of the members that are kept."""

    def __len__(self) -> int:
        return len(self._items)

    def reserve(self, rank: float) -> bool:
        """Return whether a member is to be kept if it does; then end it with `keep` or `give_up`."""
        if rank in self._items or not self._room:
            return False
        if len(self._items) >= self._room:
            if rank > self._greatest:
                return False
            self._drop_greatest()
        self._items[rank] = None
        heappush(self._ranks, -rank)
        return True

    def keep(self, rank: float, item: Item, size: int = 0) -> None:
        """Keep a member that did, of so many bytes, unless lesser ones have taken its place."""
        if rank in self._items:
            self._items[rank] = item
            self._sizes[rank] = size
            self.held_bytes += size

    def give_up(self, rank: float) -> None:
        """Leave out a member that did not do."""
        self._items.pop(rank, None)

    def shrink(self) -> None:
        """Leave out the greatest and take no other in its place, to save memory."""
        self._room = max(1, len(self._items) - 1)
        self._drop_greatest()

    def _drop_greatest(self) -> None:
        rank = self._greatest
        heappop(self._ranks)
        del self._items[rank]
        self.held_bytes -= self._sizes.pop(rank, 0)

    @property
    def _greatest(self) -> float:
        while -self._ranks[0] not in self._items:
            heappop(self._ranks)
        return -self._ranks[0]

    @property
    def members(self) -> list[Item]:
        """The sample, in the order of ranks."""
        kept = [item for _, item in sorted(self._items.items(), key=lambda pair: pair[0]) if item is not None]
        return kept[: self._size]
