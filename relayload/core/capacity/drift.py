"""Whether a relay has grown slower during a search, as one that leaks does, so that no level of load is its capacity.

More load never makes the median request faster. So a trial that takes longer than an earlier one at no less load raises
a suspicion. Trials near the capacity do that by chance, too: what decides is a *control*, the repetition of an early
trial at a level that the relay carried easily.
"""

from collections.abc import Sequence

from relayload.core.capacity.levels import Over
from relayload.core.capacity.trial import Decision, Purpose, Trial
from relayload.core.units import format_duration

SUSPICIOUS, LIKELY, _SLOWER = 1.05, 1.3, 1.2
"""How many times as long the median request takes: for a control to be worth its load, and to come before other trials
where the load is not enough for both; and at least for a drift."""
_EASY, _LESS = 0.6, 1 / 1.2
"""The part of the highest level that passed, up to which a level is far from the capacity, or only below it."""


def suspicious(trials: Sequence[Trial], times: float = SUSPICIOUS) -> bool:
    """Return whether a trial took so many times as long as one before it that passed at no less load."""
    return any(
        _slower(later, earlier, times)
        for place, later in enumerate(trials)
        for earlier in trials[:place]
        if _passed(earlier) and later.level <= earlier.level * (_LESS if later.decision is Decision.FAIL else 1.0)
    )


def comparable(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial that a control repeats: of the highest easy level that passed while searching, or the lowest."""
    passed = sorted(filter(_passed, trials), key=lambda trial: trial.level)
    easy = [trial for trial in passed if trial.level <= _EASY * passed[-1].level]
    return next(iter([*easy[-1:], *passed]), None)


def drift(control: Trial, trials: Sequence[Trial], over: Over) -> str | None:
    """Return how much worse the control is than the trial that it repeats; None if not beyond chance.

    It is if the 95 % intervals of both medians are apart, or if a level fails by a bound that is well below others
    which passed.
    """
    passed = [trial for trial in trials if _passed(trial)]
    before = next((trial for trial in passed if trial.level == control.level), None)
    if before is None:
        return None
    told = f"{over.told(control.level)} passed, and later"
    apart = (control.latency_p50_low_s or 0.0) > (before.latency_p50_high_s or float("inf"))
    if apart and _slower(control, before, _SLOWER):
        assert before.latency_p50_s is not None
        assert control.latency_p50_s is not None
        then, now = format_duration(before.latency_p50_s), format_duration(control.latency_p50_s)
        return f"{told} its median latency was {now} instead of {then}"
    below = control.level <= _LESS * max(trial.level for trial in passed)
    return f"{told} failed" if control.refuted and below else None


def _passed(trial: Trial) -> bool:
    return trial.purpose is Purpose.SEARCH and trial.decision is Decision.PASS


def _slower(later: Trial, earlier: Trial, times: float) -> bool:
    if later.decision in (Decision.VOID, Decision.STOPPED) or not (earlier.latency_p50_s and later.latency_p50_s):
        return False
    return later.latency_p50_s >= times * earlier.latency_p50_s
