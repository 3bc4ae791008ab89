"""Which requests meet what their goodput asks of each of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from relayload.core.results.cell import Cell
from relayload.core.results.selection import Selection
from relayload.core.verdict.objective import Condition


def bad_due_s(ok: Selection, conditions: Sequence[Condition], without: Mapping[str, set[str]]) -> Iterator[list[float]]:
    """When those were due that ended ok, but did not meet every condition that is asked of them."""
    for key, cell in ok.cells.items():
        asked = [condition for condition in conditions if key.place.scenario not in without[condition.metric]]
        met = [_meets(cell, condition) for condition in asked]
        if met:
            yield sorted(due for due, *all_met in zip(cell.due_s, *met, strict=True) if not all(all_met))


def _meets(cell: Cell, condition: Condition) -> Iterable[bool]:
    """Of each request, whether it meets the condition. An answer too short to have a time per token meets any."""
    met = map(condition.op.within(condition.limit), cell.column(condition.metric))
    if condition.metric != "tpot":
        return met
    return [meets or tokens < 2 for meets, tokens in zip(met, cell.column("output_tokens"), strict=True)]
