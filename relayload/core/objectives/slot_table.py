"""The counts of an objective by position, of which those that no longer change take a tenth of the room."""

import zlib
from collections.abc import ItemsView, Iterator, MutableMapping, ValuesView

import msgspec

from relayload.core.model.snapshot import Position, SlotCounts

_BLOCK_BITS = 6
"""Positions of 64 seconds are packed together: more take less room, and longer to unpack for a latecomer."""
_FASTEST = 1
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[Position, SlotCounts]]).decode


class SlotTable(MutableMapping[Position, SlotCounts]):
    """A dict of counts, which are to be changed only where `self[position]` returned or took them since a `sweep`."""

    __slots__ = ("_open", "_packed", "_touched")

    def __init__(self) -> None:
        self._open: dict[int, dict[Position, SlotCounts]] = {}
        """By block."""
        self._packed: dict[int, bytes] = {}
        self._touched: set[int] = set()

    def __getitem__(self, position: Position) -> SlotCounts:
        return self._block(position)[position]

    def __setitem__(self, position: Position, counts: SlotCounts) -> None:
        self._block(position)[position] = counts

    def __delitem__(self, position: Position) -> None:
        del self._block(position)[position]

    def __iter__(self) -> Iterator[Position]:
        return (position for position, _ in self.pairs())

    def __len__(self) -> int:
        return sum(1 for _ in self.pairs())

    def items(self) -> ItemsView[Position, SlotCounts]:
        """Return all positions with their counts, for the caller to read."""
        return _Items(self)

    def values(self) -> ValuesView[SlotCounts]:
        """Return all counts, for the caller to read."""
        return _Values(self)

    def sweep(self) -> None:
        """Pack what was not asked for since the last call."""
        for number in [number for number in self._open if number not in self._touched]:
            if block := self._open.pop(number):
                self._packed[number] = zlib.compress(_encode(list(block.items())), _FASTEST)
        self._touched.clear()

    def pairs(self) -> Iterator[tuple[Position, SlotCounts]]:
        """Yield all positions with their counts, and leave them packed."""
        for packed in self._packed.values():
            yield from _decode(zlib.decompress(packed))
        for block in self._open.values():
            yield from block.items()

    def _block(self, position: Position) -> dict[Position, SlotCounts]:
        number = position.second >> _BLOCK_BITS
        self._touched.add(number)
        found = self._open.get(number)
        if found is None:
            packed = self._packed.pop(number, None)
            found = self._open[number] = {} if packed is None else dict(_decode(zlib.decompress(packed)))
        return found


class _Items(ItemsView[Position, SlotCounts]):
    _mapping: SlotTable

    def __iter__(self) -> Iterator[tuple[Position, SlotCounts]]:
        return self._mapping.pairs()


class _Values(ValuesView[SlotCounts]):
    _mapping: SlotTable

    def __iter__(self) -> Iterator[SlotCounts]:
        return (counts for _, counts in self._mapping.pairs())
