"""Objectives on shares and counts: facts of a run rather than one value per request."""

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from types import MappingProxyType

from msgspec.structs import replace

from relayload.core.metrics.breaker_history import open_s, opened_after_s, trips
from relayload.core.metrics.cost import Cost, paid
from relayload.core.model.record import Transition
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.error_budget import judge_rate
from relayload.core.objectives.formatting import share
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.result import BETWEEN_THE_BOUNDS, finite, no_data, result_of
from relayload.core.objectives.statistics import BadBounds


def _judge_error_rate(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    bad, lost = indicators.bad(objective), indicators.lost
    judged = _judge_share_of(objective, indicators, bad, "failed")
    whole = bad.n + lost
    return _unless_lost(objective, judged, lost, [k / whole for k in _with_lost(bad, lost) if whole])


def _with_lost(bad: BadBounds, lost: int) -> tuple[int, int]:
    """Return how many failed if none of the lost requests did, and if all of them did."""
    return bad.at_most.k, bad.at_most.k + lost


def _unless_lost(
    objective: Objective, judged: ObjectiveResult, lost: int, possible: Iterable[float]
) -> ObjectiveResult:
    """Withhold a PASS unless it holds for every possible result of the lost requests."""
    if not lost or judged.verdict is not Status.PASS or all(objective.op.holds(k, objective.limit) for k in possible):
        return judged
    return replace(
        judged, verdict=Status.INCONCLUSIVE, proven=None, reason=f"{lost} were lost, and nobody knows what came of them"
    )


def _unless_any_lost(objective: Objective, judged: ObjectiveResult, lost: int) -> ObjectiveResult:
    """Withhold a PASS on an upper limit if requests were lost: their retries and costs are unknown."""
    return judged if objective.op.floor else _unless_lost(objective, judged, lost, [objective.limit, math.inf])


def _judge_retry_rate(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the rate as a number, not as a share, where retries may equal or exceed requests."""
    bad = indicators.bad(objective)
    if objective.limit >= 1 and indicators.goes_on:
        return result_of(objective, Status.INCONCLUSIVE, "more requests may come that need no retry")
    if bad.at_most.k >= bad.at_most.whole or objective.limit >= 1:
        reason = f"{bad.at_most.k} of {bad.n}, {share(objective.limit)} may"
        judged = _judge_number(objective, bad.at_most.k / bad.n if bad.n else 0.0, bad.n, indicators)
        judged = replace(judged, reason=reason) if judged.verdict is Status.FAIL and bad.n else judged
    else:
        judged = _judge_share_of(objective, indicators, bad, "were tried again")
    return _unless_any_lost(objective, judged, indicators.lost)


def _judge_share_of(objective: Objective, indicators: Indicators, bad: BadBounds, what: str) -> ObjectiveResult:
    """Judge an upper limit of a share by its error budget, any other condition as a fact."""
    if not bad.n:
        return no_data(objective)
    if not objective.bounds_what_is_bad:
        return _compare(objective, bad.at_most.k / bad.n, bad.n)
    return judge_rate(objective, bad, indicators, what)


def _judge_goodput(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge goodput; the budget of bad requests is what its lower limit leaves."""
    bad = indicators.bad(objective)
    if not bad.n or indicators.nobody_can_tell(objective):
        return no_data(objective)
    if not objective.bounds_what_is_bad:
        worse, better = (_compare(objective, (bad.n - k) / bad.n, bad.n) for k in (bad.at_most.k, bad.at_least.k))
        return _if_agreed(worse, better)
    return judge_rate(objective, bad, indicators, "were not good", of_good=True)


def _judge_good_rate(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    bad = indicators.bad(objective)
    if not bad.n or indicators.nobody_can_tell(objective):
        return no_data(objective)
    worse, better = (
        _judge_per_second(objective, indicators, bad.n - k, bad.n) for k in (bad.at_most.k, bad.at_least.k)
    )
    return _if_agreed(worse, better)


def _if_agreed(worse: ObjectiveResult, better: ObjectiveResult) -> ObjectiveResult:
    """Return the result by the worse bounds of the values, unless the better ones give another verdict."""
    if worse.verdict is better.verdict:
        return worse
    return replace(worse, verdict=Status.INCONCLUSIVE, reason=BETWEEN_THE_BOUNDS)


def _judge_error_count(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the number of failures; those of requests that were cancelled on purpose are known to be none."""
    bad = indicators.bad(objective)
    ended = bad.n + sum(slot.cancelled for slot in indicators.slots(objective))
    judged = _judge_number(objective, bad.at_most.k, ended, indicators)
    return _unless_lost(objective, judged, indicators.lost, _with_lost(bad, indicators.lost))


def _judge_retry_count(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    bad = indicators.bad(objective)
    return _unless_any_lost(objective, _judge_number(objective, bad.at_most.k, bad.n, indicators), indicators.lost)


def _judge_valid_rate(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the share of what is valid; the budget of what is not is what its lower limit leaves."""
    bad, lost = indicators.bad(objective), indicators.lost
    if not bad.n:
        return no_data(objective, _NOTHING_CHECKED[objective.metric])
    good, whole = bad.n - bad.at_most.k, bad.n + lost
    if objective.bounds_what_is_bad:
        judged = judge_rate(objective, bad, indicators, "were not valid", of_good=True)
    else:
        judged = _compare(objective, good / bad.n, bad.n)
    return _unless_lost(objective, judged, lost, [good / whole, (good + lost) / whole])


_NOTHING_CHECKED = MappingProxyType(
    {
        "tool_calls.valid": "no ok answer has a tool call",
        "structured_output.valid": "no ok answer was to fit a schema that can be checked",
    }
)


def _judge_stream_rate(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the share of streams that have a flaw."""
    bad, lost = indicators.bad(objective), indicators.lost
    judged = _judge_share_of(objective, indicators, bad, _FLAWS[objective.metric])
    whole = bad.n + lost
    return _unless_lost(objective, judged, lost, [k / whole for k in _with_lost(bad, lost) if whole])


_FLAWS = MappingProxyType({"stream.broken": "broke", "stream.coalesced": "were coalesced"})


def _judge_stream_count(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge a number of streams, or of gaps in them, between the bounds of what was measured."""
    bad = indicators.bad(objective)
    worse, better = (_judge_number(objective, k, bad.n, indicators) for k in (bad.at_most.k, bad.at_least.k))
    return _unless_any_lost(objective, _if_agreed(worse, better), indicators.lost)


def _judge_requests(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    count = _requests(objective, indicators)
    judged = _judge_number(objective, count, count, indicators)
    return _unless_lost(objective, judged, indicators.lost, (count, count + indicators.lost))


def _requests(objective: Objective, indicators: Indicators) -> int:
    return sum(slot.n for slot in indicators.slots(objective))


def _judge_throughput(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    slots = indicators.slots(objective)
    return _judge_per_second(objective, indicators, sum(slot.ended_ok for slot in slots), sum(slot.n for slot in slots))


def _judge_output_tokens(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    slots = indicators.slots(objective)
    return _judge_per_second(objective, indicators, sum(slot.total for slot in slots), sum(slot.n for slot in slots))


def _judge_cost(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the cost; if its known part exceeds the limit, the unknown part does not matter."""
    used = indicators.used(objective)
    cost = paid(used, indicators.run)
    known, priced = known_usd(cost), sum(map(len, used.values())) if cost.by_model else 0
    if cost.usd is None:
        reason = f"no price for {', '.join(cost.unpriced)}: write target.prices"
        reason = reason if cost.unpriced else f"{', '.join(cost.untold)} never told its tokens"
        if not objective.passed_by(known):
            return no_data(objective, reason)
        judged = _judge_number(objective, known, priced, indicators)
        return replace(judged, verdict=Status.FAIL, reason=f"what is known has passed it; {reason}")
    return _unless_any_lost(objective, _judge_number(objective, known, priced, indicators), indicators.lost)


def known_usd(cost: Cost) -> float:
    """Return the known part of a cost. Dollars to a millionth keep their order as floats."""
    return float(sum(cost.by_model.values()))


def _judge_makespan(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the makespan, which is infinite for a batch with a request that never ended."""
    run, source = indicators.run, indicators.source
    if run.requests is None:
        return no_data(objective, "the load was no batch")
    if source.first_start_s is None:
        return no_data(objective)
    requests = run.requests * run.copies
    ended = sum(len(used) for tags, used in source.used.items() if not tags.abandoned)
    if ended >= requests:
        return _judge_number(objective, source.last_end_s - source.first_start_s, requests, indicators)
    reason = f"{requests - ended} of {requests} requests never ended"
    return result_of(objective, Status.FAIL, reason, n=requests, effective_n=requests)


def _judge_per_second(objective: Objective, indicators: Indicators, count: float, n: int) -> ObjectiveResult:
    """Judge a rate of what ended. Zero counts as measured once a request was sent, whether it has ended or not."""
    seconds = indicators.seconds(objective)
    n = n or sum(map(len, indicators.used(objective).values()))
    return _judge_number(objective, count / seconds, n, indicators) if seconds > 0 else no_data(objective)


def _judge_number(objective: Objective, observed: float, n: int, indicators: Indicators) -> ObjectiveResult:
    """Judge a number that is a fact of the run, not a sample; while the run goes on, it can only grow."""
    if not n and objective.metric != "requests":
        return no_data(objective)
    if indicators.goes_on and not objective.passed_by(observed):
        return result_of(objective, Status.INCONCLUSIVE, "the run goes on", observed=observed, n=n, effective_n=n)
    return _compare(objective, observed, n)


def _compare(objective: Objective, observed: float, n: int) -> ObjectiveResult:
    status = Status.PASS if objective.op.holds(observed, objective.limit) else Status.FAIL
    return result_of(objective, status, "", observed=observed, n=n, effective_n=n)


def _judge_trips(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    return _judge_breakers(objective, indicators, len(_trips(objective, indicators)))


def _judge_open_time(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    return _judge_breakers(objective, indicators, open_s(indicators.breakers(objective), indicators.measured_spans))


def _judge_breakers(objective: Objective, indicators: Indicators, amount: float) -> ObjectiveResult:
    """Judge a number of breakers. Zero counts as measured once there was a request; trips prove attempts."""
    return _judge_number(objective, amount, _requests(objective, indicators) or int(amount > 0), indicators)


def _judge_opened_after(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the trip that took longest after the first failure that caused it."""
    found = _trips(objective, indicators)
    waits_s = [seconds for trip in found if (seconds := opened_after_s(trip)) is not None]
    return _judge_worst(objective, waits_s, "no trip told when its failures began" if found else _NEVER_OPENED)


def _judge_recovered_after(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the breaker that took longest from its first trip until it was closed again, if ever."""
    took = [
        recovery.after_s
        for breaker in indicators.breakers(objective)
        for recovery in breaker.recoveries()
        if indicators.in_measured(recovery.trip.at_s)
    ]
    return _judge_worst(objective, took, _NEVER_OPENED)


def _trips(objective: Objective, indicators: Indicators) -> list[Transition]:
    changes = chain.from_iterable(breaker.changes for breaker in indicators.breakers(objective))
    return [trip for trip in trips(changes) if indicators.in_measured(trip.at_s)]


def _judge_worst(objective: Objective, seconds: list[float], without: str) -> ObjectiveResult:
    if not seconds:
        return no_data(objective, without)
    worst = max(seconds)
    status = Status.PASS if math.isfinite(worst) and objective.op.holds(worst, objective.limit) else Status.FAIL
    reason = "" if math.isfinite(worst) else f"{seconds.count(worst)} of {len(seconds)} never closed again"
    return result_of(objective, status, reason, observed=finite(worst), n=len(seconds), effective_n=len(seconds))


_NEVER_OPENED = "the breaker never opened"

COUNTERS: Mapping[tuple[str, str], Callable[[Objective, Indicators], ObjectiveResult]] = MappingProxyType(
    {
        ("errors", "rate"): _judge_error_rate,
        ("errors", "count"): _judge_error_count,
        ("retries", "rate"): _judge_retry_rate,
        ("retries", "count"): _judge_retry_count,
        ("requests", "count"): _judge_requests,
        ("throughput", "per_second"): _judge_throughput,
        ("output_tokens", "per_second"): _judge_output_tokens,
        ("cost", "usd"): _judge_cost,
        ("batch", "makespan"): _judge_makespan,
        ("goodput", "rate"): _judge_goodput,
        ("goodput", "per_second"): _judge_good_rate,
        ("tool_calls.valid", "rate"): _judge_valid_rate,
        ("structured_output.valid", "rate"): _judge_valid_rate,
        ("stream.broken", "rate"): _judge_stream_rate,
        ("stream.broken", "count"): _judge_stream_count,
        ("stream.coalesced", "rate"): _judge_stream_rate,
        ("stall", "count"): _judge_stream_count,
        ("breaker", "trips"): _judge_trips,
        ("breaker", "open_time"): _judge_open_time,
        ("breaker", "opened_after"): _judge_opened_after,
        ("breaker", "recovered_after"): _judge_recovered_after,
    }
)
"""The function that judges each metric and aggregate."""
