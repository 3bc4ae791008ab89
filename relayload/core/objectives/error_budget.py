"""Objectives with an error budget: a share of the requests that may be bad, as with percentiles."""

from collections.abc import Sequence

from msgspec.structs import replace

from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.formatting import share
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.result import BETWEEN_THE_BOUNDS, finite, no_data, result_of, share_reason
from relayload.core.objectives.statistics import (
    BadBounds,
    beyond_so_far,
    judge_share,
    samples_needed,
    samples_to_resolve,
)
from relayload.core.stats.effective_size import FEWEST
from relayload.core.stats.ranks import rank_of
from relayload.core.stats.sample import Sample, percentile

FAILURES = ("errors", "retries", "stream.broken")
"""Metrics whose bad requests come in outages, not in backlogs."""
_FAR_WITHIN = 2.0
"""A limit this many times beyond every value is not for their neighbours to come near."""
_LONGEST_BACKLOG = 700
"""Requests that one backlog may slow down: a queue at 95 % of its capacity takes some hundreds to drain."""
_LONGEST_OUTAGE = 25
"""Requests that fail together without more to follow."""


def judge_percentile(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge a percentile, a minimum or a maximum."""
    quantile = objective.quantile
    assert quantile is not None
    bad = indicators.bad(objective)
    if not bad.n:
        return no_data(objective)
    rank = rank_of(quantile, bad.n)
    met = [rank <= bad.n - k if objective.op.ceiling else rank > k for k in (bad.at_least.k, bad.at_most.k)]
    if indicators.goes_on:
        return _judge(objective, bad, indicators, met)
    sample = indicators.sample(objective)
    tail_n = sample.effective_n if indicators.window is None and not _far_within(objective, sample) else None
    return replace(_judge(objective, bad, indicators, met, tail_n=tail_n), **_observed(objective, sample))


def judge_rate(
    objective: Objective, bad: BadBounds, indicators: Indicators, what: str, *, of_good: bool = False
) -> ObjectiveResult:
    """Judge the share of bad requests, or of good ones, whose complement is the budget."""
    shares = [(bad.n - k if of_good else k) / bad.n for k in (bad.at_least.k, bad.at_most.k)]
    share = shares[-1]
    met = [objective.op.holds(share, objective.limit) for share in shares]
    judged = _judge(objective, bad, indicators, met, what)
    if bad.at_most.effective_n < min(FEWEST, bad.n):
        return replace(judged, observed=share)
    low, high = bad.at_most.interval(objective.options.confidence)
    return replace(judged, observed=share, low=1 - high if of_good else low, high=1 - low if of_good else high)


def _judge(
    objective: Objective,
    bad: BadBounds,
    indicators: Indicators,
    met: Sequence[bool],
    what: str = "were not within the limit",
    *,
    tail_n: int | None = None,
) -> ObjectiveResult:
    """Judge a share; `met` states whether the sample meets the objective by the better bounds and by the worse ones."""
    options, budget = objective.options, objective.budget
    may_hold, holds = met
    if indicators.goes_on and indicators.window is None:
        longest_burst = _LONGEST_OUTAGE if objective.metric in FAILURES else _LONGEST_BACKLOG
        broken = beyond_so_far(bad.at_least, budget, 1 - options.confidence, longest_burst)
        return _result(objective, bad, Status.FAIL if broken else Status.INCONCLUSIVE, None, what, holds=holds)
    status, proven = judge_share(
        bad,
        budget,
        holds=holds,
        may_hold=may_hold,
        options=options,
        in_window=indicators.window is not None,
        tail_n=tail_n,
    )
    return _result(objective, bad, status, proven, what, holds=holds)


def _result(
    objective: Objective,
    bad: BadBounds,
    status: Status,
    proven: bool | None,
    what: str,
    *,
    holds: bool,
) -> ObjectiveResult:
    seen, budget = bad.at_least if status is Status.FAIL else bad.at_most, objective.budget
    reason = share_reason(status, seen, budget, _needed(objective), holds, what)
    if status is Status.INCONCLUSIVE and bad.at_least.k <= budget * bad.n < bad.at_most.k:
        seen_share = f"{bad.at_least.k} to {bad.at_most.k} of {bad.n} {what}, {share(budget)} may"
        reason = f"{seen_share}: {BETWEEN_THE_BOUNDS}"
    numbers = {"n": seen.n, "effective_n": seen.effective_n, "k": seen.k, "budget": budget, "proven": proven}
    return result_of(objective, status, reason, **numbers)


def _needed(objective: Objective) -> int:
    """Return the fewest requests for a PASS: enough to resolve the limit, or under `strict` to prove it."""
    if objective.options.strict:
        return samples_needed(objective.budget, objective.options.confidence)
    return samples_to_resolve(objective.budget)


def _far_within(objective: Objective, sample: Sample) -> bool:
    """Return whether no value comes near the limit."""
    ordered = sample.ordered
    if not ordered.count:
        return False
    if objective.op.ceiling:
        return ordered.at(ordered.count) * _FAR_WITHIN < objective.limit
    return ordered.at(1) > objective.limit * _FAR_WITHIN


def _observed(objective: Objective, sample: Sample) -> dict[str, float | None]:
    """Return the percentile itself, with its interval."""
    if not sample.ordered.count or objective.quantile is None:
        return {}
    found = percentile(sample, objective.quantile * 100, objective.options.confidence)
    return {"observed": finite(found.value), "low": finite(found.low), "high": finite(found.high)}
