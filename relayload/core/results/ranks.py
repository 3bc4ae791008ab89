"""Ranks in several sorted arrays at once, without merging them."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence


class Parts:
    """The values of sorted arrays as if they were one. A rank costs some tens of bisections, merging would cost n."""

    __slots__ = ("_arrays", "count")

    def __init__(self, arrays: Sequence[Sequence[float]]) -> None:
        self._arrays = [array for array in arrays if len(array)]
        self.count = sum(map(len, self._arrays))

    def at(self, rank: int) -> float:
        """The value at a rank, counting from 1. IndexError outside of 1 to count."""
        if not 1 <= rank <= self.count:
            raise IndexError(rank)
        spans = [(array, 0, len(array)) for array in self._arrays]
        while True:
            widest, low, high = max(spans, key=_width)
            pivot = widest[(low + high) // 2]
            below = [bisect_left(array, pivot, low, high) for array, low, high in spans]
            upto = [bisect_right(array, pivot, cut, high) for (array, _, high), cut in zip(spans, below, strict=True)]
            if rank <= sum(below):
                spans = [(array, low, cut) for (array, low, _), cut in zip(spans, below, strict=True)]
            elif rank > sum(upto):
                spans = [(array, cut, high) for (array, _, high), cut in zip(spans, upto, strict=True)]
            else:
                return pivot

    def count_below(self, value: float) -> int:
        return sum(bisect_left(array, value) for array in self._arrays)

    def count_until(self, turns: Callable[[float], bool]) -> int:
        """How many values come before a condition turns true, given that it stays true for all that are larger."""
        return sum(bisect_left(array, True, key=turns) for array in self._arrays)


def _width(span: tuple[Sequence[float], int, int]) -> int:
    _, low, high = span
    return high - low
