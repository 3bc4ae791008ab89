"""The frontier: how much load keeps p99 within each of several limits, out of the same trials.

A trial holds a limit if the gate passes `p99 < limit` over all trials that its objectives are judged together with. As
its objectives do, it fails every limit if a backlog grew through all of its measured part. A trial that an objective
ended early, or that Little's law shows to have had a growing backlog, passes none: its latencies are only those of its
length.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from msgspec import Struct

from relayload.core.capacity.measures import LimitCheck
from relayload.core.capacity.trial import Decision, Purpose, Trial, refutes
from relayload.core.metrics.saturation import Saturation
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.objective import Objective, Tag

LIMITS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_ENDED_EARLY_S = 1.0
"""A load that was this much shorter than planned was ended."""


class FrontierPoint(Struct, frozen=True, kw_only=True):
    """The highest load at which a metric keeps within a limit, and the lowest at which it does not.

    Loads are requests per second, or users in a search over users.
    """

    metric: str
    """`ttft`, or `latency` of the scenarios that do not stream."""
    limit_s: float
    """The limit of the p99, in seconds."""
    holds_at: float | None = None
    """The highest load below `fails_at` at which a trial passes; None if none does."""
    proven: bool = False
    """There it passes by its bound, too."""
    fails_at: float | None = None
    """The lowest load at which a trial fails; None if none does."""
    refuted: bool = False
    """There it fails by a bound."""


def limit_objectives(streaming: Sequence[str], scenarios: Iterable[str]) -> tuple[Objective, ...]:
    """Return the objectives of the frontier: on ttft where scenarios stream, and on latency for those that do not."""
    first_tokens = [_p99("ttft", limit_s) for limit_s in LIMITS_S if streaming]
    plain = {*scenarios} - {*streaming}
    tags = tuple(Tag("scenario", name, negated=True) for name in streaming)
    return (*first_tokens, *(_p99("latency", limit_s, tags) for limit_s in LIMITS_S if plain))


def limit_checks(
    objectives: Iterable[Objective], results: Iterable[ObjectiveResult], backlog: Saturation | None
) -> tuple[LimitCheck, ...]:
    """Return what the results of those objectives say of a trial, in which a backlog grew or did not."""
    return tuple(
        LimitCheck(
            metric=objective.metric,
            limit_s=objective.limit,
            verdict=Status.FAIL if backlog else result.verdict,
            proven=not backlog and bool(result.proven),
            refuted=bool(backlog) or refutes(result),
            observed_s=result.observed,
            low_s=result.low,
            high_s=result.high,
        )
        for objective, result in zip(objectives, results, strict=True)
    )


def frontier(trials: Sequence[Trial]) -> tuple[FrontierPoint, ...]:
    """Return a point for each metric and limit that the trials were checked by."""
    pools = _last_of_each_pool(trials)
    places = {(check.metric, check.limit_s) for trial in pools for check in _checks(trial)}
    return tuple(
        _point(metric, limit_s, pools) for metric, limit_s in sorted(places, key=lambda each: (each[0] != "ttft", each))
    )


def _p99(metric: str, limit_s: float, tags: tuple[Tag, ...] = ()) -> Objective:
    return dataclasses.replace(parse(f"{metric}.p99 < {limit_s:g}s"), tags=tags)


def _point(metric: str, limit_s: float, pools: Sequence[Trial]) -> FrontierPoint:
    """Return one point. At one load a confirmation has the last word, if it is decided."""
    by_level = {
        trial.level: check
        for trial in sorted(pools, key=lambda trial: trial.purpose is Purpose.CONFIRM)
        for check in _checks(trial)
        if (check.metric, check.limit_s) == (metric, limit_s) and _decided(check, trial)
    }
    fails = min((level for level, check in by_level.items() if check.verdict is Status.FAIL), default=None)
    passed = [level for level, check in by_level.items() if check.verdict is Status.PASS]
    holds = max((level for level in passed if fails is None or level < fails), default=None)
    return FrontierPoint(
        metric=metric,
        limit_s=limit_s,
        holds_at=holds,
        proven=holds is not None and by_level[holds].proven,
        fails_at=fails,
        refuted=fails is not None and by_level[fails].refuted,
    )


def _last_of_each_pool(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that say something of the relay, without those that a later one is judged together with."""
    sound = [trial for trial in trials if trial.decision not in (Decision.VOID, Decision.STOPPED)]
    pooled = {number for trial in sound for number in trial.pooled_with}
    return [trial for trial in sound if trial.number not in pooled]


def _checks(trial: Trial) -> tuple[LimitCheck, ...]:
    return () if trial.measures is None else trial.measures.limits


def _decided(check: LimitCheck, trial: Trial) -> bool:
    """Return whether a trial fails a limit, or passes it in all of its length and without a backlog that grew."""
    measures = trial.measures
    if measures is not None and measures.in_flight is not None and measures.in_flight.grew:
        return check.verdict is Status.FAIL
    ended_early = trial.load_s < trial.warmup_s + trial.measured_s - _ENDED_EARLY_S
    return check.verdict is Status.FAIL or (check.verdict is Status.PASS and not ended_early)
