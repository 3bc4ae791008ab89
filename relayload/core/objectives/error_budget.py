"""Objectives with an error budget: a share of the requests that may be bad. Percentiles are such, too."""

from msgspec.structs import replace

from relayload.core.model.verdict import Judgement, Word
from relayload.core.objectives.indicators import Evidence
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.result import finite, judgement, nothing, share_reason
from relayload.core.objectives.statistics import Bad, judge_share, samples_needed, samples_to_resolve
from relayload.core.stats.sample import percentile, rank_of


def judge_percentile(objective: Objective, evidence: Evidence) -> Judgement:
    """Judge a percentile, a least or a greatest value."""
    quantile = objective.quantile
    assert quantile is not None
    bad = evidence.bad(objective)
    if not bad.n:
        return nothing(objective)
    rank, k = rank_of(quantile, bad.n), bad.at_most.k
    holds = rank <= bad.n - k if objective.op.ceiling else rank > k
    if quantile in (0.0, 1.0) and not evidence.goes_on:
        judged = _told(objective, bad, Word.PASS if holds else Word.FAIL, holds=holds)
    else:
        judged = _judge(objective, bad, holds=holds)
    return judged if evidence.goes_on else replace(judged, **_observed(objective, evidence))


def judge_rate(objective: Objective, bad: Bad, what: str, *, of_good: bool = False) -> Judgement:
    """Judge the share of requests that are bad, or of those that are good, which says what it leaves to the others."""
    share = (bad.n - bad.at_most.k if of_good else bad.at_most.k) / bad.n
    low, high = bad.at_most.bounds(objective.terms.confidence)
    judged = _judge(objective, bad, what, holds=objective.op.holds(share, objective.limit))
    return replace(judged, observed=share, low=1 - high if of_good else low, high=1 - low if of_good else high)


def _judge(objective: Objective, bad: Bad, what: str = "were not within the limit", *, holds: bool) -> Judgement:
    word = judge_share(bad, objective.budget, holds=holds, needed=_needed(objective), terms=objective.terms)
    return _told(objective, bad, word, what, holds=holds)


def _told(
    objective: Objective, bad: Bad, word: Word, what: str = "were not within the limit", *, holds: bool
) -> Judgement:
    seen, budget = bad.at_least if word is Word.FAIL else bad.at_most, objective.budget
    reason = share_reason(word, seen, budget, _needed(objective), holds, what)
    numbers = {"n": seen.n, "effective_n": seen.effective_n, "k": seen.k, "budget": budget}
    return judgement(objective, word, reason, **numbers)


def _needed(objective: Objective) -> int:
    """The fewest independent samples for a PASS: those that prove a percentile, or resolve a rate."""
    if objective.quantile is None:
        return samples_to_resolve(objective.budget)
    return samples_needed(objective.budget, objective.terms.confidence)


def _observed(objective: Objective, evidence: Evidence) -> dict[str, float | None]:
    """The percentile itself, with its interval."""
    sample = evidence.sample(objective)
    if not sample.count or objective.quantile is None:
        return {}
    found = percentile(sample, objective.quantile * 100, sample.effective_n, objective.terms.confidence)
    return {"observed": finite(found.value), "low": finite(found.low), "high": finite(found.high)}
