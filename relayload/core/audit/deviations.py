"""How far reports lie from the line through all of them, for groups that are compared with one another."""

from collections.abc import Sequence
from random import Random
from statistics import median

from relayload.core.audit.counted import Pair
from relayload.core.audit.token_line import FEW, token_line
from relayload.core.model.audited import Audited
from relayload.core.stats.permutation import Groups, shift_p

MOST = 400
"""Pairs of each group that are compared, so that a comparison stays affordable."""
_DIGITS = 9
"""To which the same distance from the line is the same number."""

Pairs = Sequence[tuple[Audited, Pair]]


def deviation_p(one: Pairs, other: Pairs, seed: int, draws: int) -> float:
    """Return the p-value of "the reports of both groups lie alike about the line through both", within each scenario.

    A scenario weighs as much as its texts are long: what a factor adds to short ones is less than a token.
    """
    lengths: dict[str, list[int]] = {}
    for answer, (counted, _) in (*one, *other):
        lengths.setdefault(answer.scenario, []).append(counted)
    weights = {scenario: max(1.0, median(found)) for scenario, found in lengths.items()}
    return shift_p(deviations(one, other, seed), seed, draws, weights)


def deviations(one: Pairs, other: Pairs, seed: int) -> dict[str, Groups]:
    """Return by scenario how far the reports of two groups lie from the line through both, in tokens for each counted.

    The line is of both groups alike, so that it favours none.
    """
    line = token_line([pair for _, pair in (*one, *other)], seed, FEW)
    factor = line.factor.value if line.factor else 1.0
    offset = line.offset.value if line.offset else 0.0
    found: dict[str, tuple[list[float], list[float]]] = {}
    for side, pairs in enumerate((one, other)):
        for answer, (counted, reported) in pairs:
            off = round((reported - factor * counted - offset) / max(1, counted), _DIGITS)
            found.setdefault(answer.scenario, ([], []))[side].append(off)
    return dict(found)


def drawn(pairs: Pairs, seed: int) -> Pairs:
    """Return as many as are compared."""
    return pairs if len(pairs) <= MOST else Random(f"deviations:{seed}").sample(pairs, MOST)
