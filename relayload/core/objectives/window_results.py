"""The result of an objective that was judged window by window.

Windows in which nothing was due are no evidence: the others count as consecutive across them. The objective is broken
where enough consecutive windows are. It is INCONCLUSIVE where only undecided windows would complete such a
row, or where the run had fewer windows than that and all of them were broken or undecided.
"""

import math
from collections.abc import Callable, Sequence
from itertools import groupby

from msgspec.structs import replace

from relayload.core.model.verdict import ObjectiveResult, Status, Windows
from relayload.core.objectives.objective import Objective
from relayload.core.units import format_duration

Judged = Sequence[tuple[float, ObjectiveResult]]
"""When each window began, and its result, in order of time."""

BADNESS = {Status.FAIL: 2, Status.INCONCLUSIVE: 1, Status.PASS: 0}
"""The order of verdicts, from the best."""


def taken_together(objective: Objective, judged: Judged, empty: int = 0) -> ObjectiveResult:
    """Return the result of one or more windows, with the numbers of the worst.

    `empty` counts the others, in which nothing was due.
    """
    over_s, wanted = objective.options.over_s, objective.options.for_windows
    assert over_s is not None
    broken_in_a_row = _longest(judged, lambda status: status is Status.FAIL)
    doubtful_in_a_row = _longest(judged, lambda status: status is not Status.PASS)
    status = Status.PASS
    if doubtful_in_a_row >= min(wanted, len(judged)):
        status = Status.FAIL if broken_in_a_row >= wanted else Status.INCONCLUSIVE
    begins_at_s, worst = max(judged, key=lambda window: _badness(objective, window[1]))
    windows = Windows(
        over_s=over_s,
        wanted_in_a_row=wanted,
        count=len(judged),
        broken=sum(result.verdict is Status.FAIL for _, result in judged),
        most_in_a_row=broken_in_a_row,
        worst_at_s=begins_at_s,
        empty=empty,
    )
    reason = "" if status is Status.PASS else _reason(windows, worst)
    told = [result.proven for _, result in judged if result.proven is not None]
    proven = all(told) if told and status is Status.PASS else None
    return replace(worst, id=objective.id, verdict=status, reason=reason, proven=proven, windows=windows)


def _longest(judged: Judged, wanted: Callable[[Status], bool]) -> int:
    """Return the most consecutive windows whose verdict is wanted."""
    runs = groupby(judged, key=lambda window: wanted(window[1].verdict))
    return max((len(list(run)) for is_wanted, run in runs if is_wanted), default=0)


def _badness(objective: Objective, result: ObjectiveResult) -> tuple[int, float, float]:
    """Return the sort key: by verdict, by the share beyond the limit, by the observed value."""
    beyond = result.k / result.n if result.k is not None and result.n else 0.0
    if result.observed is None:
        return BADNESS[result.verdict], beyond, math.inf
    return BADNESS[result.verdict], beyond, -result.observed if objective.op.floor else result.observed


def _reason(windows: Windows, worst: ObjectiveResult) -> str:
    row = f", {windows.most_in_a_row} in a row where {windows.wanted_in_a_row} are too many"
    counted = f"broken in {windows.broken} of {windows.count} windows of {format_duration(windows.over_s)}"
    at = (
        f"the worst began at {format_duration(windows.worst_at_s)}" if windows.worst_at_s else "the first was the worst"
    )
    text = f"{counted}{row if windows.wanted_in_a_row > 1 else ''}; {at}"
    return f"{text}: {worst.reason}" if worst.reason else text
