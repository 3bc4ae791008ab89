"""The conditions of goodput, checked for each request."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import or_

from relayload.core.metrics.rows import Rows
from relayload.core.objectives.objective import Condition


def unmet(rows: Rows, conditions: Sequence[Condition]) -> Iterator[tuple[int, int]]:
    """Yield the conditions of each request that may be unmet, applicable or not, with one bit per condition.

    The second number holds those of them that may be met, as the values may be off.
    """
    at_most = _unmet(rows, conditions, better=False)
    if rows.exact:
        return zip(at_most, repeat(0))
    return ((most, most & ~least) for most, least in zip(at_most, _unmet(rows, conditions, better=True), strict=True))


def _unmet(rows: Rows, conditions: Sequence[Condition], *, better: bool) -> Iterator[int]:
    met = [_meets(rows, condition, better=better) for condition in conditions]
    return (sum(1 << bit for bit, is_met in enumerate(own) if not is_met) for own in zip(*met, strict=True))


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
