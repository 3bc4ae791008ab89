"""Judges one objective by the indicators of one run, while it goes on or once it is over."""

import math

from msgspec.structs import replace

from relayload.core.metrics.catalog import METRICS
from relayload.core.model.objective_options import TooFew
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.audit_results import AUDITED
from relayload.core.objectives.counters import COUNTERS
from relayload.core.objectives.error_budget import judge_percentile
from relayload.core.objectives.formatting import quantity
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective, replace_options
from relayload.core.objectives.result import BETWEEN_THE_BOUNDS, no_data, result_of
from relayload.core.objectives.sample_forecast import samples_to_prove
from relayload.core.objectives.statistics import ENOUGH_FOR_A_MEAN, MeanDeviation, beyond, mean_deviation
from relayload.core.objectives.window_results import BADNESS, taken_together
from relayload.core.stats.effective_size import TAIL
from relayload.core.units import format_duration

_MAY_BE_MISSING = 0.01
"""The share of ok answers that may lack a value in a PASS; in a window, one may in any case."""
_AT_THE_LIMIT = "the limit lies in the interval of the mean"
_WITHIN_THE_ERRORS = f"the mean is within the limit, unless it is off: {BETWEEN_THE_BOUNDS}"
_TOO_CORRELATED = "the values are too correlated to have an interval of the mean"


def judge_objective(objective: Objective, indicators: Indicators, *, rejudge: bool = False) -> ObjectiveResult:
    """Judge one objective by everything that its tags admit, at once or window by window.

    An objective that ended the run was proven broken then and fails whatever its records show; `rejudge` goes by the
    records alone.
    """
    judged = (
        judge_at_once(objective, indicators) if objective.options.over_s is None else _in_windows(objective, indicators)
    )
    if indicators.run.ended_early and judged.verdict is Status.FAIL and not judged.n:
        reason = f"{judged.reason}: the run was ended before its plan was through".removeprefix(": ")
        judged = replace(judged, verdict=Status.INCONCLUSIVE, reason=reason)
    ended_by, begins = indicators.run.stopped_by_objective or "", f"{objective.id}: "
    if not ended_by.startswith(begins):
        return judged
    breach = f"it ended the run: {ended_by.removeprefix(begins)}"
    if rejudge:
        return replace(
            judged, reason="; ".join(filter(None, (judged.reason, f"{breach}; judged by its records alone")))
        )
    return replace(judged, verdict=Status.FAIL, reason=f"{breach}; {_in_the_end(judged)}")


def _in_the_end(judged: ObjectiveResult) -> str:
    """Return the result once everything in flight had ended."""
    if judged.verdict is not Status.FAIL:
        return f"its records alone would be {judged.verdict}{judged.reason and f' ({judged.reason})'}"
    observed = "FAIL" if judged.observed is None else quantity(judged.observed, judged.unit)
    return f"in the end {judged.reason or observed}"


def judge_at_once(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge an objective by the whole run, or one window of it, whether it asks for windows or not."""
    if METRICS[objective.metric].distribution:
        judged = (_judge_mean if objective.quantile is None else judge_percentile)(objective, indicators)
        return judged if indicators.goes_on else _unless_missing(objective, judged, indicators)
    judge = AUDITED if METRICS[objective.metric].of_audit else COUNTERS
    return judge[objective.metric, objective.aggregate](objective, indicators)


def _unless_missing(objective: Objective, judged: ObjectiveResult, indicators: Indicators) -> ObjectiveResult:
    """Tell how many ok answers have no value that they should have, and withhold a PASS if they are too many."""
    missing, measured = indicators.missing(objective)
    if not missing:
        return judged
    most = _MAY_BE_MISSING * (missing + measured)
    if indicators.window is not None:
        most = max(1.0, most)
    verdict = judged.verdict
    if verdict is Status.PASS and judged.n and missing > most:
        verdict = Status.INCONCLUSIVE
    told = f"{missing} of {missing + measured} ok answers have no {objective.metric}"
    return replace(judged, verdict=verdict, reason="; ".join(filter(None, (judged.reason, told))))


def fails_as_recorded(objective: Objective, indicators: Indicators) -> bool:
    """Return whether a share or a mean would FAIL if the run ended now, and all requests in flight turned out well.

    A rate of retries of at least one a request is no share, and certain.
    """
    confidence = objective.options.confidence
    if objective.aggregate == "avg":
        found = mean_deviation(indicators.deviations(objective))
        return found is not None and found.beyond(objective.op, confidence)
    bad = indicators.bad(objective).at_least
    return bad.k >= bad.whole or beyond(bad, objective.budget, confidence)


def _in_windows(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge each window by its own requests; all windows in which something was due share the confidence."""
    options = objective.options
    windows = indicators.windows(objective)
    if indicators.goes_on:
        windows = windows[: indicators.windows_over(objective)]
    if not windows:
        assert options.over_s is not None
        return no_data(objective, f"no measured stage lasted as long as a window of {format_duration(options.over_s)}")
    evident = [piece.is_evidence(objective) for piece in windows]
    sharing = replace_options(objective, looks=max(1, sum(evident)))
    judged: list[tuple[Indicators, ObjectiveResult]] = []
    empty = 0
    for piece, is_evidence in zip(windows, evident, strict=True):
        result = judge_at_once(sharing, piece)
        if not is_evidence and (objective.by_end or not result.n):
            empty += 1
        elif judged and not piece.is_whole and _asks_for_a_whole_window(objective, piece, result):
            judged.append(_with_rest(sharing, *judged.pop(), piece))
        else:
            judged.append((piece, result))
    if not judged:
        return no_data(objective, "nothing was due in any window")
    return taken_together(objective, [(piece.begins_at_s, result) for piece, result in judged], empty)


def _asks_for_a_whole_window(objective: Objective, rest: Indicators, judged: ObjectiveResult) -> bool:
    """Return whether a shorter window can't be judged by itself.

    It has too few samples for a share or a mean, or the objective is on a number that takes the whole time to come
    about: a rate per second, or a lower limit of a count.
    """
    if not METRICS[objective.metric].distribution and objective.aggregate != "rate":
        return objective.aggregate == "per_second" or objective.op.floor
    needed = samples_to_prove(objective)
    if judged.n:
        return judged.verdict is Status.INCONCLUSIVE and judged.n < needed
    return rest.due(objective) < needed


def _with_rest(
    objective: Objective, piece: Indicators, judged: ObjectiveResult, rest: Indicators
) -> tuple[Indicators, ObjectiveResult]:
    """Judge a window together with a shorter one after it, which mends nothing."""
    together = piece.with_rest(rest)
    result = judge_at_once(objective, together)
    return (piece, judged) if BADNESS[judged.verdict] > BADNESS[result.verdict] else (together, result)


def _judge_mean(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge a mean: FAIL if its whole interval is beyond the limit, or the mean far beyond it; PASS if it is within.

    A PASS is proven, as `strict` demands, if the whole interval is within the limit.
    """
    by_slot = indicators.deviations(objective)
    n, options = sum(slot.n for slot in by_slot), objective.options
    if not n:
        return no_data(objective)
    mean = objective.limit + math.fsum(slot.total for slot in by_slot) / n
    so_far = indicators.goes_on and indicators.window is None
    found = mean_deviation(by_slot, 1 - options.confidence if so_far else TAIL, conservative=not so_far)
    if found is None:
        if options.on_too_few is TooFew.INCONCLUSIVE or indicators.goes_on:
            status, reason = Status.INCONCLUSIVE, f"{n} values are too few for a mean: it takes {ENOUGH_FOR_A_MEAN}"
        else:
            holds = options.on_too_few is TooFew.PASS and objective.op.holds(mean, objective.limit)
            status, reason = (Status.PASS, "") if holds else (Status.FAIL, f"{n} values are too few for a mean")
        return result_of(objective, status, reason, observed=mean, n=n, effective_n=n)
    better, worse = found.bounds(by_slot, objective.op)
    whole = not indicators.goes_on and indicators.window is None
    if whole and better.far_beyond(objective.op, objective.limit, options.fail_confidence):
        status, proven, reason = Status.FAIL, None, ""
    else:
        status, proven, reason = _status_of_mean(objective, better, worse)
    margin = found.margin(options.confidence)
    low, high = (mean - margin, mean + margin) if found.has_interval else (None, None)
    numbers = {"observed": mean, "low": low, "high": high, "n": n, "effective_n": found.effective_n}
    return result_of(objective, status, reason, proven=proven, **numbers)


def _status_of_mean(
    objective: Objective, better: MeanDeviation, worse: MeanDeviation
) -> tuple[Status, bool | None, str]:
    """Return the verdict on a mean, whether a PASS is proven, and the reason, from the bounds of what it may be."""
    op, options = objective.op, objective.options
    if better.beyond(op, options.fail_confidence):
        return Status.FAIL, None, ""
    holds = [op.holds(found.mean, 0.0) for found in (better, worse)]
    proven = [found.within(op, options.confidence) for found in (better, worse)]
    passes = proven if options.strict else holds
    if all(passes):
        return Status.PASS, all(proven), ""
    if not better.has_interval:
        return Status.INCONCLUSIVE, None, _TOO_CORRELATED
    return Status.INCONCLUSIVE, None, _WITHIN_THE_ERRORS if any(passes) else _AT_THE_LIMIT
