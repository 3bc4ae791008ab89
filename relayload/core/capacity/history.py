"""What the trials so far say: which levels passed, failed or were proven, and what held the others back."""

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto

from msgspec.structs import replace

from relayload.core.capacity.ceiling import Ceiling
from relayload.core.capacity.drift import comparable, suspicious
from relayload.core.capacity.estimate import Level, crossing
from relayload.core.capacity.full_queue import FullQueue
from relayload.core.capacity.levels import Over
from relayload.core.capacity.proof import provable
from relayload.core.capacity.terms import Terms
from relayload.core.capacity.trial import Binding, Decision, Purpose, Trial, Wanted
from relayload.core.units import format_duration

MOST_POOLED = 4
_MOST_POOLED_IN_SEARCH = 2
_MOST_VOID = 2
_LOWEST = 3
"""So many of the lowest levels that failed say why the search ends there."""
_UNSTEADY, _OFTEN = 1.2, 2
"""A level that passed, and later so many failed that are lower by this factor, is no matter of precision or chance."""
_AGAIN: Mapping[Decision, str] = {
    Decision.UNDECIDED: "it was undecided",
    Decision.VOID: "the generator was the bottleneck",
    Decision.STOPPED: "it was stopped",
}


class Standing(Enum):
    """What the trials at a level come to."""

    OPEN = auto()
    """There are to be more."""
    PASS = auto()
    FAIL = auto()
    UNSHOWN = auto()
    """They stay undecided: it is not shown to hold, and not refuted."""
    VOID = auto()
    """The generator can't send it."""


Standings = Mapping[float, Standing]
"""The standings by level, in the order in which they were tried."""


class History:
    """The trials of a search."""

    def __init__(self, trials: Sequence[Trial], terms: Terms) -> None:
        self.trials = trials
        self._terms = terms
        self._base_s = base_latency_s(trials)

    @property
    def load_s(self) -> float:
        """The seconds of load so far."""
        return sum(trial.load_s for trial in self.trials)

    def wanted(self, purpose: Purpose, level: float) -> Wanted:
        """Return the trial to run at a level, together with those that it is to be judged with."""
        by_users = self._terms.over is Over.USERS
        rate_per_s = self._least_rate_per_s(level) if by_users else level
        lengths = self._terms.lengths
        return Wanted(
            purpose=purpose,
            rate_per_s=rate_per_s,
            users=int(level) if by_users else None,
            warmup_s=lengths.warmup_for_s(self._base_s),
            measured_s=lengths.measured_for_s(purpose, rate_per_s, self._base_s),
            pooled_with=tuple(trial.number for trial in self.sound(purpose, level)),
            again=next(map(self._unsettled, reversed(list(self._at(purpose, level)))), ""),
        )

    def sound(self, purpose: Purpose, level: float) -> list[Trial]:
        """Return the trials at that level that count, in order."""
        return [
            trial
            for trial in self._at(purpose, level)
            if trial.decision not in (Decision.VOID, Decision.STOPPED) and not self._too_short(trial)
        ]

    def control(self) -> Wanted | None:
        """Return the repetition of an early trial if the trials make one suspect that the relay grows slower."""
        before = comparable(self.trials) if suspicious(self.trials) else None
        if before is None:
            return None
        repeated = replace(self.wanted(Purpose.CONTROL, before.level), pooled_with=())
        return replace(repeated, again="later trials took longer at no more load")

    def standings(self, purpose: Purpose) -> Standings:
        levels = dict.fromkeys(trial.level for trial in self.trials if trial.purpose is purpose)
        return {level: self._standing(purpose, level) for level in levels}

    def bracket(self) -> tuple[float | None, float | None]:
        """Return the highest level that passed below all that did not, and the lowest that did not."""
        standings = self.standings(Purpose.SEARCH)
        high = min((level for level, standing in standings.items() if standing is not Standing.PASS), default=None)
        passed = [level for level, standing in standings.items() if standing is Standing.PASS]
        return max((level for level in passed if high is None or level < high), default=None), high

    def proven(self) -> float | None:
        """Return the highest level that a confirmation proved."""
        confirmed = self.standings(Purpose.CONFIRM).items()
        return max((level for level, standing in confirmed if standing is Standing.PASS), default=None)

    def refuted_above(self, level: float) -> float | None:
        """Return the lowest level above that one which was refuted."""
        return min((trial.level for trial in self.trials if trial.refuted and trial.level > level), default=None)

    def passed_before(self) -> float | None:
        """Return a level that passed, well above two that failed when they were confirmed; None under a quota, too."""
        confirmed = self.standings(Purpose.CONFIRM).items()
        failed = sorted(level for level, standing in confirmed if standing is Standing.FAIL)
        if len(failed) < _OFTEN or self.quota() is not None:
            return None
        least = _UNSTEADY * failed[_OFTEN - 1]
        searched = self.standings(Purpose.SEARCH).items()
        return max((each for each, standing in searched if standing is Standing.PASS and each >= least), default=None)

    def estimate(self, part: float = 1.0) -> float | None:
        """Return the level that likely uses that part of the budget, by all trials; None unless some are on both sides.

        The capacity is the level that uses all of it. Among levels that were confirmed, short trials that passed are
        left out: they begin without a queue and flatter.
        """
        confirmed = [trial.level for trial in self.trials if trial.purpose is Purpose.CONFIRM]
        between = min(confirmed, default=math.inf), max(confirmed, default=0.0)
        levels = {
            (trial.purpose, trial.level)
            for trial in self.trials
            if trial.purpose is Purpose.CONFIRM
            or trial.decision is Decision.FAIL
            or not between[0] <= trial.level <= between[1]
        }
        found = crossing((_level(pool) for key in sorted(levels) if (pool := self.sound(*key))), part)
        return None if found is None else self._terms.over.rounded(found)

    def quota(self) -> Ceiling | None:
        """Return the ceiling if 429s alone fail the lowest levels.

        One that tells its window comes before one that doesn't, and of these the highest: it is nearest to full.
        """
        failing = list(self._failing())
        if not all(trial.quota_bound for trial in failing[:_LOWEST]):
            return None
        found = [trial.ceiling for trial in failing if trial.ceiling is not None]
        return max(found, key=lambda ceiling: (ceiling.requests is not None, ceiling.per_s), default=None)

    def queue(self) -> FullQueue | None:
        """Return the bounded queue if refusals by a full one alone fail the lowest levels."""
        failing = list(self._failing())
        if not all(trial.full for trial in failing[:_LOWEST]):
            return None
        found = [trial.queue for trial in failing if trial.queue is not None]
        return max(found, key=lambda queue: queue.in_flight, default=None)

    def binding(self, refuted: float | None) -> Binding | None:
        """Return what binds: at the lowest level that was refuted, at the one that was proven, or where any failed."""
        return next((trial.binding for trial in self._telling(refuted) if trial.binding), None)

    def broken(self) -> Binding | None:
        """Return what binds at the lowest level that failed."""
        return next((trial.binding for trial in self._failing() if trial.binding), None)

    def _at(self, purpose: Purpose, level: float) -> Iterator[Trial]:
        return (trial for trial in self.trials if (trial.purpose, trial.level) == (purpose, level))

    def _least_rate_per_s(self, users: float) -> float:
        """Return a rate that so many users make at least: more users make no less of it, and fewer lose no more of it
        than their share."""
        made = ((trial.ok_per_s or 0.0) * min(1.0, users / trial.level) for trial in self.trials)
        return max(made, default=0.0)

    def _unsettled(self, trial: Trial) -> str:
        """Return why a trial did not settle its level."""
        if self._too_short(trial):
            return (
                f"its warm-up of {format_duration(trial.warmup_s)} was too short for a median latency of "
                f"{format_duration(self._base_s)}"
            )
        return _AGAIN.get(trial.decision, "")

    def _too_short(self, trial: Trial) -> bool:
        """Return whether a trial passed that had too short a warm-up, since nothing was known of the latency yet."""
        if trial.decision is Decision.FAIL:
            return False
        return trial.warmup_s < self._terms.lengths.warmup_for_s(self._base_s)

    def _standing(self, purpose: Purpose, level: float) -> Standing:
        if sum(trial.decision is Decision.VOID for trial in self._at(purpose, level)) >= _MOST_VOID:
            return Standing.VOID
        sound = self.sound(purpose, level)
        match sound[-1].decision if sound else Decision.STOPPED:
            case Decision.PASS:
                return Standing.PASS
            case Decision.FAIL:
                return Standing.FAIL
            case Decision.UNDECIDED:
                return Standing.OPEN if _worth_another(sound) else Standing.UNSHOWN
            case _:
                return Standing.OPEN

    def _failing(self) -> Iterator[Trial]:
        """Yield the trials that failed, from the lowest level up."""
        failed = (trial for trial in self.trials if trial.decision is Decision.FAIL)
        yield from sorted(failed, key=lambda trial: trial.level)

    def _telling(self, refuted: float | None) -> Iterator[Trial]:
        proven = self.proven()
        yield from (trial for trial in self._failing() if trial.refuted and trial.level == refuted)
        yield from (trial for trial in reversed(self.trials) if trial.level == proven)
        yield from self._failing()


def base_latency_s(trials: Sequence[Trial]) -> float:
    """Return the lowest p50 latency of a trial that did not fail, in seconds: that of the relay without a queue.

    0 without any: what an overloaded relay takes says nothing of how long a trial must be.
    """
    latencies = (trial.latency_p50_s for trial in trials if trial.decision is not Decision.FAIL)
    return min((latency_s for latency_s in latencies if latency_s is not None), default=0.0)


def _worth_another(undecided: Sequence[Trial]) -> bool:
    """Return whether one more trial may decide those so far: if as many as are allowed are likely to prove the level.

    A search only needs to know where to go on.
    """
    count, last = len(undecided), undecided[-1]
    if last.purpose is Purpose.SEARCH:
        return count < _MOST_POOLED_IN_SEARCH
    counting = (result for result in last.objectives if result.counts)
    return count < MOST_POOLED and all(provable(result, (count + 2) / count) for result in counting)


def _level(pool: Sequence[Trial]) -> Level:
    last = pool[-1]
    used = math.inf if last.used is None and last.decision is Decision.FAIL else last.used or 0.0
    return Level(last.level, used, max(1, sum(trial.offered for trial in pool)))
