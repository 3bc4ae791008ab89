"""Objectives on shares and counts: facts of a run rather than a value per request."""

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from types import MappingProxyType

from msgspec.structs import replace

from relayload.core.results.batch import batch_of
from relayload.core.results.breakers import open_s, opened_after_s, trips
from relayload.core.results.cost import Cost
from relayload.core.results.fold import account
from relayload.core.results.record import Transition
from relayload.core.results.targets import paid
from relayload.core.verdict.evidence import Evidence
from relayload.core.verdict.judgement import Judgement, finite, judgement, nothing, share_reason
from relayload.core.verdict.objective import Objective
from relayload.core.verdict.stats import Exceedance, Word, judge_share, samples_to_resolve


def _judge_error_rate(objective: Objective, evidence: Evidence) -> Judgement:
    seen = evidence.errors(objective)
    judged = _judge_share_of(objective, seen, "failed")
    whole = seen.n + evidence.lost
    return _unless_lost(objective, judged, evidence.lost, [k / whole for k in _with_lost(seen, evidence.lost) if whole])


def _with_lost(seen: Exceedance, lost: int) -> tuple[int, int]:
    """How many failed, if none of the lost did, and if all of them did."""
    return seen.k, seen.k + lost


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
    seen = evidence.retries(objective)
    if seen.k >= seen.n or objective.limit >= 1:
        judged = _judge_number(objective, seen.k / seen.n if seen.n else 0.0, seen.n)
    else:
        judged = _judge_share_of(objective, seen, "were tried again")
    return _unless_any_lost(objective, judged, evidence.lost)


def _judge_share_of(objective: Objective, seen: Exceedance, what: str) -> Judgement:
    """The share k of n: one that may not be more than the limit has a budget, any other is a fact."""
    if not seen.n:
        return nothing(objective)
    if not objective.bounds_what_is_bad:
        return _judge_number(objective, seen.k / seen.n, seen.n)
    seen = seen.against(objective.budget)
    low, high = seen.bounds(objective.terms.confidence)
    return _judge_budget(objective, seen, what, observed=seen.k / seen.n, low=low, high=high)


def _judge_goodput(objective: Objective, evidence: Evidence) -> Judgement:
    """Those that are not good have what is left of the limit as their budget."""
    seen = evidence.goodput(objective)
    if seen is None:
        return nothing(objective)
    good = (seen.n - seen.k) / seen.n
    if not objective.bounds_what_is_bad:
        return _judge_number(objective, good, seen.n)
    seen = seen.against(objective.budget)
    low, high = seen.bounds(objective.terms.confidence)
    return _judge_budget(objective, seen, "were not good", observed=good, low=1 - high, high=1 - low)


def _judge_good_rate(objective: Objective, evidence: Evidence) -> Judgement:
    seen = evidence.goodput(objective)
    return _judge_rate(objective, seen.n - seen.k, evidence.seconds(objective), seen.n) if seen else nothing(objective)


def _judge_budget(objective: Objective, seen: Exceedance, what: str, **numbers: float) -> Judgement:
    """A share of bad ones against the share that may be; `numbers` are what was observed, and its interval."""
    budget = objective.budget
    holds = objective.op.holds(numbers["observed"], objective.limit)
    needed = samples_to_resolve(budget)
    word = judge_share(seen, budget, holds=holds, needed=needed, terms=objective.terms)
    return judgement(
        objective,
        word,
        share_reason(word, seen, budget, needed, holds, what),
        n=seen.n,
        effective_n=seen.effective_n,
        k=seen.k,
        budget=budget,
        **numbers,
    )


def _judge_error_count(objective: Objective, evidence: Evidence) -> Judgement:
    errors = evidence.errors(objective)
    judged = _judge_number(objective, errors.k, errors.n)
    return _unless_lost(objective, judged, evidence.lost, _with_lost(errors, evidence.lost))


def _judge_retry_count(objective: Objective, evidence: Evidence) -> Judgement:
    retries = evidence.retries(objective)
    return _unless_any_lost(objective, _judge_number(objective, retries.k, retries.n), evidence.lost)


def _judge_requests(objective: Objective, evidence: Evidence) -> Judgement:
    count = evidence.requests(objective).count
    return _unless_lost(
        objective, _judge_number(objective, count, count), evidence.lost, (count, count + evidence.lost)
    )


def _judge_throughput(objective: Objective, evidence: Evidence) -> Judgement:
    requests = evidence.requests(objective)
    ok = requests.where(lambda key: key.ok)
    return _judge_rate(objective, ok.count, evidence.seconds(objective), requests.count)


def _judge_output_tokens(objective: Objective, evidence: Evidence) -> Judgement:
    requests = evidence.requests(objective)
    ok = requests.where(lambda key: key.ok)
    return _judge_rate(objective, ok.output_tokens, evidence.seconds(objective), requests.count)


def _judge_cost(objective: Objective, evidence: Evidence) -> Judgement:
    """A limit that is passed by what is known is passed, though some of the cost is not."""
    requests = evidence.paid(objective)
    cost = paid(requests.cells, evidence.run)
    known, priced = known_usd(cost), requests.count if cost.by_model else 0
    if cost.usd is None:
        reason = f"no price for {', '.join(cost.unpriced)}: write target.prices"
        reason = reason if cost.unpriced else f"{', '.join(cost.untold)} never told its tokens"
        if not objective.passed_by(known):
            return nothing(objective, reason)
        return replace(
            _judge_number(objective, known, priced), verdict=Word.FAIL, reason=f"what is known has passed it; {reason}"
        )
    return _unless_any_lost(objective, _judge_number(objective, known, priced), evidence.lost)


def known_usd(cost: Cost) -> float:
    """What is known of a cost. Dollars to a millionth keep their order as floats."""
    return float(sum(cost.by_model.values()))


def _judge_makespan(objective: Objective, evidence: Evidence) -> Judgement:
    """A batch of which a request never ended took infinitely long."""
    tally = batch_of(evidence.fold, evidence.run, account(evidence.fold, evidence.run))
    if tally is None:
        return nothing(objective, "the load was no batch")
    if tally.makespan_s is None:
        return nothing(objective)
    if tally.finished:
        return _judge_number(objective, tally.makespan_s, tally.requests)
    ended = tally.done + tally.failed
    reason = f"{tally.requests - ended} of {tally.requests} requests never ended"
    return judgement(objective, Word.FAIL, reason, n=tally.requests, effective_n=tally.requests)


def _judge_rate(objective: Objective, count: float, seconds: float, n: int) -> Judgement:
    return _judge_number(objective, count / seconds, n) if seconds > 0 else nothing(objective)


def _judge_number(objective: Objective, observed: float, n: int) -> Judgement:
    """Compare a number that is not a sample but a fact of the run."""
    if not n and objective.metric != "requests":
        return nothing(objective)
    word = Word.PASS if objective.op.holds(observed, objective.limit) else Word.FAIL
    return judgement(objective, word, "", observed=observed, n=n, effective_n=n)


def _judge_trips(objective: Objective, evidence: Evidence) -> Judgement:
    return _judge_breakers(objective, evidence, len(_trips(objective, evidence)))


def _judge_open_time(objective: Objective, evidence: Evidence) -> Judgement:
    return _judge_breakers(objective, evidence, open_s(evidence.breakers(objective), evidence.measured_spans))


def _judge_breakers(objective: Objective, evidence: Evidence, amount: float) -> Judgement:
    """Zero counts as measured once there was a request. More speaks for itself: attempts trip a breaker."""
    n = evidence.requests(objective).count
    return _judge_number(objective, amount, n or int(amount > 0))


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
