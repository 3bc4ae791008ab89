"""The likeliest capacity: where the part of the budget that trials used passes 1.

More load uses no less of a budget, so the parts of all rates are made to rise by isotonic regression (pool adjacent
violators), each weighted with its requests. Between two rates the crossing is interpolated in logarithms.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

_LEAST, _MOST = 0.05, 4.0
"""How far within or beyond a budget a trial is says no more of where the limit lies."""


class Level(NamedTuple):
    """What the trials at one rate used of the budget, and how much they count."""

    rate_per_s: float
    used: float
    weight: float


class _Block(NamedTuple):
    log_used: float
    weight: float
    rates: tuple[float, ...]


def crossing(levels: Iterable[Level]) -> float | None:
    """Return the rate per second at which the used part passes 1; None unless it is seen on both sides."""
    blocks: list[_Block] = []
    for level in sorted(levels):
        log_used = math.log(min(max(level.used, _LEAST), _MOST))
        blocks.append(_Block(log_used, level.weight, (level.rate_per_s,)))
        while len(blocks) > 1 and blocks[-2].log_used >= blocks[-1].log_used:
            after, before = blocks.pop(), blocks.pop()
            blocks.append(_merged(before, after))
    below = [block for block in blocks if block.log_used <= 0]
    above = [block for block in blocks if block.log_used > 0]
    if not (below and above):
        return None
    low, high = below[-1], above[0]
    share = -low.log_used / (high.log_used - low.log_used)
    return low.rates[-1] * math.pow(high.rates[0] / low.rates[-1], share)


def _merged(before: _Block, after: _Block) -> _Block:
    weight = before.weight + after.weight
    log_used = (before.log_used * before.weight + after.log_used * after.weight) / weight
    return _Block(log_used, weight, before.rates + after.rates)
