"""Whether an objective with `abort: true` is proven broken while the run goes on.

What is in flight may yet turn out well, so it is taken for good. Every look at a growing sample could find by chance
what is not there: a sample is looked at again only once it has grown by a twentieth, and the j-th look has the share
1 / j(j + 1) of what is left of the confidence, so that all looks together are as sure as asked (a union bound).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import NormalDist

from relayload.core.results.breakers import open_s, trips
from relayload.core.results.fold import Fold
from relayload.core.results.record import Transition
from relayload.core.results.run import RunInfo
from relayload.core.results.sample import batched_size
from relayload.core.units import format_duration
from relayload.core.verdict.evidence import Evidence
from relayload.core.verdict.objective import Objective, Op
from relayload.core.verdict.stats import Exceedance
from relayload.core.verdict.tally import Sighting, Slot, Tally
from relayload.core.verdict.wording import quantity, share

_GROWTH = 1.05
_LEAST_N = 20
"""Fewer requests, such as the first that find a relay asleep, end no run by a share."""
_LEAST_BATCHES, _MOST_BATCHES = 10, 40


@dataclass(frozen=True, slots=True)
class Broken:
    """An objective that is proven broken, and how."""

    objective: Objective
    reason: str

    def __str__(self) -> str:
        return f"{self.objective.id}: {self.reason}"


def watched(objectives: Iterable[Objective]) -> tuple[Objective, ...]:
    """Those that may end the run."""
    return tuple(objective for objective in objectives if objective.terms.abort)


class Watch:
    """Adds up what all processes see, and judges it whenever it is asked."""

    def __init__(self, objectives: Sequence[Objective], run: RunInfo) -> None:
        """`objectives` are the watched ones, in the order in which they are tallied."""
        self._run = run
        self._transitions: list[Transition] = []
        self._judges = [_Judge(objective) for objective in objectives]

    def add(self, sighting: Sighting) -> None:
        """What a process has seen since its last sighting."""
        self._transitions += sighting.transitions
        for tally in sighting.tallies:
            self._judges[tally.objective].add(tally)

    def broken(self, now_s: float, in_flight: int = 0) -> Broken | None:
        """The first objective that is proven broken at that instant of the run, whatever comes of what is in flight."""
        for judge in self._judges:
            if now_s >= judge.objective.terms.abort_after_s:
                reason = self._by_breakers(judge.objective, now_s) or judge.reason(in_flight)
                if reason:
                    return Broken(judge.objective, reason)
        return None

    def _by_breakers(self, objective: Objective, now_s: float) -> str | None:
        if objective.metric != "breaker":
            return None
        fold = Fold()
        fold.transitions = self._transitions
        evidence = Evidence(fold, self._run, 0)
        own, spans = evidence.breakers(objective), evidence.planned_spans(objective)
        if objective.aggregate == "open_time":
            amount = open_s(own, [(begins, min(ends, now_s)) for begins, ends in spans if begins < now_s])
        else:
            found = trips(change for breaker in own for change in breaker.changes)
            amount = float(sum(begins <= trip.at_s < ends for trip in found for begins, ends in spans))
        return _beyond(objective, amount)


class _Judge:
    """One objective and what was tallied for it."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._tallies: dict[int, dict[Slot, Tally]] = {}
        """By window."""
        self._touched: set[int] = set()
        self._seen_n: Counter[int] = Counter()
        """By window, how many there were at the last look."""
        self._looks = 0
        self._proven: dict[int, str] = {}

    def add(self, tally: Tally) -> None:
        own = self._tallies.setdefault(tally.slot.window, {})
        known = own.get(tally.slot)
        own[tally.slot] = known.plus(tally) if known else tally
        self._touched.add(tally.slot.window)

    def reason(self, in_flight: int) -> str | None:
        """How it is broken; None as long as that is not proven."""
        unasked = self._scenarios_without()
        for window in sorted(self._touched):
            tallies = [tally for slot, tally in self._tallies[window].items() if slot.scenario not in unasked]
            found = self._look(window, tallies, in_flight)
            if found:
                self._proven[window] = found
        self._touched.clear()
        return self._enough_in_a_row()

    def _scenarios_without(self) -> set[str]:
        """Those that are answered, but whose answers never have the metric."""
        ok, measured = Counter[str](), Counter[str]()
        for tallies in self._tallies.values():
            for slot, tally in tallies.items():
                ok[slot.scenario] += tally.ok
                measured[slot.scenario] += tally.measured
        return {scenario for scenario, count in ok.items() if count and not measured[scenario]}

    def _look(self, window: int, tallies: list[Tally], in_flight: int) -> str | None:
        objective = self.objective
        if objective.aggregate == "count":
            return _beyond(objective, sum(tally.k for tally in tallies))
        if objective.aggregate == "usd":
            return _beyond(objective, sum(tally.total for tally in tallies))
        n = sum(tally.n for tally in tallies)
        if n < max(_LEAST_N, self._seen_n[window] * _GROWTH):
            return None
        self._seen_n[window] = n
        self._looks += 1
        confidence = 1 - (1 - objective.terms.confidence) / (self._looks * (self._looks + 1))
        if objective.aggregate == "avg":
            return _mean_beyond(objective, tallies, confidence)
        return _share_beyond(objective, tallies, in_flight, confidence)

    def _enough_in_a_row(self) -> str | None:
        wanted, over_s = self.objective.terms.for_windows, self.objective.terms.over_s
        numbers = sorted(self._proven)
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
            row = [number for _, number in run]
            if len(row) >= wanted:
                windows = "" if over_s is None else f"in {len(row)} windows of {format_duration(over_s)} in a row, "
                return f"{windows}{self._proven[row[-1]]}"
        return None


def _beyond(objective: Objective, amount: float) -> str | None:
    """A sum that only grows is proven to be beyond its limit as soon as it is."""
    equal = objective.op is Op.EQUAL
    beyond = amount > objective.limit if equal else not objective.op.holds(amount, objective.limit)
    return f"{quantity(amount, objective.unit)} until now" if beyond else None


def _share_beyond(objective: Objective, tallies: list[Tally], in_flight: int, confidence: float) -> str | None:
    k, n = sum(tally.k for tally in tallies), sum(tally.n for tally in tallies)
    if not k:
        return None
    budget = _budget(objective)
    whole = n + _still_good(objective, tallies, in_flight)
    if k > whole:  # retries alone can be so many
        return f"{k} of {n}, {share(budget)} may" if budget < 1 else None
    independent = batched_size(_by_second(tallies))
    low, _ = Exceedance(k, whole, max(1, independent * whole // n)).bounds(confidence)
    return f"{k} of {n} were beyond the limit, {share(budget)} may" if low > budget else None


def _still_good(objective: Objective, tallies: list[Tally], in_flight: int) -> int:
    """What those in flight may bring at best; of gaps each twice as many as those had that have ended, to be sure."""
    if objective.metric != "chunk_gap":
        return in_flight
    ended, gaps = sum(tally.ok for tally in tallies), sum(tally.n for tally in tallies)
    return math.ceil(2 * in_flight * gaps / max(1, ended))


def _budget(objective: Objective) -> float:
    """The share that may be beyond the limit."""
    if objective.quantile is not None:
        return 1 - objective.quantile if objective.op.ceiling else objective.quantile
    return 1 - objective.limit if objective.op.floor else objective.limit


def _mean_beyond(objective: Objective, tallies: list[Tally], confidence: float) -> str | None:
    """The variance of the mean is that of the means of batches of seconds (Law & Kelton, ch. 9.5)."""
    n = sum(tally.measured for tally in tallies)
    mean = math.fsum(tally.total for tally in tallies) / max(1, n)
    batches = _batches(tallies, n)
    if len(batches) < _LEAST_BATCHES:
        return None
    between = math.fsum((total - mean * size) ** 2 for total, size in batches) * len(batches) / (len(batches) - 1)
    within = math.fsum(tally.squares for tally in tallies) - n * mean * mean
    error = math.sqrt(max(between, within, 0.0)) / n
    margin = NormalDist().inv_cdf((1 + confidence) / 2) * error
    best = mean - margin if objective.op.ceiling else mean + margin
    return None if objective.op.holds(best, objective.limit) else f"{quantity(mean, objective.unit)} until now"


def _batches(tallies: list[Tally], n: int) -> list[tuple[float, int]]:
    """Sums and sizes of seconds taken together, in order of time, some tens of about the same size."""
    batches = [(0.0, 0)]
    for tally in sorted(tallies, key=lambda tally: tally.slot.second):
        total, size = batches[-1]
        if size * _MOST_BATCHES >= n:
            batches.append((tally.total, tally.measured))
        else:
            batches[-1] = (total + tally.total, size + tally.measured)
    return [batch for batch in batches if batch[1]]


def _by_second(tallies: list[Tally]) -> list[tuple[int, int]]:
    """Those beyond the limit and all requests of each second, in order of time."""
    seconds: dict[int, tuple[int, int]] = {}
    for tally in tallies:
        k, n = seconds.get(tally.slot.second, (0, 0))
        seconds[tally.slot.second] = k + tally.k, n + tally.n
    return [seconds[second] for second in sorted(seconds)]
