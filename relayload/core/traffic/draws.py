"""Chance with a name: each quantity of an arrival is drawn from a stream of its own.

So whoever sends an arrival draws the same, and a new quantity, or a change of one, leaves the others as they were.
"""

from collections.abc import Mapping
from hashlib import blake2b
from itertools import accumulate
from random import Random

_BITS = 52
"""One less than a float holds, so that no number is rounded to 1."""
_STEP = 1 / (1 << _BITS)


def uniform(seed: int, index: int, name: str) -> float:
    """A number of (0, 1) for that quantity of that arrival; about a microsecond."""
    digest = blake2b(f"{seed}:{index}:{name}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> (64 - _BITS)) + 0.5) * _STEP


def stream(seed: int, index: int, turn: int = 0) -> Random:
    """What the words of an arrival are drawn from, or those of a later turn of its conversation."""
    return Random(f"{seed}:{index}:{turn}" if turn else f"{seed}:{index}")


class Mix:
    """Names drawn by their weights."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._names = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    def draw(self, seed: int, index: int, name: str) -> str:
        if len(self._names) == 1:
            return self._names[0]
        place = uniform(seed, index, name) * self._bounds[-1]
        return next(each for each, bound in zip(self._names, self._bounds, strict=True) if place < bound)
