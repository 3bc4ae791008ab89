"""Objectives with an error budget: a share of the requests that may be bad, as with percentiles."""

from msgspec.structs import replace

from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.formatting import share
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.result import BETWEEN_THE_BOUNDS, finite, no_data, result_of, share_reason
from relayload.core.objectives.statistics import BadBounds, judge_share, samples_needed, samples_to_resolve
from relayload.core.stats.ranks import rank_of
from relayload.core.stats.sample import percentile


def judge_percentile(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge a percentile, a minimum or a maximum."""
    quantile = objective.quantile
    assert quantile is not None
    bad = indicators.bad(objective)
    if not bad.n:
        return no_data(objective)
    rank = rank_of(quantile, bad.n)
    can_hold, holds = (rank <= bad.n - k if objective.op.ceiling else rank > k for k in (bad.at_least.k, bad.at_most.k))
    if quantile in (0.0, 1.0) and not indicators.goes_on:
        status = Status.PASS if holds else Status.INCONCLUSIVE if can_hold else Status.FAIL
        judged = _result(objective, bad, status, holds=holds)
    else:
        judged = _judge(objective, bad, holds=holds)
    return judged if indicators.goes_on else replace(judged, **_observed(objective, indicators))


def judge_rate(
    objective: Objective, bad: BadBounds, what: str, *, of_good: bool = False, goes_on: bool = False
) -> ObjectiveResult:
    """Judge the share of bad requests, or of good ones, whose complement is the budget.

    No sample proves that all are bad. Whoever asks that not all be bad (`errors.rate < 100%`) gets the fact, unless the
    run goes on.
    """
    share = (bad.n - bad.at_most.k if of_good else bad.at_most.k) / bad.n
    low, high = bad.at_most.bounds(objective.options.confidence)
    holds = objective.op.holds(share, objective.limit)
    judged = _judge(objective, bad, what, holds=holds)
    if objective.budget >= 1 and not holds and not goes_on:
        judged = _result(objective, bad, Status.FAIL, what, holds=holds)
    return replace(judged, observed=share, low=1 - high if of_good else low, high=1 - low if of_good else high)


def _judge(
    objective: Objective, bad: BadBounds, what: str = "were not within the limit", *, holds: bool
) -> ObjectiveResult:
    status = judge_share(bad, objective.budget, holds=holds, needed=_needed(objective), options=objective.options)
    return _result(objective, bad, status, what, holds=holds)


def _result(
    objective: Objective, bad: BadBounds, status: Status, what: str = "were not within the limit", *, holds: bool
) -> ObjectiveResult:
    seen, budget = bad.at_least if status is Status.FAIL else bad.at_most, objective.budget
    reason = share_reason(status, seen, budget, _needed(objective), holds, what)
    if status is Status.INCONCLUSIVE and bad.at_least.k <= budget * bad.n < bad.at_most.k:
        seen_share = f"{bad.at_least.k} to {bad.at_most.k} of {bad.n} {what}, {share(budget)} may"
        reason = f"{seen_share}: {BETWEEN_THE_BOUNDS}"
    numbers = {"n": seen.n, "effective_n": seen.effective_n, "k": seen.k, "budget": budget}
    return result_of(objective, status, reason, **numbers)


def _needed(objective: Objective) -> int:
    """Return the fewest independent samples for a PASS: enough to prove a percentile, or to resolve a rate."""
    if objective.quantile is None:
        return samples_to_resolve(objective.budget)
    return samples_needed(objective.budget, objective.options.confidence)


def _observed(objective: Objective, indicators: Indicators) -> dict[str, float | None]:
    """Return the percentile itself, with its interval."""
    sample = indicators.sample(objective)
    if not sample.ordered.count or objective.quantile is None:
        return {}
    found = percentile(sample, objective.quantile * 100, objective.options.confidence)
    return {"observed": finite(found.value), "low": finite(found.low), "high": finite(found.high)}
