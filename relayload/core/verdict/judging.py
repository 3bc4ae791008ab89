"""One objective against the evidence of one run."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from relayload.core.results.cost import cost_of
from relayload.core.results.ranks import Parts
from relayload.core.results.sample import percentile
from relayload.core.verdict.catalog import METRICS
from relayload.core.verdict.evidence import Evidence
from relayload.core.verdict.objective import Objective
from relayload.core.verdict.stats import (
    Exceedance,
    Word,
    judge_share,
    mean_margin,
    samples_needed,
    samples_to_resolve,
)
from relayload.core.verdict.wording import share


class Judgement(Struct, frozen=True, kw_only=True):
    """What came of one objective.

    Values have the unit of the objective. `observed` is None where nothing was measured, and where the percentile
    falls on requests without an answer, which are infinitely slow; `n` tells which.
    """

    id: str
    expr: str
    unit: str
    limit: float
    verdict: Word
    reason: str
    observed: float | None = None
    low: float | None = None
    """With `high`, the 95 % interval; None where there is none, or where it has no such end."""
    high: float | None = None
    n: int = 0
    effective_n: int = 0
    k: int | None = None
    """How many of n were not within the limit."""
    budget: float | None = None
    """The share of n that may be."""


def judge_objective(objective: Objective, evidence: Evidence) -> Judgement:
    """Judge one objective by everything that its tags admit."""
    if objective.metric == "chunk_gap":
        return _judge_gaps(objective, evidence)
    if METRICS[objective.metric].distribution:
        return _judge_mean(objective, evidence) if objective.quantile is None else _judge_quantile(objective, evidence)
    return _JUDGES[objective.metric, objective.aggregate](objective, evidence)


def _judge_quantile(objective: Objective, evidence: Evidence) -> Judgement:
    quantile = objective.quantile
    assert quantile is not None
    series = evidence.series(objective)
    sample = series.sample
    if not sample.count:
        return _nothing(objective)
    seen = Exceedance(_count_over(objective, sample.ordered), sample.count, series.effective_n)
    found = percentile(sample, quantile * 100, seen.effective_n)
    judged = _judge_exceedance(objective, quantile, seen, found.value)
    return replace(judged, low=_finite(found.low), high=_finite(found.high))


def _count_over(objective: Objective, ordered: Parts) -> int:
    """How many of the values are not within the limit: those from one end to where it is met."""
    op, limit = objective.op, objective.limit
    if op.ceiling:
        return ordered.count - ordered.count_until(lambda value: not op.holds(value, limit))
    return ordered.count_until(lambda value: op.holds(value, limit))


def _judge_gaps(objective: Objective, evidence: Evidence) -> Judgement:
    """Gaps are known by their histogram alone, so each counts as one independent value."""
    gaps = evidence.gaps(objective)
    quantile = objective.quantile
    if quantile is None:
        measured = gaps.measured
        return _judge_average(objective, measured.mean_s, measured.stddev_s, measured.count, measured.count)
    if not gaps.measured.counts:
        return _nothing(objective)
    k = gaps.endless + gaps.count_unless(lambda gap_s: objective.op.holds(gap_s, objective.limit))
    found = percentile(gaps, quantile * 100, gaps.count)
    judged = _judge_exceedance(objective, quantile, Exceedance(k, gaps.count, gaps.count), found.value)
    return replace(judged, low=_finite(found.low), high=_finite(found.high))


def _judge_exceedance(objective: Objective, quantile: float, seen: Exceedance, observed: float) -> Judgement:
    budget = 1 - quantile if objective.op.ceiling else quantile
    holds = objective.op.holds(observed, objective.limit)
    if quantile in (0.0, 1.0):
        word = Word.PASS if holds else Word.FAIL
    else:
        word = judge_share(seen, budget, holds=holds, needed=samples_needed(budget))
    return _judgement(
        objective,
        word,
        _share_reason(word, seen, budget, samples_needed(budget), holds),
        observed=_finite(observed),
        n=seen.n,
        effective_n=seen.effective_n,
        k=seen.k,
        budget=budget,
    )


def _judge_mean(objective: Objective, evidence: Evidence) -> Judgement:
    series = evidence.answers(objective)
    sample = series.sample
    return _judge_average(objective, sample.mean_s, sample.stddev_s, sample.count, series.effective_n)


def _judge_average(
    objective: Objective, mean: float | None, stddev: float | None, n: int, effective_n: int
) -> Judgement:
    """A mean over the limit fails if its interval is, too; one within the limit passes if it has an interval."""
    if mean is None:
        return _nothing(objective)
    margin = mean_margin(stddev, effective_n)
    holds = objective.op.holds(mean, objective.limit)
    low, high = (None, None) if margin is None else (mean - margin, mean + margin)
    if margin is None:
        word, reason = Word.INCONCLUSIVE, f"{effective_n} independent values are too few for a mean"
    elif holds:
        word, reason = Word.PASS, ""
    elif low is not None and high is not None and not _holds_anywhere(objective, low, high):
        word, reason = Word.FAIL, ""
    else:
        word, reason = Word.INCONCLUSIVE, "the limit lies in the interval of the mean"
    return _judgement(objective, word, reason, observed=mean, low=low, high=high, n=n, effective_n=effective_n)


def _holds_anywhere(objective: Objective, low: float, high: float) -> bool:
    return objective.op.holds(low, objective.limit) or objective.op.holds(high, objective.limit)


def _judge_error_rate(objective: Objective, evidence: Evidence) -> Judgement:
    seen = evidence.errors(objective)
    if not seen.n:
        return _nothing(objective)
    rate = seen.k / seen.n
    low, high = seen.bounds()
    holds = objective.op.holds(rate, objective.limit)
    needed = samples_to_resolve(objective.limit)
    if objective.op.ceiling:
        word = judge_share(seen, objective.limit, holds=holds, needed=needed)
    else:
        word = Word.PASS if holds else Word.FAIL
    reason = _share_reason(word, seen, objective.limit, needed, holds, "failed")
    return _judgement(
        objective,
        word,
        reason,
        observed=rate,
        low=low,
        high=high,
        n=seen.n,
        effective_n=seen.effective_n,
        k=seen.k,
        budget=objective.limit,
    )


def _judge_error_count(objective: Objective, evidence: Evidence) -> Judgement:
    errors = evidence.errors(objective)
    return _judge_number(objective, errors.k, errors.n)


def _judge_requests(objective: Objective, evidence: Evidence) -> Judgement:
    count = evidence.requests(objective).count
    return _judge_number(objective, count, count)


def _judge_throughput(objective: Objective, evidence: Evidence) -> Judgement:
    requests = evidence.requests(objective)
    ok = requests.where(lambda key: key.ok)
    return _judge_rate(objective, ok.count, evidence.seconds(objective), requests.count)


def _judge_output_tokens(objective: Objective, evidence: Evidence) -> Judgement:
    requests = evidence.requests(objective)
    ok = requests.where(lambda key: key.ok)
    return _judge_rate(objective, ok.output_tokens, evidence.seconds(objective), requests.count)


def _judge_cost(objective: Objective, evidence: Evidence) -> Judgement:
    """Dollars to a millionth keep their order as floats."""
    paid = evidence.paid(objective)
    cost = cost_of(paid.cells, evidence.run.prices)
    if cost.unpriced:
        return _judgement(objective, Word.FAIL, f"no price for {', '.join(cost.unpriced)}: write target.prices")
    if cost.usd is None:
        return _judgement(objective, Word.FAIL, f"{', '.join(cost.untold)} never told its tokens")
    return _judge_number(objective, float(cost.usd), paid.count if cost.by_model else 0)


def _judge_rate(objective: Objective, count: float, seconds: float, n: int) -> Judgement:
    return _judge_number(objective, count / seconds, n) if seconds > 0 else _nothing(objective)


def _judge_number(objective: Objective, observed: float, n: int) -> Judgement:
    """Compare a number that is not a sample but a fact of the run."""
    if not n and objective.metric != "requests":
        return _nothing(objective)
    word = Word.PASS if objective.op.holds(observed, objective.limit) else Word.FAIL
    return _judgement(objective, word, "", observed=observed, n=n, effective_n=n)


_JUDGES: Mapping[tuple[str, str], Callable[[Objective, Evidence], Judgement]] = MappingProxyType(
    {
        ("errors", "rate"): _judge_error_rate,
        ("errors", "count"): _judge_error_count,
        ("requests", "count"): _judge_requests,
        ("throughput", "per_second"): _judge_throughput,
        ("output_tokens", "per_second"): _judge_output_tokens,
        ("cost", "usd"): _judge_cost,
    }
)


def _share_reason(
    word: Word, seen: Exceedance, budget: float, needed: int, holds: bool, what: str = "were not within the limit"
) -> str:
    """Why a share did not pass; nothing if it did."""
    if word is Word.PASS:
        return ""
    seen_share = f"{seen.k} of {seen.n} {what}, {share(budget)} may"
    if word is Word.FAIL:
        return seen_share
    if not holds:
        return f"{seen_share}: too close to tell"
    return f"{needed} independent values are needed, and these {seen.n} tell as much as {seen.effective_n}"


def _nothing(objective: Objective) -> Judgement:
    return _judgement(objective, Word.FAIL, "nothing was measured")


def _judgement(objective: Objective, word: Word, reason: str, **numbers: Any) -> Judgement:
    return Judgement(
        id=objective.text,
        expr=objective.text,
        unit=objective.unit.value,
        limit=objective.limit,
        verdict=word,
        reason=reason,
        **numbers,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
