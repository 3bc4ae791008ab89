"""Decides whether an objective with `abort: true` is proven broken while the run goes on.

Requests in flight may yet turn out well, so they count as good. Everything is judged as the records will be once the
run is over, so that what is called broken fails the verdict on the same requests.

Every look at a growing sample could produce a false alarm: a sample is looked at again only once it has grown by a
twentieth, and the j-th look gets the share 1 / j(j + 1) of 1 - confidence, so that all looks together reach the
confidence (a union bound). No look is less sure than the verdict on the same requests, which shares the confidence over
the windows. A window is looked at once it is over. One in which nothing was due does not end a row of broken ones; that
is certain once nothing is in flight after it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from relayload.core.model.objective_options import NoData
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.evaluate import judge_at_once, judge_objective
from relayload.core.objectives.formatting import quantity
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective, replace_options
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.units import format_duration

_GROWTH = 1.05
_LEAST_N = 20
"""Fewer requests, such as the first ones to a cold relay, end no run by a share."""
_TOLD_WITHIN_S = 2.0
"""By how much the master may hear late of what a worker has in flight, in seconds."""
_OF_RUN = ("breaker", "cost")
"""Metrics that do not depend on single requests, and are known for certain at any instant."""


@dataclass(frozen=True, slots=True)
class Breach:
    """An objective that is proven broken, and how."""

    objective: Objective
    reason: str

    def __str__(self) -> str:
        return f"{self.objective.id}: {self.reason}"


class AbortMonitor:
    """Judges the objectives that may end a run, on demand, by what is known of the run so far."""

    def __init__(self, objectives: Iterable[Objective]) -> None:
        """Watch the objectives that have `abort: true`."""
        self._looks = [
            (_Sum if objective.metric in _OF_RUN else _Looks)(objective)
            for objective in objectives
            if objective.options.abort
        ]
        self._settled_s = -math.inf

    def breach(self, run: MergedSnapshot, now_s: float, in_flight: int = 0) -> Breach | None:
        """Return the first objective that is proven broken at that instant, whatever the requests in flight do."""
        if not in_flight:
            self._settled_s = max(self._settled_s, now_s - _TOLD_WITHIN_S)
        info = structs.replace(run.run, ended_at_s=now_s)
        indicators = Indicators(run, info, in_flight=in_flight, settled_s=self._settled_s)
        for looks in self._looks:
            looks.notice(indicators)
        for counts in run.counts.indicators.values():
            counts.changed.clear()
        for looks in self._looks:
            if now_s >= looks.objective.options.abort_after_s and (reason := looks.reason(indicators)):
                return Breach(looks.objective, reason)
        return None


class _Looks:
    """The results of the looks at one objective by window; without windows, all is window 0."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._while_it_grows = replace_options(objective.while_it_grows, strict=False, on_no_data=NoData.PASS, looks=1)
        self._touched: set[int] = set()
        self._seen_n: Counter[int] = Counter()
        """By window, the number of requests at the last look."""
        self._looks = 0
        self._left: dict[int, float] = {}
        """By broken window, the error probability at the look that found it broken."""

    def notice(self, indicators: Indicators) -> None:
        """Note which windows have changed."""
        counts = indicators.source.counts[self.objective]
        self._touched.update(position.window for position in counts.changed)

    def reason(self, indicators: Indicators) -> str | None:
        """Return how it is broken; None until that is proven."""
        count = indicators.windows_over(self.objective)
        over = {window for window in self._touched if window < count}
        if not over:
            return None
        pieces = [indicators] if self.objective.options.over_s is None else indicators.windows(self.objective)
        if not pieces:
            return None
        for window in sorted(over):
            self._look(window, pieces[window])
        self._touched -= over
        return self._in_a_row(pieces)

    def _look(self, window: int, piece: Indicators) -> None:
        if self.objective.aggregate != "count":
            least = max(_LEAST_N, self._seen_n[window] * _GROWTH)
            if piece.source.counts[self.objective].most_n[window] < least:
                return
            n = sum(slot.n for slot in piece.slots(self.objective))
            if n < least:
                return
            self._seen_n[window] = n
        self._looks += 1
        left = (1 - self.objective.options.confidence) / (self._looks * (self._looks + 1))
        if self._found(piece, 1 - left):
            self._left[window] = left
        else:
            self._left.pop(window, None)

    def _in_a_row(self, pieces: Sequence[Indicators]) -> str | None:
        """Return why enough consecutive windows are still broken, each at the confidence at which it was found."""
        wanted = self.objective.options.for_windows
        if len(self._left) < wanted:
            return None
        least = (1 - self.objective.options.confidence) / len(pieces)
        found: Mapping[int, str] = {
            window: reason
            for row in self._rows(self._left, pieces)
            if len(row) >= wanted
            for window in row
            if (reason := self._found(pieces[window], 1 - min(self._left[window], least)))
        }
        row = next((row for row in self._rows(found, pieces) if len(row) >= wanted), None)
        return f"{self._counted(row)}{found[row[-1]]}" if row else None

    def _rows(self, windows: Iterable[int], pieces: Sequence[Indicators]) -> list[list[int]]:
        """Group numbers of windows that follow one another, if nothing was due between them."""
        rows: list[list[int]] = []
        for number in sorted(windows):
            between = pieces[rows[-1][-1] + 1 : number] if rows else ()
            if rows and not any(piece.is_evidence(self.objective) for piece in between):
                rows[-1].append(number)
            else:
                rows.append([number])
        return rows

    def _counted(self, row: Sequence[int]) -> str:
        over_s = self.objective.options.over_s
        return "" if over_s is None else _in_a_row(len(row), over_s)

    def _found(self, piece: Indicators, confidence: float) -> str | None:
        """Return how that piece of the run is broken, at that confidence; None if it is not."""
        judged = judge_at_once(replace_options(self._while_it_grows, confidence=confidence), piece)
        return _until_now(judged) if judged.verdict is Status.FAIL else None


class _Sum:
    """An objective on breakers or costs, whose past is certain."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._while_it_grows = replace_options(objective.while_it_grows, on_no_data=NoData.PASS)
        self._known: tuple[int, int] | None = None
        self._judged: ObjectiveResult | None = None

    def notice(self, indicators: Indicators) -> None:
        """Do nothing, since the result does not depend on which requests have changed."""

    def reason(self, indicators: Indicators) -> str | None:
        """Return how it is broken; None as long as it is not."""
        judged = self._latest(indicators)
        if judged.verdict is not Status.FAIL or judged.observed is None:
            return None
        in_windows = judged.windows
        if in_windows is None:
            return f"{quantity(judged.observed, judged.unit)} until now"
        worst = quantity(judged.observed, judged.unit)
        return f"{_in_a_row(in_windows.most_in_a_row, in_windows.over_s)}{worst} in the worst"

    def _latest(self, indicators: Indicators) -> ObjectiveResult:
        """Return the current result; with windows, it changes only by new transitions or a new window."""
        if self.objective.options.over_s is None:
            return judge_objective(self._while_it_grows, indicators)
        known = len(indicators.source.transitions), indicators.windows_over(self.objective)
        if self._judged is None or known != self._known:
            self._known, self._judged = known, judge_objective(self._while_it_grows, indicators)
        return self._judged


def _until_now(judged: ObjectiveResult) -> str:
    if judged.reason or judged.observed is None:
        return judged.reason
    return f"{quantity(judged.observed, judged.unit)} until now"


def _in_a_row(windows: int, over_s: float) -> str:
    """Return the text for the number of broken windows."""
    return f"in {windows} windows of {format_duration(over_s)} in a row, "
