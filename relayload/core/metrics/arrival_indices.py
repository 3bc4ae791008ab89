"""Which arrivals are on record, and how many of them twice: one byte per arrival for any number of workers.

The indices of a closed load lie far apart. So a block begins as a sorted list of its few members, two bytes each, and
becomes an array of one byte per possible member once those are many.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence

_BLOCK = 1 << 16
_FEW = 4096


class Indices:
    """A set of indices that also counts its additions."""

    __slots__ = ("_blocks", "additions")

    def __init__(self) -> None:
        self._blocks: dict[int, array[int] | bytearray] = {}
        self.additions = 0

    def add(self, indices: Sequence[int]) -> None:
        """Add indices, which are mostly near one another."""
        self.additions += len(indices)
        numbers = {index // _BLOCK for index in indices}
        for number in numbers:
            begins = number * _BLOCK
            self._add(number, [index - begins for index in indices if len(numbers) == 1 or index // _BLOCK == number])

    def merge(self, other: "Indices") -> None:
        self.additions += other.additions
        for number, theirs in other._blocks.items():
            own = self._blocks.get(number)
            if isinstance(theirs, array):
                self._add(number, theirs)
            elif isinstance(own, bytearray):
                both = int.from_bytes(own, "little") | int.from_bytes(theirs, "little")
                own[:] = both.to_bytes(_BLOCK, "little")
            else:
                self._blocks[number] = _marked(bytearray(theirs), own or ())

    @classmethod
    def merged(cls, parts: "Iterable[Indices]") -> "Indices":
        whole = cls()
        for part in parts:
            whole.merge(part)
        return whole

    @property
    def distinct(self) -> int:
        return sum(len(block) if isinstance(block, array) else block.count(1) for block in self._blocks.values())

    @property
    def twice(self) -> int:
        """The number of additions of an index that was already present."""
        return self.additions - self.distinct

    @property
    def end(self) -> int:
        """One more than the highest index; 0 without any."""
        last = max(self._blocks, default=None)
        if last is None:
            return 0
        block = self._blocks[last]
        return last * _BLOCK + (block[-1] if isinstance(block, array) else block.rindex(1)) + 1

    def _add(self, number: int, places: Collection[int]) -> None:
        """Add the members at these places of a block."""
        block = self._blocks.setdefault(number, array("H"))
        if isinstance(block, bytearray):
            _marked(block, places)
        elif len(block) + len(places) > _FEW:
            self._blocks[number] = _marked(_marked(bytearray(_BLOCK), block), places)
        elif len(places) == 1:
            _insert(block, *places)
        else:
            self._blocks[number] = array("H", sorted({*block, *places}))


def _marked(block: bytearray, places: Iterable[int]) -> bytearray:
    for place in places:
        block[place] = 1
    return block


def _insert(block: "array[int]", place: int) -> None:
    """Insert a place into a sorted list, unless it is there."""
    at = bisect_left(block, place)
    if at == len(block) or block[at] != place:
        block.insert(at, place)
