"""Whether an objective with `abort: true` is proven broken while the run goes on.

What is in flight may yet turn out well, so it is taken for good. Everything is judged as the records will be once the
run is over, so that what is called broken fails the verdict on the same requests.

Every look at a growing sample could find by chance what is not there: a sample is looked at again only once it has
grown by a twentieth, and the j-th look has the share 1 / j(j + 1) of what is left of the confidence, so that all looks
together are as sure as asked (a union bound). No look is less sure than the verdict on the same requests, which shares
the confidence over the windows. A window is looked at once it is over, since only whole ones are judged.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

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
"""Fewer requests, such as the first that find a relay asleep, end no run by a share."""
_OF_RUN = ("breaker", "cost")
"""Metrics that are no matter of single requests, and known for certain at any instant."""


@dataclass(frozen=True, slots=True)
class Breach:
    """An objective that is proven broken, and how."""

    objective: Objective
    reason: str

    def __str__(self) -> str:
        return f"{self.objective.id}: {self.reason}"


class AbortMonitor:
    """Judges the objectives that may end a run whenever it is asked, by what is known of the run so far."""

    def __init__(self, objectives: Iterable[Objective]) -> None:
        """Those without `abort: true` are left out."""
        self._looks = [
            (_Sum if objective.metric in _OF_RUN else _Looks)(objective)
            for objective in objectives
            if objective.options.abort
        ]

    def breach(self, run: MergedSnapshot, now_s: float, in_flight: int = 0) -> Breach | None:
        """The first objective that is proven broken at that instant of the run, whatever comes of what is in flight."""
        indicators = Indicators(run, structs.replace(run.run, ended_at_s=now_s), in_flight=in_flight)
        for looks in self._looks:
            looks.notice(indicators)
        for counts in run.counts.indicators.values():
            counts.changed.clear()
        for looks in self._looks:
            if now_s >= looks.objective.options.abort_after_s and (reason := looks.reason(indicators)):
                return Breach(looks.objective, reason)
        return None


class _Looks:
    """What the looks at one objective have found, window by window; all is one window where it has none."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._while_it_grows = replace_options(objective.while_it_grows, strict=False, on_no_data=NoData.PASS, looks=1)
        self._touched: set[int] = set()
        self._seen_n: Counter[int] = Counter()
        """By window, how many requests there were at the last look."""
        self._looks = 0
        self._left: dict[int, float] = {}
        """By window that was found broken, what the look that did so left of the confidence."""

    def notice(self, indicators: Indicators) -> None:
        """Note which windows have changed."""
        counts = indicators.source.counts[self.objective]
        self._touched.update(position.window for position in counts.changed)

    def reason(self, indicators: Indicators) -> str | None:
        """How it is broken; None as long as that is not proven."""
        count = indicators.window_count(self.objective)
        over = {window for window in self._touched if window < count}
        if not over:
            return None
        pieces = [indicators] if self.objective.options.over_s is None else indicators.windows(self.objective)
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
        """Enough windows in a row that are broken by what is known now, each as surely as it was found."""
        wanted = self.objective.options.for_windows
        if len(self._left) < wanted:
            return None
        least = (1 - self.objective.options.confidence) / len(pieces)
        found: Mapping[int, str] = {
            window: reason
            for row in _rows(self._left)
            if len(row) >= wanted
            for window in row
            if (reason := self._found(pieces[window], 1 - min(self._left[window], least)))
        }
        row = next((row for row in _rows(found) if len(row) >= wanted), None)
        return f"{self._counted(row)}{found[row[-1]]}" if row else None

    def _counted(self, row: Sequence[int]) -> str:
        over_s = self.objective.options.over_s
        return "" if over_s is None else _in_a_row(len(row), over_s)

    def _found(self, piece: Indicators, confidence: float) -> str | None:
        """How that piece of the run is broken, at that confidence."""
        judged = judge_at_once(replace_options(self._while_it_grows, confidence=confidence), piece)
        return _until_now(judged) if judged.verdict is Status.FAIL else None


class _Sum:
    """An objective on breakers or costs, of which what has happened is certain."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._while_it_grows = replace_options(objective.while_it_grows, on_no_data=NoData.PASS)
        self._known: tuple[int, int] | None = None
        self._judged: ObjectiveResult | None = None

    def notice(self, indicators: Indicators) -> None:
        """Nothing here depends on which requests have changed."""

    def reason(self, indicators: Indicators) -> str | None:
        """How it is broken; None as long as it is not."""
        judged = self._latest(indicators)
        if judged.verdict is not Status.FAIL or judged.observed is None:
            return None
        in_windows = judged.windows
        if in_windows is None:
            return f"{quantity(judged.observed, judged.unit)} until now"
        worst = quantity(judged.observed, judged.unit)
        return f"{_in_a_row(in_windows.most_in_a_row, in_windows.over_s)}{worst} in the worst"

    def _latest(self, indicators: Indicators) -> ObjectiveResult:
        """Windows that are over change by new transitions alone."""
        if self.objective.options.over_s is None:
            return judge_objective(self._while_it_grows, indicators)
        known = len(indicators.source.transitions), indicators.window_count(self.objective)
        if self._judged is None or known != self._known:
            self._known, self._judged = known, judge_objective(self._while_it_grows, indicators)
        return self._judged


def _until_now(judged: ObjectiveResult) -> str:
    if judged.reason or judged.observed is None:
        return judged.reason
    return f"{quantity(judged.observed, judged.unit)} until now"


def _in_a_row(windows: int, over_s: float) -> str:
    """How many windows were broken."""
    return f"in {windows} windows of {format_duration(over_s)} in a row, "


def _rows(windows: Iterable[int]) -> list[list[int]]:
    """Numbers of windows that follow one another, taken together."""
    runs = groupby(enumerate(sorted(windows)), key=lambda pair: pair[1] - pair[0])
    return [[number for _, number in run] for _, run in runs]
