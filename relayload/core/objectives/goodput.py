"""Which requests meet what their goodput asks of each of them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import or_

from relayload.core.metrics.rows import Rows
from relayload.core.objectives.objective import Condition


def unmet(rows: Rows, conditions: Sequence[Condition]) -> Iterator[int]:
    """The conditions that each request does not meet, whether they are asked of it or not: a bit for each."""
    met = [_meets(rows, condition) for condition in conditions]
    if not met:
        return repeat(0, len(rows))
    return (sum(1 << bit for bit, is_met in enumerate(own) if not is_met) for own in zip(*met, strict=True))


def _meets(rows: Rows, condition: Condition) -> Iterable[bool]:
    """Whether each request meets the condition. What came at once, such as a word, meets any `tpot`."""
    met = map(condition.op.within(condition.limit), rows[condition.metric])
    return map(or_, met, _at_once(rows)) if condition.metric == "tpot" else met


def _at_once(rows: Rows) -> Iterator[bool]:
    """Whether each request has no time per token because nobody waited between its tokens."""
    times = zip(rows["tpot"], rows["ttft"], rows["last_token"], strict=True)
    return (tpot != tpot and first == last for tpot, first, last in times)
