"""What came of one objective, and the words for it."""

import math
from typing import Any

from relayload.core.model.terms import NoData
from relayload.core.model.verdict import Judgement, Word
from relayload.core.objectives.formatting import share
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.statistics import Exceedance


def nothing(objective: Objective, reason: str = "nothing was measured") -> Judgement:
    """No data is never a pass, unless the objective says so."""
    return judgement(objective, _NO_DATA[objective.terms.on_no_data], reason)


def judgement(objective: Objective, word: Word, reason: str, **numbers: Any) -> Judgement:
    """A judgement on this objective; `numbers` are further fields."""
    return Judgement(
        id=objective.id,
        expr=objective.text,
        unit=objective.unit.value,
        limit=objective.limit,
        verdict=word,
        reason=reason,
        confidence=objective.terms.confidence,
        severity=objective.terms.severity,
        **numbers,
    )


_NO_DATA = {NoData.FAIL: Word.FAIL, NoData.PASS: Word.PASS, NoData.INCONCLUSIVE: Word.INCONCLUSIVE}


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
    if seen.effective_n < needed:
        return _too_few(seen, needed)
    return f"{seen_share}: not proven, as strict asks"


def _too_few(seen: Exceedance, needed: int) -> str:
    """In numbers of independent samples, of which there are fewer where neighbours are slow together."""
    if seen.effective_n >= seen.n:
        return f"needs {needed} independent samples, and there are {seen.n}"
    return f"needs {needed} independent samples; these {seen.n} are correlated and worth about {seen.effective_n}"
