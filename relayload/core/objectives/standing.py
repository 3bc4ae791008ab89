"""How an objective stands while the run goes on, for people who watch it."""

import math

from relayload.core.metrics.catalog import METRICS
from relayload.core.model.progress import ObjectiveSoFar, Standing
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.sample_forecast import needed_samples
from relayload.core.objectives.so_far import while_undecided

_GROWING = ("count", "trips", "usd")
"""Sums that may yet reach a lower limit."""
_STANDINGS = {Status.PASS: Standing.PASSING, Status.FAIL: Standing.BROKEN}


def standing(objective: Objective, result: ObjectiveResult) -> ObjectiveSoFar:
    """Return how an objective stands by its result so far."""
    stands = _STANDINGS.get(result.verdict, Standing.UNDECIDED)
    if stands is Standing.BROKEN and objective.aggregate in _GROWING and objective.op.floor:
        stands = Standing.UNDECIDED
    return ObjectiveSoFar(
        expr=result.expr,
        unit=result.unit,
        standing=stands,
        needs=_needs(objective, result) if stands is Standing.UNDECIDED else None,
        observed=result.observed,
        n=result.n,
        warns=not result.counts,
    )


def _needs(objective: Objective, result: ObjectiveResult) -> int | None:
    """Return how many more requests there must be; None where enough are there, or windows count for themselves.

    Where only a proof passes, correlated requests count by what they are worth.
    """
    if objective.options.over_s is not None or objective.aggregate in _GROWING or METRICS[objective.metric].of_audit:
        return None
    needed, worth = needed_samples(while_undecided(objective)), 1.0
    if objective.options.strict and result.n:
        worth = min(1.0, result.effective_n / result.n) or 1.0
    more = math.ceil(needed / worth) - result.n
    return more if more > 0 else None
