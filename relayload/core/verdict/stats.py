"""What a sample proves about a share: the statistics of a verdict, without scipy.

An objective on a percentile is one on a share: "p99 < T" says that at most 1 % of the requests are not below T, the
*budget*. With k of n over the limit the verdict is

    FAIL          when the one-sided lower bound (95 %, or as asked) of the share is over the budget;
    PASS          when the sample meets the objective and is large enough to tell;
    INCONCLUSIVE  otherwise.

Under `strict` a PASS needs the upper bound within the budget as well. Bounds are Clopper and Pearson's, with n
replaced by the effective sample size, since neighbouring requests are slow together.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from statistics import NormalDist
from typing import NamedTuple

from relayload.core.results.binomial import share_bounds
from relayload.core.results.sample import CONFIDENCE, batched_size
from relayload.core.results.terms import PLAIN, Terms
from relayload.core.verdict.objective import Op

ENOUGH_FOR_A_MEAN = 30
_LEAST_BATCHES, _MOST_BATCHES = 10, 40


class Word(StrEnum):
    """What can be said of an objective, or of a whole run."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"
    STOPPED = "STOPPED"
    """A guardrail ended the run."""
    NOT_JUDGED = "NOT JUDGED"
    """A run without objectives, which was carried out."""


BySlot = Sequence[tuple[int, int]]
"""Those over the limit and all requests of each slot of time, in order."""


@dataclass(frozen=True, slots=True)
class Exceedance:
    """k of n requests were over the limit, which tell as much as `effective_n` independent ones would."""

    k: int
    n: int
    effective_n: int
    by_slot: Callable[[], BySlot] | None = field(default=None, compare=False)

    def against(self, budget: float) -> "Exceedance":
        """The same sample, sized for what it may prove of a share.

        One within the budget may be large enough to pass. One beyond it may prove that the share is, and is sized by
        those that are over the limit, second by second: that much is also known while a run goes on.
        """
        if self.by_slot is None or self.k <= budget * self.n:
            return self
        return replace(self, effective_n=batched_size(self.by_slot()))

    def bounds(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """One-sided bounds of the share over the limit."""
        return share_bounds(self.k * self.effective_n / self.n, self.effective_n, confidence)


def samples_needed(budget: float, confidence: float = CONFIDENCE) -> int:
    """The fewest samples that can prove, when none is over the limit, that the share is within the budget.

    ln(1 - confidence) / ln(1 - budget): 299 for p99. One where the budget is nothing or everything.
    """
    if budget <= 0.0 or budget >= 1.0:
        return 1
    return math.ceil(math.log(1 - confidence) / math.log1p(-budget) - 1e-9)


def samples_to_resolve(budget: float) -> int:
    """The fewest samples of which one alone is not more than the budget."""
    return math.ceil(1 / budget - 1e-9) if budget > 0 else 1


def beyond(seen: Exceedance, budget: float, confidence: float) -> bool:
    """Whether the sample proves that a larger share than the budget is over the limit.

    One within the budget proves nothing, however little is asked of a proof.
    """
    return seen.k > budget * seen.n and seen.bounds(confidence)[0] > budget


def judge_share(seen: Exceedance, budget: float, *, holds: bool, needed: int, terms: Terms = PLAIN) -> Word:
    """The verdict on a share; `holds` says whether the sample itself meets the objective."""
    _, high = seen.bounds(terms.confidence)
    if beyond(seen, budget, terms.fail_confidence):
        return Word.FAIL
    if holds and seen.effective_n >= needed and (high <= budget or not terms.strict):
        return Word.PASS
    return Word.INCONCLUSIVE


class Deviations(NamedTuple):
    """Of a slot of time, how far values are from the limit: added up, how many they are, and the squares added up."""

    total: float = 0.0
    n: int = 0
    squares: float = 0.0


@dataclass(frozen=True, slots=True)
class MeanDeviation:
    """How far the mean is from the limit, and the standard error of that."""

    mean: float
    error: float

    def margin(self, confidence: float) -> float:
        """Half the width of the two-sided interval."""
        return _two_sided(confidence) * self.error

    def beyond(self, op: Op, confidence: float) -> bool:
        """Whether the mean is proven to be beyond the limit."""
        margin = self.margin(confidence)
        return not op.holds(self.mean - margin if op.ceiling else self.mean + margin, 0.0)


def mean_deviation(by_slot: Sequence[Deviations]) -> MeanDeviation | None:
    """The mean of values that are known slot by slot, in order of time; None where they are too few to tell its error.

    The variance of the mean is that of the means of batches of slots (Law & Kelton, ch. 9.5), widened as Student's t is
    for so few batches, or that of as many independent values if that is more.
    """
    n = sum(slot.n for slot in by_slot)
    batches = _batches(by_slot, n)
    if n < ENOUGH_FOR_A_MEAN or len(batches) < _LEAST_BATCHES:
        return None
    mean = math.fsum(slot.total for slot in by_slot) / n
    between = math.fsum((total - mean * size) ** 2 for total, size in batches) * len(batches) / (len(batches) - 1)
    within = math.fsum(slot.squares for slot in by_slot) - n * mean * mean
    widened = between * (1 + 2.4 / (len(batches) - 1))
    return MeanDeviation(mean, math.sqrt(max(widened, within, 0.0)) / n)


def _batches(by_slot: Sequence[Deviations], n: int) -> list[tuple[float, int]]:
    """Sums and sizes of slots taken together, some tens of about the same size."""
    batches = [(0.0, 0)]
    for slot in by_slot:
        total, size = batches[-1]
        if size * _MOST_BATCHES >= n:
            batches.append((slot.total, slot.n))
        else:
            batches[-1] = (total + slot.total, size + slot.n)
    return [batch for batch in batches if batch[1]]


def _two_sided(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def mean_margin(stddev: float | None, effective_n: int, confidence: float = CONFIDENCE) -> float | None:
    """Half the width of the two-sided interval of a mean; None where the sample is too small for one."""
    if stddev is None or effective_n < ENOUGH_FOR_A_MEAN:
        return None
    return _two_sided(confidence) * stddev / math.sqrt(effective_n)
