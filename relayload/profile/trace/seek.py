"""Seeks a late part of a long file by bisection, instead of reading all that comes before."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from relayload.files import opened

_NEAR_BYTES = 1 << 16
"""A part this close is read instead."""
_COUNTED_AT_ONCE = 1 << 20


class Place(NamedTuple):
    """The beginning of a line of a file, and how many lines come before it."""

    offset: int
    lines_before: int


def last_before(path: Path, is_before: Callable[[str], bool | None]) -> Place | None:
    """Return a line before the part, close to it; None if seeking is not worth it, or a line can't be compared.

    The lines are in order. `is_before` returns None for a line that can't be compared. Raises OSError.
    """
    with opened(path) as file:
        offset = _halved(file, path.stat().st_size, is_before)
        return Place(offset, _lines(file, offset)) if offset else None


def _halved(file: BinaryIO, size: int, is_before: Callable[[str], bool | None]) -> int:
    low, high = 0, size
    while high - low > _NEAR_BYTES:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()  # the rest of a line
        at = file.tell()
        if at >= high:
            high = middle
            continue
        before = is_before(file.readline().decode("utf-8", "replace"))
        if before is None:
            return 0
        low, high = (at, high) if before else (low, middle)
    return low


def _lines(file: BinaryIO, offset: int) -> int:
    """Return how many lines end before an offset."""
    file.seek(0)
    count = 0
    while offset > 0:
        piece = file.read(min(offset, _COUNTED_AT_ONCE))
        count += piece.count(b"\n")
        offset -= len(piece)
    return count
