"""Named random draws: each quantity of an arrival is drawn from its own stream.

So any worker that sends an arrival draws the same values, and adding or changing a quantity leaves others unchanged.
"""

from collections.abc import Mapping
from hashlib import blake2b
from itertools import accumulate
from random import Random

_BITS = 52
"""One bit less than a float holds, so that no number is rounded to 1."""
_STEP = 1 / (1 << _BITS)


def uniform(seed: int, index: int, name: str) -> float:
    """Return a number in (0, 1) for the named quantity of an arrival. Takes about a microsecond."""
    digest = blake2b(f"{seed}:{index}:{name}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> (64 - _BITS)) + 0.5) * _STEP


class Draws:
    """The draws for the text of an arrival, or of a later turn of its conversation."""

    __slots__ = ("_index", "_name", "_rng", "_seed")

    def __init__(self, seed: int, index: int, turn: int = 0) -> None:
        self._seed = seed
        self._index = index
        self._name = f"{turn}:" if turn else ""
        self._rng: Random | None = None

    def below(self, most: int, name: str) -> int:
        """Return a whole number in [0, most) for the named quantity."""
        return int(uniform(self._seed, self._index, f"{self._name}{name}") * most)

    @property
    def rng(self) -> Random:
        """A generator for any number of draws, created on first use because seeding is slow."""
        if self._rng is None:
            self._rng = Random(f"{self._seed}:{self._index}:{self._name}")
        return self._rng


class Mix:
    """Draws names in proportion to their weights."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._names = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    def draw(self, seed: int, index: int, name: str) -> str:
        if len(self._names) == 1:
            return self._names[0]
        drawn = uniform(seed, index, name) * self._bounds[-1]
        return next(each for each, bound in zip(self._names, self._bounds, strict=True) if drawn < bound)
