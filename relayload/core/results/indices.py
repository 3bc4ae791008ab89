"""Which arrivals are on record, and how many of them twice: one byte per arrival, however many workers tell."""

from collections.abc import Iterable, Sequence

_BLOCK = 1 << 16


class Indices:
    """A set of indices that also counts how many it was told."""

    __slots__ = ("_blocks", "told")

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}
        self.told = 0

    def add(self, indices: Sequence[int]) -> None:
        """Mostly they are near one another."""
        self.told += len(indices)
        numbers = {index // _BLOCK for index in indices}
        for number in numbers:
            block, begins = self._block(number), number * _BLOCK
            own = indices if len(numbers) == 1 else [index for index in indices if index // _BLOCK == number]
            for index in own:
                block[index - begins] = 1

    def merge(self, other: "Indices") -> None:
        self.told += other.told
        for number, theirs in other._blocks.items():
            own = self._block(number)
            both = int.from_bytes(own, "little") | int.from_bytes(theirs, "little")
            own[:] = both.to_bytes(_BLOCK, "little")

    @classmethod
    def merged(cls, parts: "Iterable[Indices]") -> "Indices":
        whole = cls()
        for part in parts:
            whole.merge(part)
        return whole

    @property
    def distinct(self) -> int:
        return sum(block.count(1) for block in self._blocks.values())

    @property
    def twice(self) -> int:
        """How many were told that were told before."""
        return self.told - self.distinct

    @property
    def end(self) -> int:
        """One more than the highest; 0 without any."""
        last = max(self._blocks, default=None)
        return 0 if last is None else last * _BLOCK + self._blocks[last].rindex(1) + 1

    def _block(self, number: int) -> bytearray:
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = bytearray(_BLOCK)
        return block
