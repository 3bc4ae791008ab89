"""The search for the highest rate that meets the objectives: trials so far -> the next trial, or the answer.

1. *Bracket*: from a start, double while trials pass, or halve while they fail.
2. *Bisect* at the geometric mean until the highest rate that passed and the lowest that did not are within the
   precision.
3. *Confirm* the highest rate that passed on fresh samples, in longer trials judged `strict`; while that fails, step
   down. Only a confirmation makes a rate proven.
4. *Refute*: if the lowest rate that was refuted is far above, one more such trial a little above the likeliest
   capacity.

An undecided trial is repeated and judged together with those before it, four at most. What is still undecided then is
not shown to hold: the search goes on below, but the rate is not refuted. A void trial is repeated once; a rate at which
two were void is the generator's ceiling.

The function is pure and walks all trials each time, so a search that was interrupted goes on from its trials.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto

from msgspec import Struct

from relayload.core.capacity.answer import Capacity, Kind, exit_code
from relayload.core.capacity.ceiling import Ceiling
from relayload.core.capacity.estimate import Level, crossing
from relayload.core.capacity.lengths import Lengths
from relayload.core.capacity.trial import Decision, Purpose, Trial, Wanted
from relayload.core.units import format_duration

MOST_POOLED = 4
_MOST_POOLED_IN_SEARCH = 2
_PROMISING = 0.35
"""The part of a budget up to which more samples are likely to prove that it is kept."""
_MOST_VOID = 2
_MOST_STEPS = 8
"""Steps down from the highest rate that passed: three by the precision, three by twice as much, and so on."""
_LOWEST = 3
"""So many of the lowest rates that failed say why the search ends there."""
_UNSTEADY, _OFTEN = 1.1, 2
"""A rate that passed, and later so many lower by this factor refuted, is no matter of precision or chance."""


class Terms(Struct, frozen=True, kw_only=True):
    """What the search may do, and how finely it looks."""

    start_per_s: float
    min_per_s: float
    max_per_s: float
    precision: float = 0.05
    at_least_per_s: float | None = None
    """Prove or refute this rate alone."""
    lengths: Lengths = Lengths()
    most_trials: int = 40
    most_load_s: float = math.inf
    """The most seconds of load over all trials."""


class _Standing(Enum):
    OPEN = auto()
    PASS = auto()
    FAIL = auto()
    UNSHOWN = auto()
    VOID = auto()


_Levels = Mapping[float, _Standing]


def next_step(trials: Sequence[Trial], terms: Terms) -> Wanted | Capacity:
    """Return the next trial to run, or the answer. Trials that were stopped say nothing, but count for the caps."""
    search = _Search(trials, terms)
    step = search.step() if terms.at_least_per_s is None else search.proof(terms.at_least_per_s)
    if isinstance(step, Capacity):
        return step
    if len(trials) >= terms.most_trials:
        return unfinished(trials, terms, f"it has had its {terms.most_trials} trials")
    if sum(trial.load_s for trial in trials) + step.for_s > terms.most_load_s:
        return unfinished(trials, terms, f"it has had its {format_duration(terms.most_load_s)} of load")
    return step


def unfinished(trials: Sequence[Trial], terms: Terms, reason: str) -> Capacity:
    """Return the answer of a search that ended first, for that reason."""
    search = _Search(trials, terms)
    quota = search.quota()
    so_far = "" if quota is None else f"; so far {_quota_reason(quota)}"
    return search.answer(Kind.NOT_CONVERGED, f"not converged: {reason}{so_far}")


def pool(trials: Sequence[Trial], wanted: Wanted) -> tuple[int, ...]:
    """Return the numbers of the trials that a wanted one is judged together with."""
    return tuple(trial.number for trial in _Search(trials, None).sound(wanted.purpose, wanted.rate_per_s))


def base_latency_s(trials: Sequence[Trial]) -> float:
    """Return the lowest p50 latency of a trial that did not fail, in seconds: that of the relay without a queue.

    0 without any: what an overloaded relay takes says nothing of how long a trial must be.
    """
    latencies = (trial.latency_p50_s for trial in trials if trial.decision is not Decision.FAIL)
    return min((latency_s for latency_s in latencies if latency_s is not None), default=0.0)


class _Search:
    def __init__(self, trials: Sequence[Trial], terms: Terms | None) -> None:
        self._trials = trials
        self._terms = terms
        self._base_s = base_latency_s(trials)

    @property
    def terms(self) -> Terms:
        assert self._terms is not None
        return self._terms

    def step(self) -> Wanted | Capacity:
        terms, levels = self.terms, self._levels(Purpose.SEARCH)
        for rate_per_s, standing in levels.items():
            if standing is _Standing.OPEN:
                return self._wanted(Purpose.SEARCH, rate_per_s)
        low, high = self._bracket(levels)
        if low is None and high is None:
            return self._wanted(Purpose.SEARCH, _clamped(terms.start_per_s, terms))
        if low is None:
            assert high is not None
            if high <= terms.min_per_s:
                return self._nothing(levels[high])
            return self._wanted(Purpose.SEARCH, max(rounded(high / 2), terms.min_per_s))
        if high is None and low < terms.max_per_s:
            return self._wanted(Purpose.SEARCH, min(rounded(2 * low), terms.max_per_s))
        if high is not None and high > low * (1 + terms.precision):
            middle = rounded(math.sqrt(low * high))
            if low < middle < high:
                return self._wanted(Purpose.SEARCH, middle)
        return self._confirmed(low)

    def proof(self, rate_per_s: float) -> Wanted | Capacity:
        """Prove or refute one rate."""
        match self._levels(Purpose.CONFIRM).get(rate_per_s, _Standing.OPEN):
            case _Standing.OPEN:
                return self._wanted(Purpose.CONFIRM, rate_per_s)
            case _Standing.PASS:
                return self.answer(Kind.AT_LEAST, f"at least {_rate(rate_per_s)}: proven")
            case _Standing.FAIL if self._refuted_above(0.0) is not None:
                return self.answer(Kind.BELOW, f"less than {_rate(rate_per_s)}: refuted")
            case _Standing.VOID:
                return self.answer(Kind.GENERATOR_BOUND, f"the generator was the bottleneck at {_rate(rate_per_s)}")
            case _:
                return self.answer(Kind.NOT_CONVERGED, f"{_rate(rate_per_s)} is neither proven nor refuted")

    def answer(self, kind: Kind, reason: str) -> Capacity:
        trials = self._trials
        proven = max(self._at(Purpose.CONFIRM, _Standing.PASS), default=None)
        refuted = self._refuted_above(proven or 0.0)
        costs = [trial.usd for trial in trials]
        return Capacity(
            answer=kind,
            reason=reason,
            exit_code=exit_code(kind, refuted=refuted is not None),
            proven_per_s=proven,
            refuted_per_s=refuted,
            estimate_per_s=self._estimate(),
            binding=next((trial.binding for trial in self._telling(proven, refuted) if trial.binding), None),
            ceiling=self.quota(),
            precision=self.terms.precision,
            load_s=sum(trial.load_s for trial in trials),
            requests=sum(trial.offered for trial in trials),
            usd=None if not costs or None in costs else sum(filter(None, costs)),
            trials=tuple(trials),
        )

    def sound(self, purpose: Purpose, rate_per_s: float) -> list[Trial]:
        """Return the trials at that rate that count, in order."""
        return [
            trial
            for trial in self._trials
            if (trial.purpose, trial.rate_per_s) == (purpose, rate_per_s)
            and trial.decision not in (Decision.VOID, Decision.STOPPED)
            and not self._too_short(trial)
        ]

    def quota(self) -> Ceiling | None:
        """Return the ceiling if 429s alone fail the lowest rates.

        One that tells its window comes before one that doesn't, and of these the highest: it is nearest to full.
        """
        failing = list(self._failing())
        if not all(trial.quota_bound for trial in failing[:_LOWEST]):
            return None
        found = [trial.ceiling for trial in failing if trial.ceiling is not None]
        return max(found, key=lambda ceiling: (ceiling.requests is not None, ceiling.per_s), default=None)

    def _confirmed(self, low: float) -> Wanted | Capacity:
        """Confirm the highest rate that passed, stepping down while it can't be."""
        levels = self._levels(Purpose.CONFIRM)
        for rate_per_s in self._steps_down(low):
            match levels.get(rate_per_s, _Standing.OPEN):
                case _Standing.OPEN:
                    return self._wanted(Purpose.CONFIRM, rate_per_s)
                case _Standing.PASS:
                    return self._proven(rate_per_s)
                case _Standing.VOID:
                    return self.answer(
                        Kind.GENERATOR_BOUND,
                        f"generator-bound: the generator was the bottleneck when {_rate(rate_per_s)} was confirmed",
                    )
                case _ if (higher := self._passed_before(rate_per_s)) is not None:
                    return self.answer(
                        Kind.UNSTEADY,
                        f"unsteady: {_rate(higher)} passed, and later even {_rate(rate_per_s)} was refuted",
                    )
        if (quota := self.quota()) is not None:
            return self.answer(Kind.QUOTA, _quota_reason(quota))
        return self.answer(Kind.NOT_CONVERGED, f"not converged: no rate down from {_rate(low)} could be confirmed")

    def _proven(self, rate_per_s: float) -> Wanted | Capacity:
        low, high = self._bracket(self._levels(Purpose.SEARCH))
        refuted = self._refuted_above(rate_per_s)
        if high is None and low == rate_per_s:
            return self.answer(Kind.AT_LEAST, f"at least {_rate(rate_per_s)}, the highest rate allowed")
        if high is not None and low == rate_per_s and self._levels(Purpose.SEARCH)[high] is _Standing.VOID:
            return self.answer(
                Kind.GENERATOR_BOUND,
                f"generator-bound: {_rate(rate_per_s)} is proven, and {_rate(high)} is more than the generator sends",
            )
        if (quota := self.quota()) is not None:
            return self.answer(Kind.QUOTA, _quota_reason(quota))
        if (refutation := self._refutation(rate_per_s, refuted)) is not None:
            return refutation
        rate_per_s = max(self._at(Purpose.CONFIRM, _Standing.PASS))
        refuted = self._refuted_above(rate_per_s)
        if refuted is None:
            return self.answer(
                Kind.NOT_CONVERGED, f"not converged: {_rate(rate_per_s)} is proven, and no higher rate refuted"
            )
        return self.answer(Kind.INTERVAL, f"between {_rate(rate_per_s)}, proven, and {_rate(refuted)}, refuted")

    def _refutation(self, proven: float, refuted: float | None) -> Wanted | None:
        """Return one trial above a proven rate, near the likeliest capacity, if what is refuted is far from it."""
        terms, trials = self.terms, self._trials
        estimate = self._estimate()
        since = [trial.purpose for trial in trials if trial.number > self.sound(Purpose.CONFIRM, proven)[-1].number]
        if estimate is None or since:
            return None
        rate_per_s = rounded(max(estimate, proven) * (1 + terms.precision) ** 2)
        if rate_per_s > terms.max_per_s or (refuted or math.inf) <= rate_per_s * (1 + terms.precision):
            return None
        wanted = self._wanted(Purpose.CONFIRM, rate_per_s)
        left_s = terms.most_load_s - sum(trial.load_s for trial in trials)
        return wanted if len(trials) < terms.most_trials and wanted.for_s <= left_s else None

    def _nothing(self, standing: _Standing) -> Capacity:
        lowest = _rate(self.terms.min_per_s)
        if standing is _Standing.VOID:
            return self.answer(Kind.GENERATOR_BOUND, f"generator-bound: it was the bottleneck even at {lowest}")
        broken = next((trial.binding for trial in self._failing() if trial.binding), None)
        why = f": {broken.objective}" if broken else ""
        if (quota := self.quota()) is not None:
            why = f": {_quota_reason(quota)}"
        if standing is _Standing.FAIL and self._refuted_above(0.0) is not None:
            return self.answer(Kind.NONE, f"none: {lowest}, the lowest rate allowed, fails{why}")
        return self.answer(Kind.NOT_CONVERGED, f"not converged: {lowest}, the lowest rate allowed, could not be shown")

    def _estimate(self) -> float | None:
        """Return the likeliest capacity by all trials; None unless there are some on both sides of it.

        Among rates that were confirmed, short trials that passed are left out: they begin without a queue and flatter.
        """
        confirmed = [trial.rate_per_s for trial in self._trials if trial.purpose is Purpose.CONFIRM]
        rates = {
            (trial.purpose, trial.rate_per_s)
            for trial in self._trials
            if trial.purpose is Purpose.CONFIRM
            or trial.decision is Decision.FAIL
            or not min(confirmed, default=math.inf) <= trial.rate_per_s <= max(confirmed, default=0.0)
        }
        pools = [sound for key in sorted(rates) if (sound := self.sound(*key))]
        found = crossing(
            Level(
                each[-1].rate_per_s,
                math.inf if each[-1].used is None and each[-1].decision is Decision.FAIL else each[-1].used or 0.0,
                sum(trial.offered for trial in each),
            )
            for each in pools
        )
        return None if found is None else rounded(found)

    def _failing(self) -> Iterator[Trial]:
        """Yield the trials that failed, from the lowest rate up."""
        failed = (trial for trial in self._trials if trial.decision is Decision.FAIL)
        yield from sorted(failed, key=lambda trial: trial.rate_per_s)

    def _telling(self, proven: float | None, refuted: float | None) -> Iterator[Trial]:
        """Yield the trials that tell what binds, the best first: the lowest that was refuted, then the last proven."""
        yield from (trial for trial in self._failing() if trial.refuted and trial.rate_per_s == refuted)
        yield from (trial for trial in reversed(self._trials) if trial.rate_per_s == proven)
        yield from self._failing()

    def _bracket(self, levels: _Levels) -> tuple[float | None, float | None]:
        """Return the highest rate that passed below all that did not, and the lowest that did not."""
        high = min((rate for rate, standing in levels.items() if standing is not _Standing.PASS), default=None)
        passed = [rate for rate, standing in levels.items() if standing is _Standing.PASS]
        return max((rate for rate in passed if high is None or rate < high), default=None), high

    def _refuted_above(self, rate_per_s: float) -> float | None:
        refuted = (trial.rate_per_s for trial in self._trials if trial.refuted and trial.rate_per_s > rate_per_s)
        return min(refuted, default=None)

    def _passed_before(self, rate_per_s: float) -> float | None:
        """Return a rate that passed, well above two that were refuted later; None without any, or under a quota."""
        if self.quota() is not None:
            return None
        refuted = [
            trial.rate_per_s
            for trial in self._trials
            if trial.purpose is Purpose.CONFIRM and trial.refuted and trial.rate_per_s >= rate_per_s
        ]
        if len(refuted) < _OFTEN:
            return None
        passed = self._at(Purpose.SEARCH, _Standing.PASS)
        return max((rate for rate in passed if rate >= _UNSTEADY * sorted(refuted)[_OFTEN - 1]), default=None)

    def _at(self, purpose: Purpose, standing: _Standing) -> Iterator[float]:
        return (rate for rate, found in self._levels(purpose).items() if found is standing)

    def _levels(self, purpose: Purpose) -> dict[float, _Standing]:
        rates = dict.fromkeys(trial.rate_per_s for trial in self._trials if trial.purpose is purpose)
        return {rate: self._standing(purpose, rate) for rate in rates}

    def _standing(self, purpose: Purpose, rate_per_s: float) -> _Standing:
        sound = self.sound(purpose, rate_per_s)
        void = sum(
            trial.decision is Decision.VOID
            for trial in self._trials
            if (trial.purpose, trial.rate_per_s) == (purpose, rate_per_s)
        )
        if void >= _MOST_VOID:
            return _Standing.VOID
        if not sound:
            return _Standing.OPEN
        match sound[-1].decision:
            case Decision.PASS:
                return _Standing.PASS
            case Decision.FAIL:
                return _Standing.FAIL
        return _Standing.OPEN if _worth_another(sound) else _Standing.UNSHOWN

    def _too_short(self, trial: Trial) -> bool:
        """Return whether a trial passed that had too short a warm-up, since nothing was known of the latency yet."""
        if self._terms is None or trial.decision is Decision.FAIL:
            return False
        return trial.warmup_s < self._terms.lengths.warmup_for_s(self._base_s)

    def _steps_down(self, low: float) -> Iterator[float]:
        rate_per_s = low
        for step in range(_MOST_STEPS):
            yield rate_per_s
            tried = self.sound(Purpose.CONFIRM, rate_per_s)
            rate_per_s = rounded(rate_per_s / (1 + self.terms.precision) ** (1 + step // 3))
            if tried and tried[-1].quota_bound and tried[-1].ceiling is not None:
                rate_per_s = min(rate_per_s, rounded(tried[-1].ceiling.per_s))
            if rate_per_s < self.terms.min_per_s:
                return

    def _wanted(self, purpose: Purpose, rate_per_s: float) -> Wanted:
        return self.terms.lengths.wanted(purpose, rate_per_s, self._base_s)


def _worth_another(undecided: Sequence[Trial]) -> bool:
    """Return whether one more trial may decide those so far.

    A confirmation near its limit would take too many to be proven; a search only needs to know where to go on.
    """
    if undecided[-1].purpose is Purpose.SEARCH:
        return len(undecided) < _MOST_POOLED_IN_SEARCH
    return len(undecided) < MOST_POOLED and (undecided[-1].used or 0.0) <= _PROMISING


def rounded(rate_per_s: float) -> float:
    """Return the rate to four digits, as trials are asked for it."""
    return float(f"{rate_per_s:.4g}")


def _quota_reason(ceiling: Ceiling) -> str:
    return f"quota, not capacity: 429s hold everything above {ceiling} back"


def _clamped(rate_per_s: float, terms: Terms) -> float:
    return min(max(rounded(rate_per_s), terms.min_per_s), terms.max_per_s)


def _rate(rate_per_s: float) -> str:
    return f"{rate_per_s:g}/s"
