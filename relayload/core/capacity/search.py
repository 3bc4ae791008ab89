"""The search for the highest level of load that meets the objectives: trials so far -> the next trial, or the answer.

1. *Bracket*: from a start, double while trials pass, or halve while they fail.
2. *Bisect* at the geometric mean until the highest level that passed and the lowest that did not are within the
   precision.
3. *Confirm* the highest level that passed, or a lower one that likely leaves enough of the budget for a proof, on fresh
   samples, in longer trials judged `strict`; while that fails, step down. Only a confirmation makes a level proven.
4. *Narrow*: spend the load that is left on one or two more such trials, where what is proven or refuted is far from the
   likeliest capacity.
5. *Control*: where a trial took longer than an earlier one at no less load, repeat an early one before answering. If it
   has become slower beyond chance, the relay is unsteady.

An undecided trial is repeated and judged together with those before it, four at most. What is still undecided then is
not shown to hold: the search goes on below, but the level is not refuted. A void trial is repeated once; a level at
which two were void is the generator's ceiling.

The function is pure and walks all trials each time, so a search that was interrupted goes on from its trials.
"""

import math
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from relayload.core.capacity.answer import Capacity, Kind, exit_code
from relayload.core.capacity.drift import LIKELY, drift, suspicious
from relayload.core.capacity.history import MOST_POOLED, History, Standing
from relayload.core.capacity.levels import Over
from relayload.core.capacity.terms import Terms
from relayload.core.capacity.trial import Decision, Purpose, Trial, Wanted
from relayload.core.units import format_duration

_PROVABLE = 0.5
"""The part of the budget that may be used for a level to be proven in a few confirmations."""
_MOST_STEPS = 8
"""Steps down from the highest level that passed: three by the precision, three by twice as much, and so on."""
_MOST_NARROWING = 2
"""Trials after the first proof."""
_CONTROLLED = (Kind.INTERVAL, Kind.NOT_CONVERGED)
"""Answers that a relay which grows slower would make wrong."""
_FAR, _NEAR = 4, 2
"""How many times the precision a level that is to be refuted lies above the likeliest capacity: at first, and then."""


def next_step(trials: Sequence[Trial], terms: Terms) -> Wanted | Capacity:
    """Return the next trial to run, or the answer. Trials that were stopped say nothing, but count for the caps."""
    search = _Search(History(trials, terms), terms)
    step = search.step() if terms.at_least is None else search.proof(terms.at_least)
    if isinstance(step, Wanted) and (reason := search.lacking(step)):
        step = unfinished(trials, terms, reason)
    return search.controlled(step) if isinstance(step, Capacity) else step


def unfinished(trials: Sequence[Trial], terms: Terms, reason: str) -> Capacity:
    """Return the answer of a search that ended first, for that reason."""
    history = History(trials, terms)
    so_far = f"; so far {held_back}" if (held_back := _held_back(history)) else ""
    return _answer(history, terms, Kind.NOT_CONVERGED, f"not converged: {reason}{so_far}")


class _Search:
    def __init__(self, history: History, terms: Terms) -> None:
        self._history = history
        self._terms = terms
        self._told = terms.over.told
        self._control = history.control() if terms.control and terms.at_least is None else None
        self._reserved = self._control if suspicious(history.trials, LIKELY) else None

    def step(self) -> Wanted | Capacity:
        terms, history = self._terms, self._history
        standings = history.standings(Purpose.SEARCH)
        for level, standing in standings.items():
            if standing is Standing.OPEN:
                return history.wanted(Purpose.SEARCH, level)
        low, high = history.bracket()
        if low is not None:
            following = self._between(low, high)
            return self._confirmed(low) if following is None else history.wanted(Purpose.SEARCH, following)
        if high is None:
            return history.wanted(Purpose.SEARCH, terms.clamped(terms.start))
        if high <= terms.lowest:
            return self._nothing(standings[high])
        return history.wanted(Purpose.SEARCH, terms.clamped(high / 2))

    def proof(self, level: float) -> Wanted | Capacity:
        """Prove or refute one level."""
        match self._history.standings(Purpose.CONFIRM).get(level, Standing.OPEN):
            case Standing.OPEN:
                return self._history.wanted(Purpose.CONFIRM, level)
            case Standing.PASS:
                return self._answer(Kind.AT_LEAST, f"at least {self._told(level)}: proven")
            case Standing.FAIL if self._history.refuted_above(0.0) is not None:
                return self._answer(Kind.BELOW, f"less than {self._told(level)}: refuted{self._why()}")
            case Standing.VOID:
                return self._answer(Kind.GENERATOR_BOUND, f"the generator was the bottleneck at {self._told(level)}")
            case _:
                return self._answer(Kind.NOT_CONVERGED, f"neither proven nor refuted: {self._told(level)}")

    def controlled(self, answer: Capacity) -> Wanted | Capacity:
        """Return the answer, unless the relay is unsteady, or a control is to tell whether it is."""
        last = self._history.trials[-1:]
        if answer.answer not in _CONTROLLED:
            return answer
        if last and last[0].purpose is Purpose.CONTROL and last[0].decision is not Decision.STOPPED:
            found = drift(last[0], self._history.trials, self._terms.over)
            return self._answer(Kind.UNSTEADY, f"unsteady: {found}") if found else answer
        control = self._control
        return answer if control is None or self.lacking(control) else control

    def lacking(self, wanted: Wanted) -> str | None:
        """Return which cap leaves too little for a trial, and a likely control after it; None if none does."""
        terms = self._terms
        after = None if wanted.purpose is Purpose.CONTROL else self._reserved
        if len(self._history.trials) + bool(after) >= terms.most_trials:
            return (
                "it has had its one trial" if terms.most_trials == 1 else f"it has had its {terms.most_trials} trials"
            )
        if wanted.for_s <= self._left_s(after):
            return None
        long, allowed = format_duration(wanted.for_s), format_duration(terms.most_load_s)
        return f"its next trial, of {long}, does not fit into the {allowed} of load: allow more by --max-load"

    def _left_s(self, after: Wanted | None) -> float:
        """Return the seconds of load that are left, if that trial is to come after the next one."""
        return self._terms.most_load_s - self._history.load_s - (after.for_s if after else 0.0)

    def _between(self, low: float, high: float | None) -> float | None:
        """Return the next level to search, above one that passed; None if the bracket is narrow enough."""
        terms = self._terms
        if high is None:
            return terms.clamped(2 * low) if low < terms.highest else None
        middle = terms.over.rounded(math.sqrt(low * high))
        return middle if not terms.close(low, high) and low < middle < high else None

    def _confirmed(self, low: float) -> Wanted | Capacity:
        """Confirm the highest level that passed, or one a little lower, stepping down while it can't be."""
        history, standings = self._history, self._history.standings(Purpose.CONFIRM)
        level = min(standings, default=min(low, self._with_margin()))
        match standings.get(level, Standing.OPEN):
            case Standing.OPEN:
                return history.wanted(Purpose.CONFIRM, level)
            case Standing.PASS:
                return self._proven(level)
            case Standing.VOID:
                return self._answer(
                    Kind.GENERATOR_BOUND,
                    f"generator-bound: the generator was the bottleneck when {self._told(level)} was confirmed",
                )
        if (higher := history.passed_before()) is not None:
            return self._answer(
                Kind.UNSTEADY, f"unsteady: {self._told(higher)} passed, and later even {self._told(level)} failed"
            )
        following = self._below(level, len(standings))
        if following >= self._terms.lowest and len(standings) < _MOST_STEPS:
            return history.wanted(Purpose.CONFIRM, following)
        if history.quota() is not None:
            return self._answer(Kind.QUOTA, _held_back(history))
        return self._answer(
            Kind.NOT_CONVERGED, f"not converged: nothing from {self._told(low)} down could be confirmed"
        )

    def _below(self, level: float, steps: int) -> float:
        """Return the next level to confirm, below one that could not be, after so many."""
        terms = self._terms
        following = terms.over.below(level, (1 + terms.precision) ** (1 + (steps - 1) // 3))
        last = self._history.sound(Purpose.CONFIRM, level)[-1]
        if last.quota_bound and last.ceiling is not None and last.users is None:
            return min(following, terms.over.rounded(last.ceiling.per_s))
        return min(following, self._with_margin())

    def _with_margin(self) -> float:
        """Return the level that likely leaves enough of the budget for a proof; infinite where that is not known."""
        found = self._history.estimate(_PROVABLE)
        return math.inf if found is None else max(found, self._terms.lowest)

    def _proven(self, level: float) -> Wanted | Capacity:
        low, high = self._history.bracket()
        if high is None and low == level:
            return self._answer(Kind.AT_LEAST, f"at least {self._told(level)}, the most allowed")
        if high is not None and low == level and self._history.standings(Purpose.SEARCH)[high] is Standing.VOID:
            proven = f"proven up to {self._told(level)}"
            reason = f"generator-bound: {proven}, and the generator can't keep up with {self._told(high)}"
            return self._answer(Kind.GENERATOR_BOUND, reason)
        if self._history.quota() is not None:
            return self._answer(Kind.QUOTA, _held_back(self._history))
        return self._narrowing() or self._interval()

    def _narrowing(self) -> Wanted | None:
        """Return a trial that brings what is proven or refuted nearer to the likeliest capacity, if that is far."""
        terms, history = self._terms, self._history
        proven = history.proven()
        assert proven is not None
        first = min(trial.number for trial in history.trials if trial.purpose is Purpose.CONFIRM and trial.proven)
        spent = sum(trial.number > first and trial.purpose is Purpose.CONFIRM for trial in history.trials)
        likeliest = max(history.estimate() or proven, proven)
        wanted = self._refutation(likeliest, history.refuted_above(proven), first=not spent)
        if wanted is None and likeliest > terms.over.above(proven, (1 + terms.precision) ** _NEAR):
            wanted = history.wanted(Purpose.CONFIRM, terms.over.rounded(math.sqrt(proven * likeliest)))
        if wanted is None or spent >= _MOST_NARROWING or wanted.again or wanted.pooled_with or self.lacking(wanted):
            return None
        return wanted

    def _refutation(self, likeliest: float, refuted: float | None, *, first: bool) -> Wanted | None:
        """Return a trial above the likeliest capacity, if what is refuted is far from it.

        It may last as long as the load that is left, since an objective that is proven broken ends it. Where little is
        known of what lies above, the first one is further away, where it takes less.
        """
        terms, history = self._terms, self._history
        far, near = (terms.over.above(likeliest, (1 + terms.precision) ** times) for times in (_FAR, _NEAR))
        level = min(far, terms.highest) if first and (refuted is None or not terms.close(far, refuted)) else near
        if level > terms.highest or (refuted is not None and terms.close(level, refuted)):
            return None
        wanted = history.wanted(Purpose.CONFIRM, level)
        left_s = min(self._left_s(self._control), MOST_POOLED * wanted.for_s)
        return replace(wanted, measured_s=max(wanted.measured_s, float(int(left_s - wanted.warmup_s))))

    def _interval(self) -> Capacity:
        proven = self._history.proven()
        assert proven is not None
        refuted = self._history.refuted_above(proven)
        if refuted is None:
            return self._answer(
                Kind.NOT_CONVERGED, f"not converged: proven up to {self._told(proven)}, and nothing higher refuted"
            )
        between = f"between {self._told(proven)}, proven, and {self._told(refuted)}, refuted"
        return self._answer(Kind.INTERVAL, f"{between}{self._why()}")

    def _nothing(self, standing: Standing) -> Capacity:
        lowest = f"{self._told(self._terms.lowest)}, the least allowed"
        if standing is Standing.VOID:
            return self._answer(Kind.GENERATOR_BOUND, f"generator-bound: it was the bottleneck even at {lowest}")
        if standing is not Standing.FAIL or self._history.refuted_above(0.0) is None:
            return self._answer(Kind.NOT_CONVERGED, f"not converged: {lowest}, could not be shown")
        broken = self._history.broken()
        why = self._why() or (f": {broken.objective}" if broken else "")
        return self._answer(Kind.NONE, f"none: {lowest}, failed{why}")

    def _why(self) -> str:
        """Return what held back the levels that failed, as the end of a reason; empty if nothing in particular did."""
        return f": {held_back}" if (held_back := _held_back(self._history)) else ""

    def _answer(self, kind: Kind, reason: str) -> Capacity:
        return _answer(self._history, self._terms, kind, reason)


def _answer(history: History, terms: Terms, kind: Kind, reason: str) -> Capacity:
    proven = history.proven()
    refuted = history.refuted_above(proven or 0.0)
    costs = [trial.usd for trial in history.trials]
    return Capacity(
        answer=kind,
        reason=reason,
        exit_code=exit_code(kind, refuted=refuted is not None),
        over=terms.over,
        **_found(terms.over, proven, refuted, history.estimate()),
        binding=history.binding(refuted),
        ceiling=history.quota(),
        queue=history.queue(),
        precision=terms.precision,
        load_s=history.load_s,
        requests=sum(trial.offered for trial in history.trials),
        usd=None if not costs or None in costs else sum(filter(None, costs)),
        trials=tuple(history.trials),
    )


def _found(over: Over, proven: float | None, refuted: float | None, estimate: float | None) -> dict[str, Any]:
    """Return what was found by the names of its fields."""
    if over is Over.RATE:
        return {"proven_per_s": proven, "refuted_per_s": refuted, "estimate_per_s": estimate}
    pairs = (("proven_users", proven), ("refuted_users", refuted), ("estimate_users", estimate))
    return {name: None if level is None else int(level) for name, level in pairs}


def _held_back(history: History) -> str:
    """Return what held back the levels that failed, other than the time that requests take; empty if nothing did."""
    if (quota := history.quota()) is not None:
        return f"quota, not capacity: 429s hold everything above {quota} back"
    return "" if (queue := history.queue()) is None else str(queue)
