"""Decides whether an objective with `abort: true` is proven broken while the run goes on.

Requests in flight may yet turn out well, so they count as good. Everything is judged as the records will be once the
run is over, so that what is called broken fails the verdict on the same requests.

Every look at a growing sample could be a false alarm. A share or a mean is looked at with 375 requests, and then with
750, 1,500, 3,000 and so on. A tenth of the error probability 1 - confidence is left for early looks, which find only
that most of the requests are bad (with errors already from 94 requests on); the j-th of the others gets the part
j / 2^(j + 1) of the rest, so that all together reach the confidence (a union bound). Neighbouring requests are
correlated in ways that a short sample can't show, so few looks with many requests find more than many looks with few.
docs/objectives.md has simulations of runs at their limit, and of better ones. A look that finds an objective broken
asks the verdict, too, which allows for longer correlations than a look at a small error probability can.

A window is looked at once it is over, with the confidence of the verdict, which shares it over the windows. One in
which nothing was due does not end a row of broken ones; that is certain once nothing is in flight after it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from msgspec import structs

from relayload.core.model.objective_options import NoData, TooFew
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.error_budget import FAILURES
from relayload.core.objectives.evaluate import fails_as_recorded, judge_at_once, judge_objective
from relayload.core.objectives.formatting import quantity
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective, replace_options
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.units import format_duration

_FIRST_N = 750
_EARLY_N = (375,)
_EARLY_N_OF_FAILURES = (94, 188, 375)
_EARLY_PART = 0.1
"""The part of the error probability for early looks."""
_MOST = 0.4
"""The share of bad requests that an early look must find."""
_LEAST_N_IN_A_WINDOW = 20
_GROWTH = 1.05
"""A window is judged again only once late answers have made it this much larger."""
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
        self._looks = [_looks_at(objective) for objective in objectives if objective.options.abort]
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


class _Look(NamedTuple):
    """One look at a growing sample."""

    n: int
    """The number of requests that it waits for."""
    error: float
    """The probability of a false alarm that it may have."""
    early: bool


def _schedule(objective: Objective) -> Iterator[_Look]:
    """Yield all looks at an objective without windows, in order."""
    error = 1 - objective.options.confidence
    early = _EARLY_N_OF_FAILURES if objective.metric in FAILURES else _EARLY_N
    for n in early:
        yield _Look(n, error * _EARLY_PART / len(_EARLY_N_OF_FAILURES), True)
    for j in count(1):
        yield _Look(_FIRST_N << (j - 1), error * (1 - _EARLY_PART) * j / 2 ** (j + 1), False)


class _Looks:
    """The looks at one objective on all requests so far."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._while_it_grows = _while_it_grows(objective)
        self._schedule = _schedule(objective)
        self._next = next(self._schedule)

    def notice(self, indicators: Indicators) -> None:
        """Do nothing: the number of requests tells when to look."""

    def reason(self, indicators: Indicators) -> str | None:
        """Return how it is broken; None until that is proven."""
        if self.objective.aggregate == "count" or self.objective.quantile in (0.0, 1.0):
            return _until_now(self._judged(indicators, self.objective.options.confidence))
        if indicators.source.counts[self.objective].most_n[0] < self._next.n:
            return None
        n = sum(slot.n for slot in indicators.slots(self.objective))
        if n < self._next.n:
            return None
        look = self._next
        while self._next.n <= n:
            look, self._next = self._next, next(self._schedule)
        bad = indicators.bad(self.objective).at_least
        if look.early and bad.k < _MOST * bad.n:
            return None
        reason = _until_now(self._judged(indicators, 1 - look.error))
        return reason if reason and fails_as_recorded(self.objective, indicators) else None

    def _judged(self, indicators: Indicators, confidence: float) -> ObjectiveResult:
        return judge_at_once(replace_options(self._while_it_grows, confidence=confidence), indicators)


class _WindowLooks:
    """The results of the looks at one objective window by window."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._while_it_grows = _while_it_grows(objective)
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
        pieces = indicators.windows(self.objective)
        if not pieces:
            return None
        for window in sorted(over):
            self._look(window, pieces[window])
        self._touched -= over
        return self._in_a_row(pieces)

    def _look(self, window: int, piece: Indicators) -> None:
        if self.objective.aggregate != "count":
            least = max(_LEAST_N_IN_A_WINDOW, self._seen_n[window] * _GROWTH)
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
        assert self.objective.options.over_s is not None
        return _in_a_row(len(row), self.objective.options.over_s)

    def _found(self, piece: Indicators, confidence: float) -> str | None:
        """Return how that piece of the run is broken, at that confidence; None if it is not."""
        judged = judge_at_once(replace_options(self._while_it_grows, confidence=confidence), piece)
        return _until_now(judged)


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


def _while_it_grows(objective: Objective) -> Objective:
    """Return the objective as a sample that grows is judged by it: that it is small yet proves nothing."""
    return replace_options(
        objective.while_it_grows,
        strict=False,
        on_no_data=NoData.PASS,
        on_too_few=TooFew.INCONCLUSIVE,
        looks=1,
    )


def _looks_at(objective: Objective) -> "_Sum | _Looks | _WindowLooks":
    if objective.metric in _OF_RUN:
        return _Sum(objective)
    return _Looks(objective) if objective.options.over_s is None else _WindowLooks(objective)


def _until_now(judged: ObjectiveResult) -> str | None:
    """Return how it is broken so far; None if it is not."""
    if judged.verdict is not Status.FAIL:
        return None
    if judged.reason or judged.observed is None:
        return judged.reason
    return f"{quantity(judged.observed, judged.unit)} until now"


def _in_a_row(windows: int, over_s: float) -> str:
    """Return the text for the number of broken windows."""
    return f"in {windows} windows of {format_duration(over_s)} in a row, "
