"""Objectives on shares and counts: facts of a run rather than a value per request."""

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from types import MappingProxyType

from msgspec.structs import replace

from relayload.core.metrics.breaker_history import open_s, opened_after_s, trips
from relayload.core.metrics.cost import Cost, paid
from relayload.core.model.record import Transition
from relayload.core.model.verdict import Judgement, Word
from relayload.core.objectives.error_budget import judge_rate
from relayload.core.objectives.formatting import share
from relayload.core.objectives.indicators import Evidence, is_abandoned
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.result import finite, judgement, nothing
from relayload.core.objectives.statistics import Bad


def _judge_error_rate(objective: Objective, evidence: Evidence) -> Judgement:
    bad, lost = evidence.bad(objective), evidence.lost
    judged = _judge_share_of(objective, bad, "failed")
    whole = bad.n + lost
    return _unless_lost(objective, judged, lost, [k / whole for k in _with_lost(bad, lost) if whole])


def _with_lost(bad: Bad, lost: int) -> tuple[int, int]:
    """How many failed, if none of the lost did, and if all of them did."""
    return bad.at_most.k, bad.at_most.k + lost


def _unless_lost(objective: Objective, judged: Judgement, lost: int, possible: Iterable[float]) -> Judgement:
    """Nobody knows what came of lost requests, so there is no PASS unless it holds whatever came of them."""
    if not lost or judged.verdict is not Word.PASS or all(objective.op.holds(k, objective.limit) for k in possible):
        return judged
    return replace(judged, verdict=Word.INCONCLUSIVE, reason=f"{lost} were lost, and nobody knows what came of them")


def _unless_any_lost(objective: Objective, judged: Judgement, lost: int) -> Judgement:
    """Nobody knows how often lost requests were tried or what they cost, so no limit to that was surely kept."""
    return judged if objective.op.floor else _unless_lost(objective, judged, lost, [objective.limit, math.inf])


def _judge_retry_rate(objective: Objective, evidence: Evidence) -> Judgement:
    """Where there are as many retries as requests, or may be, the rate is no share."""
    bad = evidence.bad(objective)
    if objective.limit >= 1 and evidence.goes_on:
        return judgement(objective, Word.INCONCLUSIVE, "more requests may come that need no retry")
    if bad.at_most.k >= bad.at_most.whole or objective.limit >= 1:
        reason = f"{bad.at_most.k} of {bad.n}, {share(objective.limit)} may"
        judged = _judge_number(objective, bad.at_most.k / bad.n if bad.n else 0.0, bad.n, evidence)
        judged = replace(judged, reason=reason) if judged.verdict is Word.FAIL and bad.n else judged
    else:
        judged = _judge_share_of(objective, bad, "were tried again")
    return _unless_any_lost(objective, judged, evidence.lost)


def _judge_share_of(objective: Objective, bad: Bad, what: str) -> Judgement:
    """A share that may not be more than the limit has a budget, any other is a fact."""
    if not bad.n:
        return nothing(objective)
    if not objective.bounds_what_is_bad:
        return _compare(objective, bad.at_most.k / bad.n, bad.n)
    return judge_rate(objective, bad, what)


def _judge_goodput(objective: Objective, evidence: Evidence) -> Judgement:
    """Those that are not good have what is left of the limit as their budget."""
    bad = evidence.bad(objective)
    if not bad.n or evidence.nobody_can_tell(objective):
        return nothing(objective)
    if not objective.bounds_what_is_bad:
        return _compare(objective, (bad.n - bad.at_most.k) / bad.n, bad.n)
    return judge_rate(objective, bad, "were not good", of_good=True)


def _judge_good_rate(objective: Objective, evidence: Evidence) -> Judgement:
    bad = evidence.bad(objective)
    if not bad.n or evidence.nobody_can_tell(objective):
        return nothing(objective)
    return _judge_per_second(objective, evidence, bad.n - bad.at_most.k, bad.n)


def _judge_error_count(objective: Objective, evidence: Evidence) -> Judgement:
    bad = evidence.bad(objective)
    judged = _judge_number(objective, bad.at_most.k, bad.n, evidence)
    return _unless_lost(objective, judged, evidence.lost, _with_lost(bad, evidence.lost))


def _judge_retry_count(objective: Objective, evidence: Evidence) -> Judgement:
    bad = evidence.bad(objective)
    return _unless_any_lost(objective, _judge_number(objective, bad.at_most.k, bad.n, evidence), evidence.lost)


def _judge_requests(objective: Objective, evidence: Evidence) -> Judgement:
    count = _requests(objective, evidence)
    judged = _judge_number(objective, count, count, evidence)
    return _unless_lost(objective, judged, evidence.lost, (count, count + evidence.lost))


def _requests(objective: Objective, evidence: Evidence) -> int:
    return sum(slot.n for slot in evidence.slots(objective))


def _judge_throughput(objective: Objective, evidence: Evidence) -> Judgement:
    slots = evidence.slots(objective)
    return _judge_per_second(objective, evidence, sum(slot.ended_ok for slot in slots), sum(slot.n for slot in slots))


def _judge_output_tokens(objective: Objective, evidence: Evidence) -> Judgement:
    slots = evidence.slots(objective)
    return _judge_per_second(objective, evidence, sum(slot.total for slot in slots), sum(slot.n for slot in slots))


def _judge_cost(objective: Objective, evidence: Evidence) -> Judgement:
    """A limit that is passed by what is known is passed, though some of the cost is not."""
    used = evidence.used(objective)
    cost = paid(used, evidence.run)
    known, priced = known_usd(cost), sum(map(len, used.values())) if cost.by_model else 0
    if cost.usd is None:
        reason = f"no price for {', '.join(cost.unpriced)}: write target.prices"
        reason = reason if cost.unpriced else f"{', '.join(cost.untold)} never told its tokens"
        if not objective.passed_by(known):
            return nothing(objective, reason)
        judged = _judge_number(objective, known, priced, evidence)
        return replace(judged, verdict=Word.FAIL, reason=f"what is known has passed it; {reason}")
    return _unless_any_lost(objective, _judge_number(objective, known, priced, evidence), evidence.lost)


def known_usd(cost: Cost) -> float:
    """What is known of a cost. Dollars to a millionth keep their order as floats."""
    return float(sum(cost.by_model.values()))


def _judge_makespan(objective: Objective, evidence: Evidence) -> Judgement:
    """A batch of which a request never ended took infinitely long."""
    run, source = evidence.run, evidence.source
    if run.requests is None:
        return nothing(objective, "the load was no batch")
    if source.first_start_s is None:
        return nothing(objective)
    requests = run.requests * run.copies
    ended = sum(len(used) for key, used in source.used.items() if not is_abandoned(key))
    if ended >= requests:
        return _judge_number(objective, source.last_end_s - source.first_start_s, requests, evidence)
    reason = f"{requests - ended} of {requests} requests never ended"
    return judgement(objective, Word.FAIL, reason, n=requests, effective_n=requests)


def _judge_per_second(objective: Objective, evidence: Evidence, count: float, n: int) -> Judgement:
    seconds = evidence.seconds(objective)
    return _judge_number(objective, count / seconds, n, evidence) if seconds > 0 else nothing(objective)


def _judge_number(objective: Objective, observed: float, n: int, evidence: Evidence) -> Judgement:
    """Compare a number that is not a sample but a fact of the run; while that goes on, one that only grows."""
    if not n and objective.metric != "requests":
        return nothing(objective)
    if evidence.goes_on and not objective.passed_by(observed):
        return judgement(objective, Word.INCONCLUSIVE, "the run goes on", observed=observed, n=n, effective_n=n)
    return _compare(objective, observed, n)


def _compare(objective: Objective, observed: float, n: int) -> Judgement:
    word = Word.PASS if objective.op.holds(observed, objective.limit) else Word.FAIL
    return judgement(objective, word, "", observed=observed, n=n, effective_n=n)


def _judge_trips(objective: Objective, evidence: Evidence) -> Judgement:
    return _judge_breakers(objective, evidence, len(_trips(objective, evidence)))


def _judge_open_time(objective: Objective, evidence: Evidence) -> Judgement:
    return _judge_breakers(objective, evidence, open_s(evidence.breakers(objective), evidence.measured_spans))


def _judge_breakers(objective: Objective, evidence: Evidence, amount: float) -> Judgement:
    """Zero counts as measured once there was a request. More speaks for itself: attempts trip a breaker."""
    return _judge_number(objective, amount, _requests(objective, evidence) or int(amount > 0), evidence)


def _judge_opened_after(objective: Objective, evidence: Evidence) -> Judgement:
    """The trip that took longest after the first of the failures behind it."""
    found = _trips(objective, evidence)
    told = [seconds for trip in found if (seconds := opened_after_s(trip)) is not None]
    return _judge_worst(objective, told, "no trip told when its failures began" if found else _NEVER_OPENED)


def _judge_recovered_after(objective: Objective, evidence: Evidence) -> Judgement:
    """The breaker that took longest from its first trip until it was closed again, if it ever was."""
    took = [
        recovery.after_s
        for breaker in evidence.breakers(objective)
        for recovery in breaker.recoveries()
        if evidence.in_measured(recovery.trip.at_s)
    ]
    return _judge_worst(objective, took, _NEVER_OPENED)


def _trips(objective: Objective, evidence: Evidence) -> list[Transition]:
    changes = chain.from_iterable(breaker.changes for breaker in evidence.breakers(objective))
    return [trip for trip in trips(changes) if evidence.in_measured(trip.at_s)]


def _judge_worst(objective: Objective, seconds: list[float], without: str) -> Judgement:
    if not seconds:
        return nothing(objective, without)
    worst = max(seconds)
    word = Word.PASS if math.isfinite(worst) and objective.op.holds(worst, objective.limit) else Word.FAIL
    reason = "" if math.isfinite(worst) else f"{seconds.count(worst)} of {len(seconds)} never closed again"
    return judgement(objective, word, reason, observed=finite(worst), n=len(seconds), effective_n=len(seconds))


_NEVER_OPENED = "the breaker never opened"

FACTS: Mapping[tuple[str, str], Callable[[Objective, Evidence], Judgement]] = MappingProxyType(
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
        ("breaker", "trips"): _judge_trips,
        ("breaker", "open_time"): _judge_open_time,
        ("breaker", "opened_after"): _judge_opened_after,
        ("breaker", "recovered_after"): _judge_recovered_after,
    }
)
"""Who judges which metric and aggregate."""
