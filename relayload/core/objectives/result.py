"""What came of one objective, and the words for it."""

import math
from typing import Any

from msgspec import Struct

from relayload.core.model.terms import NoData, Severity, Written
from relayload.core.objectives.formatting import share
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.statistics import Exceedance, Word
from relayload.core.stats.sample import CONFIDENCE


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
    confidence: float = CONFIDENCE
    """Of the interval, and of the verdict."""
    severity: Severity = Severity.ERROR
    """A warning never fails the run."""
    windows: "Windows | None" = None
    """Where it was judged in windows; the numbers above are then those of the worst one."""
    written: Written | None = None
    """Where the profile says it; None where nobody kept that."""

    @property
    def counts(self) -> bool:
        """Whether the verdict of the run depends on it."""
        return self.severity is Severity.ERROR

    @property
    def passes_unproven(self) -> bool:
        """It passes, as the sample meets the limit, though the interval reaches to or beyond that."""
        if self.verdict is not Word.PASS or (self.low is None and self.high is None):
            return False
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return low <= self.limit <= high and low < high


class Windows(Struct, frozen=True, kw_only=True):
    """How an objective fared window by window."""

    over_s: float
    wanted_in_a_row: int
    """So many broken windows in a row break the objective."""
    count: int
    broken: int
    most_in_a_row: int
    worst_at_s: float
    """When the window began whose numbers are shown."""


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
