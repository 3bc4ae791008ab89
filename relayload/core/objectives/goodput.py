"""The conditions of goodput, checked for each request."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import or_

from relayload.core.metrics.rows import Rows
from relayload.core.objectives.objective import Condition


def unmet(rows: Rows, conditions: Sequence[Condition]) -> Iterator[int]:
    """Yield the unmet conditions of each request, applicable or not, with one bit per condition."""
    met = [_meets(rows, condition) for condition in conditions]
    if not met:
        return repeat(0, len(rows))
    return (sum(1 << bit for bit, is_met in enumerate(own) if not is_met) for own in zip(*met, strict=True))


def _meets(rows: Rows, condition: Condition) -> Iterable[bool]:
    """Return whether each request meets the condition. An answer that came at once meets any `tpot`."""
    met = map(condition.op.within(condition.limit), rows[condition.metric])
    return map(or_, met, _at_once(rows)) if condition.metric == "tpot" else met


def _at_once(rows: Rows) -> Iterator[bool]:
    """Yield whether each request has no time per token because there was no wait between its tokens."""
    times = zip(rows["tpot"], rows["ttft"], rows["last_token"], strict=True)
    return (tpot != tpot and first == last for tpot, first, last in times)
