"""Results of objectives, and their reasons."""

import math
from typing import Any

from relayload.core.model.objective_options import NoData
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.formatting import share
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.statistics import BadEvents


def no_data(objective: Objective, reason: str = "nothing was measured") -> ObjectiveResult:
    """Return the result without data, which is never a PASS unless the options say so."""
    return result_of(objective, _NO_DATA[objective.options.on_no_data], reason)


def result_of(objective: Objective, status: Status, reason: str, **numbers: Any) -> ObjectiveResult:
    """Return the result of this objective; `numbers` are further fields."""
    return ObjectiveResult(
        id=objective.id,
        expr=objective.text,
        unit=objective.unit.value,
        limit=objective.limit,
        verdict=status,
        reason=reason,
        confidence=objective.options.confidence,
        severity=objective.options.severity,
        **numbers,
    )


BETWEEN_THE_BOUNDS = (
    "what arrived while this machine was busy is known only to lie between bounds; use fewer streams per process, more "
    "--processes, or an idle core"
)
"""Why a value may be off, and what to do about it."""

_NO_DATA = {NoData.FAIL: Status.FAIL, NoData.PASS: Status.PASS, NoData.INCONCLUSIVE: Status.INCONCLUSIVE}


def finite(value: float | None) -> float | None:
    """Return the value, or None if it is infinite or None."""
    return value if value is not None and math.isfinite(value) else None


def share_reason(
    status: Status, seen: BadEvents, budget: float, needed: int, holds: bool, what: str = "were not within the limit"
) -> str:
    """Return why a share did not pass; empty if it did."""
    if status is Status.PASS:
        return ""
    seen_share = f"{seen.k} of {seen.n} {what}, {share(budget)} may"
    if not holds:
        return seen_share if status is Status.FAIL else f"{seen_share}: too close to tell"
    if seen.n < needed:
        return f"needs {needed:,} requests, and there are {seen.n:,}"
    correlated = "" if seen.effective_n >= seen.n else f"; these {seen.n:,} are worth about {seen.effective_n:,}"
    return f"{seen_share}: observed, but not proven, as strict asks{correlated}"
