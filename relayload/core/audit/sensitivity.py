"""What a comparison of answers could have seen: audits with swapped answers, drawn from the answers that there are.

A source of the reference's answers is compared with another one, of which a share is answered by another model. Both
are drawn from what was recorded, with replacement; an answer that is drawn twice counts as two answers that are as
alike as this one is to the others of its model, since no model says exactly the same again because of that.

The threshold is the quantile of relabelled answers at the level of the test. Its shape is taken from the answers of the
audit, its scale from those with swapped ones, which differ more among one another.
"""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from random import Random
from statistics import pstdev

from relayload.core.audit.findings import Sensitivity
from relayload.core.audit.likeness import likenesses
from relayload.core.audit.pooled import Pooled
from relayload.core.audit.same_distribution import Answers

AUDITS = 100
_SEEN = 90
"""In how many of 100 audits a share has to be seen."""
_SHAPE_DRAWS = 1999
_SCALE_DRAWS = 150
_STEPS = 6
"""Halvings of the share, down to between one percent and two."""


class Prompt:
    """The answers to one prompt: how alike those of the reference, then those of another model, are to each."""

    __slots__ = ("_alike", "_alone", "_bytes", "_others", "_own", "_rows", "sizes")

    def __init__(self, alike: Sequence[Sequence[int]], own: int, sizes: tuple[int, int]) -> None:
        """Take the matrix, how many of its rows are of the reference, and how many answers each source gives."""
        self._alike, self._own, self.sizes = alike, own, sizes
        self._others = range(own, len(alike))
        self._alone = [row[at] for at, row in enumerate(alike)]
        self._rows = [sum(value << _FIELD * column for column, value in enumerate(row)) for row in alike]
        self._bytes = len(alike) * _FIELD // 8

    def draw(self, share: float, random: Random) -> list[int]:
        """Return the rows of both sources, the second with a share of swapped answers."""
        ones, others = self.sizes
        drawn = random.choices(range(self._own), k=ones + others)
        swapped = [at for at in range(ones, ones + others) if random.random() < share] if share else ()
        for at in swapped:
            drawn[at] = random.choice(self._others)
        return drawn

    def discrepancy(self, drawn: Sequence[int]) -> float:
        """Return it as `Pooled` does for answers that are there once."""
        n, m = self.sizes
        one, other = drawn[:n], drawn[n:]
        to_one, to_other = self._summed(one), self._summed(other)
        within, rest = (
            sum(map(alike.__getitem__, rows)) - sum(map(self._alone.__getitem__, rows))
            for alike, rows in ((to_one, one), (to_other, other))
        )
        between = sum(map(to_one.__getitem__, other))
        return within / (n * (n - 1)) + rest / (m * (m - 1)) - 2 * between / (n * m)

    def _summed(self, rows: Sequence[int]) -> "memoryview[int]":
        """Return how alike these together are to each."""
        total = sum(map(self._rows.__getitem__, rows))
        return memoryview(total.to_bytes(self._bytes, sys.byteorder)).cast("I")[::_ORDER]

    def pooled(self, drawn: Sequence[int]) -> Pooled:
        return Pooled([[self._alike[at][to] for to in drawn] for at in drawn], self.sizes[0])


_FIELD = 32
_ORDER = 1 if sys.byteorder == "little" else -1


Sizes = Mapping[str, tuple[int, int]]
"""By prompt, how many answers each source gives."""


def swapped_for(reference: Answers, sizes: Sizes, other: Answers) -> list[Prompt]:
    """Return the prompts that another model was recorded with, too."""
    return [
        _prompt(_with_rows_for_repeats(likenesses([*reference[prompt], *other[prompt]]), len(reference[prompt])), size)
        for prompt, size in sizes.items()
        if len(other.get(prompt, ())) >= _FEWEST
    ]


def swapped_for_nothing_alike(reference: Answers, sizes: Sizes) -> list[Prompt]:
    """Return the prompts as a model would answer that has nothing in common, and is as varied as the reference."""
    return [_prompt(_doubled(likenesses(reference[prompt])), size) for prompt, size in sizes.items()]


_FEWEST = 2
"""Answers of a model to a prompt, without which nothing is known of how alike they are."""
_Rows = tuple[list[list[int]], int]


def _prompt(rows: _Rows, sizes: tuple[int, int]) -> Prompt:
    alike, own = rows
    return Prompt(alike, own, sizes)


def _doubled(alike: list[list[int]]) -> _Rows:
    alike, own = _with_rows_for_repeats(alike, len(alike))
    nothing = [0] * own
    return [*(row + nothing for row in alike), *(nothing + row for row in alike)], own


def _with_rows_for_repeats(alike: list[list[int]], own: int) -> _Rows:
    """Return the matrix with a diagonal of how alike an answer is to the others of its model."""
    for at, row in enumerate(alike):
        model = range(own) if at < own else range(own, len(alike))
        row[at] = round(sum(row[to] for to in model if to != at) / max(1, len(model) - 1))
    return alike, own


def sensitivity(prompts: Sequence[Prompt], against: str | None, level: float, seed: int) -> Sensitivity:
    """Return in how many of 100 audits a whole swap is seen, and the share that is seen in 90 of them.

    There is at least one prompt.
    """
    if _least_p(prompts) > level:
        return Sensitivity(against=against, seen_in_100=0)
    random = Random(f"sensitivity:{seed}:{against}")
    shape = _shape(prompts, level, random)

    def seen(share: float) -> Iterator[bool]:
        threshold = shape * _scale(prompts, share, random)
        for _ in range(AUDITS):
            yield sum(prompt.discrepancy(prompt.draw(share, random)) for prompt in prompts) >= threshold

    whole = sum(seen(1.0))
    smallest = None
    if whole >= _SEEN:
        low, smallest = 0.0, 1.0
        for _ in range(_STEPS):
            middle = (low + smallest) / 2
            low, smallest = (low, middle) if _mostly(seen(middle)) else (middle, smallest)
    return Sensitivity(
        against=against, seen_in_100=whole, smallest_share=None if smallest is None else round(smallest, 2)
    )


def _least_p(prompts: Sequence[Prompt]) -> float:
    """Return the least p-value that there is. Sources of as many answers have the same one the other way round."""
    return math.prod((1 + (n == m)) / math.comb(n + m, n) for n, m in (prompt.sizes for prompt in prompts))


def _mostly(audits: Iterator[bool]) -> bool:
    """Return whether a share was seen in 90 of 100 audits, of which no more are made than that takes."""
    missed = (not seen for seen in audits)
    return next(islice(filter(None, missed), AUDITS - _SEEN, None), None) is None


def _shape(prompts: Sequence[Prompt], level: float, random: Random) -> float:
    """Return the quantile of relabelled answers in standard deviations."""
    draws = sorted(_relabelled(prompts, 0.0, _SHAPE_DRAWS, random), reverse=True)
    at_most = max(1, int(level * (len(draws) + 1)))
    return draws[at_most - 1] / (pstdev(draws) or 1.0)


def _scale(prompts: Sequence[Prompt], share: float, random: Random) -> float:
    return pstdev([each for _ in range(2) for each in _relabelled(prompts, share, _SCALE_DRAWS, random)])


def _relabelled(prompts: Sequence[Prompt], share: float, draws: int, random: Random) -> Iterator[float]:
    pooled = [prompt.pooled(prompt.draw(share, random)) for prompt in prompts]
    return (sum(each.relabelled(random) for each in pooled) for _ in range(draws))
