"""What came of one objective, and the words for it."""

import math
from typing import Any

from msgspec import Struct

from relayload.core.verdict.objective import Objective
from relayload.core.verdict.stats import Exceedance, Word
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


def nothing(objective: Objective, reason: str = "nothing was measured") -> Judgement:
    """No data is never a pass."""
    return judgement(objective, Word.FAIL, reason)


def judgement(objective: Objective, word: Word, reason: str, **numbers: Any) -> Judgement:
    """A judgement on this objective; `numbers` are further fields."""
    return Judgement(
        id=objective.text,
        expr=objective.text,
        unit=objective.unit.value,
        limit=objective.limit,
        verdict=word,
        reason=reason,
        **numbers,
    )


def finite(value: float | None) -> float | None:
    """The value, or None if it is infinite or none at all."""
    return value if value is not None and math.isfinite(value) else None


def share_reason(
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
