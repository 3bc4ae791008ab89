"""The likeliest capacity: where the part of the budget that trials used passes 1, or another part.

More load uses no less of a budget, so the parts of all levels are made to rise by isotonic regression (pool adjacent
violators), each weighted with its requests. Between two levels the crossing is interpolated in logarithms.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

_LEAST, _MOST = 0.05, 4.0
"""How far within or beyond a budget a trial is says no more of where the limit lies."""


class Level(NamedTuple):
    """What the trials at one level of load used of the budget, and how much they count."""

    at: float
    used: float
    weight: float


class _Block(NamedTuple):
    log_used: float
    weight: float
    levels: tuple[float, ...]


def crossing(levels: Iterable[Level], part: float = 1.0) -> float | None:
    """Return the level at which the used part passes that one; None unless it is seen on both sides."""
    log_part = math.log(part)
    blocks: list[_Block] = []
    for level in sorted(levels):
        log_used = math.log(min(max(level.used, _LEAST), _MOST))
        blocks.append(_Block(log_used, level.weight, (level.at,)))
        while len(blocks) > 1 and blocks[-2].log_used >= blocks[-1].log_used:
            after, before = blocks.pop(), blocks.pop()
            blocks.append(_merged(before, after))
    below = [block for block in blocks if block.log_used <= log_part]
    above = [block for block in blocks if block.log_used > log_part]
    if not (below and above):
        return None
    low, high = below[-1], above[0]
    share = (log_part - low.log_used) / (high.log_used - low.log_used)
    return low.levels[-1] * math.pow(high.levels[0] / low.levels[-1], share)


def _merged(before: _Block, after: _Block) -> _Block:
    weight = before.weight + after.weight
    log_used = (before.log_used * before.weight + after.log_used * after.weight) / weight
    return _Block(log_used, weight, before.levels + after.levels)
