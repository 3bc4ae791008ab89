"""The evidence of a sample about a share: the statistics of a verdict, without scipy.

An objective on a percentile is one on a share: "p99 < T" says that at most 1 % of the requests are not below T, the
*budget*. With k of n over the limit the verdict is

    FAIL          when the one-sided lower bound (95 %, or as configured) of the share is over the budget;
    PASS          when the sample meets the objective and is large enough to decide;
    INCONCLUSIVE  otherwise.

Under `strict` a PASS needs the upper bound within the budget as well. Bounds are Clopper and Pearson's, with n replaced
by the effective sample size, since neighbouring requests are slow together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import NamedTuple

from relayload.core.model.objective_options import DEFAULTS, ObjectiveOptions
from relayload.core.model.snapshot import SlotCounts
from relayload.core.model.verdict import Status
from relayload.core.objectives.objective import Op
from relayload.core.stats.binomial import share_bounds, student_quantile
from relayload.core.stats.sample import CONFIDENCE, SMALLEST_EFFECTIVE_N, batched_size

ENOUGH_FOR_A_MEAN = 30
_MOST_BATCHES = 40


@dataclass(frozen=True, slots=True)
class BadEvents:
    """k of n requests over the limit. With those in flight, they are worth `effective_n` independent ones."""

    k: int
    n: int
    effective_n: int
    still_good: int = 0
    """Requests in flight, all of which may turn out within the limit."""

    @classmethod
    def of(cls, by_slot: Sequence[tuple[int, int]], still_good: int = 0) -> "BadEvents":
        """Count from pairs per slot of time, in order: requests over the limit, and all requests.

        The effective size follows those over the limit: without any, the sample counts as independent.
        """
        k, n = (sum(column) for column in zip(*by_slot, strict=True)) if by_slot else (0, 0)
        size = max(1, batched_size(by_slot) * (n + still_good) // n) if n else 0
        return cls(k, n, size, still_good)

    @property
    def whole(self) -> int:
        """All requests, including those in flight."""
        return self.n + self.still_good

    def bounds(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return the one-sided bounds of the share over the limit."""
        return share_bounds(self.k * self.effective_n / self.whole, self.effective_n, confidence)


class BadBounds(NamedTuple):
    """The requests over the limit by the better bounds of their values, and by the worse ones.

    A FAIL must hold by the better bounds, and a PASS by the worse ones.
    """

    at_least: BadEvents
    at_most: BadEvents

    @classmethod
    def of(cls, slots: Sequence[SlotCounts], still_good: int = 0) -> "BadBounds":
        """Sum the counts of each slot of time, in order."""
        at_least = [(slot.bad_at_least, slot.n) for slot in slots if slot.n]
        at_most = [(slot.bad_at_most, slot.n) for slot in slots if slot.n]
        best = BadEvents.of(at_least, still_good)
        return cls(best, best if at_most == at_least else BadEvents.of(at_most, still_good))

    @property
    def n(self) -> int:
        return self.at_most.n


def samples_needed(budget: float, confidence: float = CONFIDENCE) -> int:
    """Return the fewest samples that can prove, when none is over the limit, that the share is within the budget.

    ln(1 - confidence) / ln(1 - budget): 299 for p99. One where the budget is 0 or 1.
    """
    if budget <= 0.0 or budget >= 1.0:
        return 1
    return math.ceil(math.log(1 - confidence) / math.log1p(-budget) - 1e-9)


def samples_to_resolve(budget: float) -> int:
    """Return the fewest samples of which a single one is not more than the budget."""
    return math.ceil(1 / budget - 1e-9) if budget > 0 else 1


def beyond(seen: BadEvents, budget: float, confidence: float) -> bool:
    """Return whether the sample proves that a larger share than the budget is over the limit.

    A share within the budget proves nothing at any confidence.
    """
    return seen.k > budget * seen.whole and seen.bounds(confidence)[0] > budget


def judge_share(
    bad: BadBounds, budget: float, *, holds: bool, needed: int, options: ObjectiveOptions = DEFAULTS
) -> Status:
    """Return the verdict on a share; `holds` states whether the sample itself meets the objective."""
    if beyond(bad.at_least, budget, options.fail_confidence):
        return Status.FAIL
    enough = bad.at_most.effective_n >= needed
    if holds and enough and (not options.strict or bad.at_most.bounds(options.confidence)[1] <= budget):
        return Status.PASS
    return Status.INCONCLUSIVE


class Deviations(NamedTuple):
    """The deviations of a slot's values from the limit: their sum, number, and sum of squares."""

    total: float = 0.0
    n: int = 0
    squares: float = 0.0
    too_large: float = 0.0
    """By how much the values may be too large, and too small, in total."""
    too_small: float = 0.0


@dataclass(frozen=True, slots=True)
class MeanDeviation:
    """The deviation of the mean from the limit, and its uncertainty."""

    mean: float
    between: float
    """The standard error by the means of batches; `freedom` is one less than their number."""
    freedom: int
    apart: float
    """The standard error if the values were independent."""

    def margin(self, confidence: float) -> float:
        """Return half the width of the two-sided interval: by batches, or by independent values if that is more."""
        one_sided = (1 + confidence) / 2
        by_batch = self.between * student_quantile(one_sided, self.freedom) if self.between else 0.0
        return max(by_batch, self.apart * NormalDist().inv_cdf(one_sided))

    def beyond(self, op: Op, confidence: float) -> bool:
        """Return whether the mean is proven to be beyond the limit."""
        margin = self.margin(confidence)
        return not op.holds(self.mean - margin if op.ceiling else self.mean + margin, 0.0)

    def within(self, op: Op, confidence: float) -> bool:
        """Return whether the mean is proven to be within the limit."""
        margin = self.margin(confidence)
        return op.holds(self.mean + margin if op.ceiling else self.mean - margin, 0.0)

    def bounds(self, by_slot: Sequence[Deviations], op: Op) -> tuple["MeanDeviation", "MeanDeviation"]:
        """Return the better and the worse of what it may be, as the values may be off."""
        n = sum(slot.n for slot in by_slot)
        least = replace(self, mean=self.mean - math.fsum(slot.too_large for slot in by_slot) / n)
        most = replace(self, mean=self.mean + math.fsum(slot.too_small for slot in by_slot) / n)
        return (least, most) if op.ceiling else (most, least)

    def effective_n(self, n: int) -> int:
        """Return the number of independent values worth as much as these n."""
        return n if self.between <= self.apart else max(1, int(n * (self.apart / self.between) ** 2))


def mean_deviation(by_slot: Sequence[Deviations]) -> MeanDeviation | None:
    """Return the mean deviation from sums by slot, in order of time; None where the values are too few for a mean.

    Its error is that of the means of batches of slots (Law & Kelton, ch. 9.5). The order of values within a single slot
    is unknown, so they count as few independent ones as possible.
    """
    n = sum(slot.n for slot in by_slot)
    if n < ENOUGH_FOR_A_MEAN:
        return None
    mean = math.fsum(slot.total for slot in by_slot) / n
    squares = max(0.0, math.fsum(slot.squares for slot in by_slot) - n * mean * mean)
    batches = _batches(by_slot, n)
    freedom = len(batches) - 1
    if not freedom:
        return MeanDeviation(mean, 0.0, 0, math.sqrt(squares / min(n, SMALLEST_EFFECTIVE_N) / n))
    between = math.fsum((total - mean * size) ** 2 for total, size in batches) * len(batches) / freedom
    return MeanDeviation(mean, math.sqrt(between) / n, freedom, math.sqrt(squares) / n)


def _batches(by_slot: Sequence[Deviations], n: int) -> list[tuple[float, int]]:
    """Return sums and sizes of slots grouped into some tens of batches of about the same size."""
    batches = [(0.0, 0)]
    for slot in by_slot:
        total, size = batches[-1]
        if size * _MOST_BATCHES >= n:
            batches.append((slot.total, slot.n))
        else:
            batches[-1] = (total + slot.total, size + slot.n)
    return [batch for batch in batches if batch[1]]
