"""What was tallied for one objective, and what a look at it proves.

Every look at a growing sample could find by chance what is not there: a sample is looked at again only once it has
grown by a twentieth, and the j-th look has the share 1 / j(j + 1) of what is left of the confidence, so that all looks
together are as sure as asked (a union bound). No look is less sure than the verdict on the same requests, which shares
the confidence over the windows. A window is looked at once it is over, since only whole ones are judged.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from relayload.core.results.gaps import MOST_SLOTS, WINDOWED_SLOT_S
from relayload.core.results.slots import slot_width_s
from relayload.core.units import format_duration
from relayload.core.verdict.objective import Objective
from relayload.core.verdict.stats import BySlot, Deviations, Exceedance, beyond, mean_deviation
from relayload.core.verdict.tally import Slot, Tally
from relayload.core.verdict.wording import quantity, share

_GROWTH = 1.05
_LEAST_N = 20
"""Fewer requests, such as the first that find a relay asleep, end no run by a share."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known of the run as a whole when somebody looks."""

    now_s: float
    in_flight: int
    windows: int
    """How many of the objective are over; 1 where it is judged at once."""
    without: Mapping[str, set[str]]
    """By metric, the scenarios whose answers never have it."""


class Looks:
    """One objective and what was tallied for it, window by window."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._tallies: dict[int, dict[Slot, Tally]] = {}
        self._touched: set[int] = set()
        self._most_n: Counter[int] = Counter()
        """By window, how many there are if every scenario is asked for the metric."""
        self._seen_n: Counter[int] = Counter()
        """By window, how many there were at the last look."""
        self._looks = 0
        self._left: dict[int, float] = {}
        """Of the windows that were found broken, what the look that did so left of the confidence."""

    def add(self, tally: Tally) -> None:
        own = self._tallies.setdefault(tally.slot.window, {})
        known = own.get(tally.slot)
        own[tally.slot] = known.plus(tally) if known else tally
        self._touched.add(tally.slot.window)
        self._most_n[tally.slot.window] += tally.n + tally.unanswered

    def reason(self, moment: Moment) -> str | None:
        """How it is broken, whatever comes of what is in flight; None as long as that is not proven."""
        over = {window for window in self._touched if window < moment.windows}
        for window in sorted(over):
            self._look(window, moment)
        self._touched -= over
        return self._in_a_row(self._left, moment)

    def breach(self, moment: Moment) -> str | None:
        """How it is broken by what is known, as a single look finds; None where it is not."""
        return self._in_a_row(dict.fromkeys(self._tallies, 1.0), moment, final=True)

    def _look(self, window: int, moment: Moment) -> None:
        if self.objective.aggregate != "count":
            least = max(_LEAST_N, self._seen_n[window] * _GROWTH)
            n = self._size(window, moment) if self._most_n[window] >= least else 0
            if n < least:
                return
            self._seen_n[window] = n
        self._looks += 1
        left = (1 - self.objective.terms.confidence) / (self._looks * (self._looks + 1))
        if self._found(window, 1 - left, moment, final=False):
            self._left[window] = left
        else:
            self._left.pop(window, None)

    def _in_a_row(self, left: Mapping[int, float], moment: Moment, *, final: bool = False) -> str | None:
        """Enough windows in a row that are broken by what is known now, each as surely as it was found."""
        wanted = self.objective.terms.for_windows
        if len(left) < wanted:
            return None
        least = (1 - self.objective.terms.confidence) / max(1, moment.windows)
        found = {
            window: reason
            for row in _rows(window for window in left if window < moment.windows)
            if len(row) >= wanted
            for window in row
            if (reason := self._found(window, 1 - min(left[window], least), moment, final=final))
        }
        row = next((row for row in _rows(found) if len(row) >= wanted), None)
        return f"{self._counted(row)}{found[row[-1]]}" if row else None

    def _counted(self, row: Sequence[int]) -> str:
        over_s = self.objective.terms.over_s
        return "" if over_s is None else in_a_row(len(row), over_s)

    def _found(self, window: int, confidence: float, moment: Moment, *, final: bool) -> str | None:
        """How that window is broken at that confidence; in the end by what there is, without looking ahead."""
        objective = self.objective
        if objective.aggregate == "avg":
            return self._mean_beyond(window, confidence)
        by_second = self._by_second(window, moment)
        k, n = (sum(column) for column in zip(*by_second.values(), strict=True)) if by_second else (0, 0)
        if objective.aggregate == "count":
            return amount_beyond(objective, k, final=final) if n else None
        if not n or self._nobody_can_tell(window, moment):
            return None
        if final and self._is_compared(k, n):
            is_beyond = not objective.op.holds(k / n, objective.limit)
        elif final and objective.quantile in (0.0, 1.0):
            is_beyond = k == n if objective.budget else k > 0
        else:
            slots = list(self._wide(by_second, moment).values())
            is_beyond = self._is_proven(slots, k, n, 0 if final else self._still_good(window, n, moment), confidence)
        return self._share_beyond(k, n) if is_beyond else None

    def _is_compared(self, k: int, n: int) -> bool:
        """Whether its rate is no share, but a number: more retries than requests, or an equation."""
        many = self.objective.metric == "retries" and (k >= n or self.objective.limit >= 1)
        return many or (self.objective.quantile is None and not self.objective.bounds_what_is_bad)

    def _is_proven(self, by_slot: BySlot, k: int, n: int, still_good: int, confidence: float) -> bool:
        """Whether the share is beyond the budget, though all that is in flight turn out well."""
        budget, whole = self.objective.budget, n + still_good
        if self.objective.metric == "retries" and k >= whole:
            return budget < 1
        sized = Exceedance(k, n, n, lambda: by_slot).against(budget)
        return beyond(Exceedance(k, whole, max(1, sized.effective_n * whole // n)), budget, confidence)

    def _share_beyond(self, k: int, n: int) -> str:
        if k > n:  # retries alone can be so many
            return f"{k} of {n}, {share(self.objective.budget)} may"
        return f"{k} of {n} were beyond the limit, {share(self.objective.budget)} may"

    def _mean_beyond(self, window: int, confidence: float) -> str | None:
        seconds: dict[int, Deviations] = {}
        for slot, tally in self._tallies[window].items():
            total, n, squares = seconds.get(slot.second, Deviations())
            seconds[slot.second] = Deviations(total + tally.total, n + tally.n, squares + tally.squares)
        found = mean_deviation([seconds[second] for second in sorted(seconds)])
        if found is None or not found.beyond(self.objective.op, confidence):
            return None
        return f"{quantity(self.objective.limit + found.mean, self.objective.unit)} until now"

    def _size(self, window: int, moment: Moment) -> int:
        return sum(self._counts(slot, tally, moment)[1] for slot, tally in self._tallies[window].items())

    def _by_second(self, window: int, moment: Moment) -> dict[int, tuple[int, int]]:
        """Those beyond the limit and all requests of each second, in order of time."""
        seconds: dict[int, tuple[int, int]] = {}
        for slot, tally in sorted(self._tallies[window].items()):
            k, n = seconds.get(slot.second, (0, 0))
            bad, size = self._counts(slot, tally, moment)
            seconds[slot.second] = k + bad, n + size
        return seconds

    def _counts(self, slot: Slot, tally: Tally, moment: Moment) -> tuple[int, int]:
        """Those beyond the limit and all, of what is asked of the scenario."""
        conditions = self.objective.conditions
        if conditions:
            asked = (slot.scenario not in moment.without[condition.metric] for condition in conditions)
            unmet = any(is_asked and slot.unmet >> bit & 1 for bit, is_asked in enumerate(asked))
            return tally.n if unmet else tally.k, tally.n
        unanswered = 0 if slot.scenario in moment.without[self.objective.metric] else tally.unanswered
        return tally.k + unanswered, tally.n + unanswered

    def _nobody_can_tell(self, window: int, moment: Moment) -> bool:
        """Whether no scenario has answers with the metric of a condition."""
        scenarios = {slot.scenario for slot in self._tallies[window]}
        return any(scenarios <= moment.without[condition.metric] for condition in self.objective.conditions)

    def _still_good(self, window: int, n: int, moment: Moment) -> int:
        """What those in flight may bring at best; of gaps each twice as many as those had that have ended."""
        if self.objective.metric != "chunk_gap":
            return moment.in_flight
        ended = sum(tally.ok for tally in self._tallies[window].values())
        return math.ceil(2 * moment.in_flight * n / max(1, ended))

    def _wide(self, by_second: Mapping[int, tuple[int, int]], moment: Moment) -> Mapping[int, tuple[int, int]]:
        """Gaps in slots as wide as a recording would have them."""
        if self.objective.metric != "chunk_gap" or self.objective.terms.over_s is not None:
            return by_second
        times = round(slot_width_s(moment.now_s, MOST_SLOTS) / WINDOWED_SLOT_S)
        wide: dict[int, tuple[int, int]] = {}
        for second, (k, n) in by_second.items():
            before_k, before_n = wide.get(second // times, (0, 0))
            wide[second // times] = before_k + k, before_n + n
        return wide


def amount_beyond(objective: Objective, amount: float, *, final: bool) -> str | None:
    """A sum that only grows is proven to be beyond its limit as soon as it is."""
    is_beyond = not objective.op.holds(amount, objective.limit) if final else objective.passed_by(amount)
    return f"{quantity(amount, objective.unit)} until now" if is_beyond else None


def in_a_row(windows: int, over_s: float) -> str:
    """How many windows were broken."""
    return f"in {windows} windows of {format_duration(over_s)} in a row, "


def _rows(windows: Iterable[int]) -> list[list[int]]:
    """Numbers of windows that follow one another, taken together."""
    runs = groupby(enumerate(sorted(windows)), key=lambda pair: pair[1] - pair[0])
    return [[number for _, number in run] for _, run in runs]
