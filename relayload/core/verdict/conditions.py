"""Which requests meet what their goodput asks of each of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import chain, compress, repeat
from operator import and_, not_, or_

from relayload.core.metrics.catalog import METRICS
from relayload.core.results.columns import Columns
from relayload.core.results.ranks import Sorted
from relayload.core.results.selection import Selection
from relayload.core.verdict.objective import Condition, Objective


def bad_due_s(ok: Selection, conditions: Sequence[Condition], without: Mapping[str, set[str]]) -> Iterator[Sorted]:
    """When those were due that ended ok, but did not meet every condition that is asked of them."""
    for key, cell in ok.cells.items():
        asked = [condition for condition in conditions if key.place.scenario not in without[condition.metric]]
        if asked:
            yield cell.values.due_picked(partial(_bad_s, asked))


def _bad_s(asked: Sequence[Condition], rows: Columns) -> list[float]:
    met = reduce(partial(map, and_), [_meets(rows, condition) for condition in asked])
    return list(compress(rows.due_s, map(not_, met)))


def unmet(rows: Columns, conditions: Sequence[Condition]) -> Iterator[int]:
    """Of each request, the conditions that it does not meet, whether they are asked of it or not: a bit for each."""
    met = [_meets(rows, condition) for condition in conditions]
    if not met:
        return repeat(0, len(rows))
    return (sum(1 << bit for bit, is_met in enumerate(own) if not is_met) for own in zip(*met, strict=True))


def _meets(rows: Columns, condition: Condition) -> Iterable[bool]:
    """Of each request, whether it meets the condition. What came at once, such as a word, meets any `tpot`."""
    met = map(condition.op.within(condition.limit), rows[condition.metric])
    return map(or_, met, _at_once(rows)) if condition.metric == "tpot" else met


def _at_once(rows: Columns) -> Iterator[bool]:
    """Of each request, whether it has no time per token because nobody waited between its tokens."""
    times = zip(rows["tpot"], rows["ttft"], rows["last_token"], strict=True)
    return (tpot != tpot and first == last for tpot, first, last in times)


def rowwise(objectives: Iterable[Objective]) -> frozenset[str] | None:
    """The metrics that objectives need of each request even where there are too many to keep; None if none needs any.

    Those in windows need their own, and goodput those of its conditions together.
    """
    needed = [_needed(objective) for objective in objectives if objective.terms.over_s or objective.conditions]
    return frozenset(chain.from_iterable(needed)) if needed else None


def _needed(objective: Objective) -> set[str]:
    needed = {condition.metric for condition in objective.conditions}
    if "tpot" in needed:
        needed |= {"ttft", "last_token"}
    metric = METRICS[objective.metric]
    return needed.union(metric.beside, [metric.name] if metric.distribution else [])
