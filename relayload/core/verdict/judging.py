"""One objective against the evidence of one run."""

import math

from msgspec.structs import replace

from relayload.core.metrics.catalog import METRICS
from relayload.core.results.gaps import MOST_SLOTS, WINDOWED_SLOT_S
from relayload.core.results.ranks import Ranks
from relayload.core.results.sample import Ranked, percentile
from relayload.core.results.selection import Series
from relayload.core.results.slots import slot_width_s
from relayload.core.units import format_duration
from relayload.core.verdict.evidence import Evidence
from relayload.core.verdict.facts import FACTS
from relayload.core.verdict.inwindows import taken_together
from relayload.core.verdict.judgement import Judgement, finite, judgement, nothing, share_reason
from relayload.core.verdict.objective import Objective, replace_terms
from relayload.core.verdict.stats import (
    BySlot,
    Exceedance,
    MeanDeviation,
    Word,
    judge_share,
    mean_deviation,
    mean_margin,
    samples_needed,
)
from relayload.core.verdict.wording import quantity

_AT_THE_LIMIT = "the limit lies in the interval of the mean"


def judge_objective(objective: Objective, evidence: Evidence, *, rejudge: bool = False) -> Judgement:
    """Judge one objective by everything that its tags admit, at once or window by window.

    One that ended the run was proven broken then, and fails whatever its records came to; to `rejudge` asks for what
    these say alone.
    """
    judged = _judge_at_once(objective, evidence) if objective.terms.over_s is None else _in_windows(objective, evidence)
    if evidence.run.ended_early and judged.verdict is Word.FAIL and not judged.n:
        reason = f"{judged.reason}: the run was ended before its plan was through".removeprefix(": ")
        judged = replace(judged, verdict=Word.INCONCLUSIVE, reason=reason)
    ended_by, begins = evidence.run.stopped_by_objective or "", f"{objective.id}: "
    if not ended_by.startswith(begins):
        return judged
    breach = f"it ended the run: {ended_by.removeprefix(begins)}"
    if rejudge:
        return replace(
            judged, reason="; ".join(filter(None, (judged.reason, f"{breach}; judged by its records alone")))
        )
    return replace(judged, verdict=Word.FAIL, reason=f"{breach}; {_in_the_end(judged)}")


def _in_the_end(judged: Judgement) -> str:
    """What it came to once all that was in flight had ended."""
    if judged.verdict is not Word.FAIL:
        return f"its records alone would be {judged.verdict}{judged.reason and f' ({judged.reason})'}"
    observed = "FAIL" if judged.observed is None else quantity(judged.observed, judged.unit)
    return f"in the end {judged.reason or observed}"


def _judge_at_once(objective: Objective, evidence: Evidence) -> Judgement:
    if objective.metric == "chunk_gap":
        return _judge_gaps(objective, evidence)
    if METRICS[objective.metric].distribution:
        return _judge_mean(objective, evidence) if objective.quantile is None else _judge_quantile(objective, evidence)
    return FACTS[objective.metric, objective.aggregate](objective, evidence)


def _in_windows(objective: Objective, evidence: Evidence) -> Judgement:
    """Each window is judged for itself, by its own requests; together they share the confidence."""
    terms = objective.terms
    windows = evidence.windows(objective)
    if not windows:
        assert terms.over_s is not None
        return nothing(objective, f"no measured stage lasted as long as a window of {format_duration(terms.over_s)}")
    alone = replace_terms(objective, over_s=None, for_windows=1, looks=len(windows))
    judged = [(window.begins_at_s, _judge_at_once(alone, window.evidence)) for window in windows]
    return taken_together(objective, judged)


def _judge_quantile(objective: Objective, evidence: Evidence) -> Judgement:
    series = evidence.series(objective)
    if not series.sample.count:
        return nothing(objective)
    seen = Exceedance(
        _count_over(objective, series.sample.ordered),
        series.sample.count,
        series.effective_n,
        lambda: _over_by_slot(objective, evidence, series),
    )
    return _judge_percentile(objective, seen, series.sample)


def _count_over(objective: Objective, ordered: Ranks) -> int:
    """How many of the values are not within the limit: those from one end to where it is met."""
    op, limit = objective.op, objective.limit
    if op.ceiling:
        return ordered.count - ordered.count_until(lambda value: not op.holds(value, limit))
    return ordered.count_until(lambda value: op.holds(value, limit))


def _over_by_slot(objective: Objective, evidence: Evidence, series: Series) -> BySlot:
    op, limit = objective.op, objective.limit
    return evidence.by_slot(
        series.due_beyond(limit, above=op.ceiling, at_limit=not op.holds(limit, limit)), series.due_s
    )


def _judge_gaps(objective: Objective, evidence: Evidence) -> Judgement:
    """Gaps are known by their histogram alone."""
    gaps = evidence.gaps(objective)
    if objective.quantile is None:
        measured = gaps.measured
        return _judge_average(objective, measured.mean_s, measured.stddev_s, measured.count, gaps.effective_n)
    if not gaps.count:
        return nothing(objective)
    within = objective.op.within(objective.limit)
    k = gaps.endless + gaps.count_unless(within)
    width_s = WINDOWED_SLOT_S if evidence.window else slot_width_s(evidence.load_s, MOST_SLOTS)
    seen = Exceedance(k, gaps.count, gaps.effective_n, lambda: gaps.by_slot(within, width_s))
    return _judge_percentile(objective, seen, gaps)


def _judge_percentile(objective: Objective, seen: Exceedance, sample: Ranked) -> Judgement:
    assert objective.quantile is not None
    seen = seen.against(objective.budget)
    found = percentile(sample, objective.quantile * 100, seen.effective_n, objective.terms.confidence)
    judged = _judge_exceedance(objective, seen, found.value)
    return replace(judged, low=finite(found.low), high=finite(found.high))


def _judge_exceedance(objective: Objective, seen: Exceedance, observed: float) -> Judgement:
    budget = objective.budget
    holds = objective.op.holds(observed, objective.limit)
    needed = samples_needed(budget, objective.terms.confidence)
    if objective.quantile in (0.0, 1.0):
        word = Word.PASS if holds else Word.FAIL
    else:
        word = judge_share(seen, budget, holds=holds, needed=needed, terms=objective.terms)
    return judgement(
        objective,
        word,
        share_reason(word, seen, budget, needed, holds),
        observed=finite(observed),
        n=seen.n,
        effective_n=seen.effective_n,
        k=seen.k,
        budget=budget,
    )


def _judge_mean(objective: Objective, evidence: Evidence) -> Judgement:
    series = evidence.answers(objective)
    sample = series.sample
    if sample.mean_s is not None and _may_be_beyond(objective, sample.mean_s):
        deviation = mean_deviation(evidence.deviations(objective))
        if deviation is not None:
            return _judge_deviation(objective, deviation, sample.count, series.effective_n)
    return _judge_average(objective, sample.mean_s, sample.stddev_s, sample.count, series.effective_n)


def _may_be_beyond(objective: Objective, mean: float) -> bool:
    """As well as floating point can tell."""
    return not objective.op.holds(mean, objective.limit) or math.isclose(mean, objective.limit, rel_tol=1e-9)


def _judge_deviation(objective: Objective, found: MeanDeviation, n: int, effective_n: int) -> Judgement:
    """Like a share, a mean beyond its limit is judged by seconds, as it is while a run goes on."""
    terms, mean = objective.terms, objective.limit + found.mean
    word = Word.PASS if objective.op.holds(found.mean, 0.0) and not terms.strict else Word.INCONCLUSIVE
    word = Word.FAIL if found.beyond(objective.op, terms.fail_confidence) else word
    margin = found.margin(terms.confidence)
    reason = _AT_THE_LIMIT if word is Word.INCONCLUSIVE else ""
    low, high = mean - margin, mean + margin
    return judgement(objective, word, reason, observed=mean, low=low, high=high, n=n, effective_n=effective_n)


def _judge_average(
    objective: Objective, mean: float | None, stddev: float | None, n: int, effective_n: int
) -> Judgement:
    """A mean over the limit fails if its interval is, too; one within the limit passes if it has an interval.

    Under strict terms the whole interval must be within the limit.
    """
    if mean is None:
        return nothing(objective)
    margin = mean_margin(stddev, effective_n, objective.terms.confidence)
    holds = objective.op.holds(mean, objective.limit)
    if margin is None:
        reason = f"{effective_n} independent values are too few for a mean"
        return judgement(objective, Word.INCONCLUSIVE, reason, observed=mean, n=n, effective_n=effective_n)
    low, high = mean - margin, mean + margin
    surely = mean_margin(stddev, effective_n, objective.terms.fail_confidence) or margin
    if holds and not (objective.terms.strict and _broken_anywhere(objective, low, high)):
        word, reason = Word.PASS, ""
    elif not _holds_anywhere(objective, mean - surely, mean + surely):
        word, reason = Word.FAIL, ""
    else:
        word, reason = Word.INCONCLUSIVE, _AT_THE_LIMIT
    return judgement(objective, word, reason, observed=mean, low=low, high=high, n=n, effective_n=effective_n)


def _holds_anywhere(objective: Objective, low: float, high: float) -> bool:
    return objective.op.holds(low, objective.limit) or objective.op.holds(high, objective.limit)


def _broken_anywhere(objective: Objective, low: float, high: float) -> bool:
    return not (objective.op.holds(low, objective.limit) and objective.op.holds(high, objective.limit))
