"""The conditions of goodput, checked for each request."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import or_

from relayload.core.metrics.rows import Rows
from relayload.core.objectives.objective import Condition


def unmet(rows: Rows, conditions: Sequence[Condition]) -> tuple[Iterable[int], Iterable[int]]:
    """Return the conditions of each request that may be unmet, applicable or not, with one bit per condition.

    The second numbers hold those of them that may be met, as the values may be off.
    """
    at_most = _unmet(rows, conditions, better=False)
    if rows.exact:
        return at_most, repeat(0, len(rows))
    return at_most, [most & ~least for most, least in zip(at_most, _unmet(rows, conditions, better=True), strict=True)]


def _unmet(rows: Rows, conditions: Sequence[Condition], *, better: bool) -> Sequence[int]:
    bits = [0] * len(rows)
    for number, condition in enumerate(conditions):
        met = list(_meets(rows, condition, better=better))
        if False in met:
            bits = list(map(or_, bits, map((1 << number, 0).__getitem__, met)))
    return bits


def _meets(rows: Rows, condition: Condition, *, better: bool) -> Iterable[bool]:
    """Return whether each request meets the condition, by the better or the worse bound of its value.

    An answer that came at once meets any `tpot`.
    """
    least, most = rows.bounds(condition.metric)
    met = map(condition.op.within(condition.limit), least if better is condition.op.ceiling else most)
    return map(or_, met, _at_once(rows)) if condition.metric == "tpot" else met


def _at_once(rows: Rows) -> Iterator[bool]:
    """Yield whether each request has no time per token because there was no wait between its tokens."""
    times = zip(rows["tpot"], rows["ttft"], rows["last_token"], strict=True)
    return (tpot != tpot and first == last for tpot, first, last in times)
