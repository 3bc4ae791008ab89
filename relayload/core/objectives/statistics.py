"""The evidence of a sample about a share or a mean: the statistics of a verdict, without scipy.

An objective on a percentile is one on a share: "p99 < T" says that at most 1 % of the requests are not below T, the
*budget*. With k of n over the limit the verdict is

    FAIL          when the share is over the budget, and either surely so or far beyond it;
    PASS          when the sample meets the objective and has 1 / budget requests; it is *proven* when the upper bound
                  is within the budget, too, and else *observed*;
    INCONCLUSIVE  otherwise: when the share is over the budget by no more than chance, or the requests are too few.

Bounds are Clopper and Pearson's, one-sided, with n replaced by the effective size at the limit, since neighbouring
requests are slow together. An outage in one piece is a single event to them, however long. So a share FAILs as a fact
of this run when independent requests would prove it and it is at least twice the budget, or four times a budget below
5 % (in a window, at least half of the requests). The factors are the smallest that keep false FAILs at the limit below
8 % of runs of 5,000 requests, queues at 80 % of their capacity included; docs/objectives.md has the table. Likewise a
mean FAILs as a fact at twice its limit (half of a lower one).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist
from typing import NamedTuple

from relayload.core.model.objective_options import DEFAULTS, ObjectiveOptions, TooFew
from relayload.core.model.snapshot import SlotCounts
from relayload.core.model.verdict import Status
from relayload.core.objectives.objective import Op
from relayload.core.stats.binomial import share_bounds
from relayload.core.stats.effective_size import TAIL, effective_size, inflation
from relayload.core.stats.sample import CONFIDENCE

ENOUGH_FOR_A_MEAN = 30
"""The fewest values, and effective values, from which a mean of skewed ones is nearly normal."""
_FAR = 2.0
_FAR_OF_LITTLE = 4.0
_LITTLE = 0.05
"""Budgets below this are passed by few clusters, whose number varies more."""
_FAR_IN_A_WINDOW = 0.5
_ROUNDING = 1e-9
"""The budget of p95 is a bit more than 0.05 as a float."""
_MOSTLY = 0.55
"""Where a larger share of the requests so far is bad, their order tells nothing of how long a disturbance lasts."""


@dataclass(frozen=True)
class BadEvents:
    """The requests over the limit and all requests, slot of time by slot of time."""

    by_slot: Sequence[tuple[int, int]]
    still_good: int = 0
    """Requests in flight, all of which may turn out within the limit."""

    @cached_property
    def k(self) -> int:
        return sum(bad for bad, _ in self.by_slot)

    @cached_property
    def n(self) -> int:
        return sum(n for _, n in self.by_slot)

    @property
    def whole(self) -> int:
        """All requests, including those in flight."""
        return self.n + self.still_good

    @property
    def share(self) -> float:
        """The share of bad requests if all in flight turn out well."""
        return self.k / self.whole

    @cached_property
    def effective_n(self) -> int:
        """The number of independent requests that they are worth, by where those over the limit are."""
        return self.effective_size()

    def effective_size(self, tail: float = TAIL, *, conservative: bool = True) -> int:
        """Return the effective size for a test with another error probability; see `stats.effective_size`."""
        size = effective_size(self.by_slot, tail, conservative=conservative)
        return max(1, size * self.whole // self.n) if self.n else 0

    def bounds(self, confidence: float = CONFIDENCE, effective_n: float | None = None) -> tuple[float, float]:
        """Return the one-sided bounds of the share over the limit."""
        size = self.effective_n if effective_n is None else effective_n
        return share_bounds(self.share * size, size, confidence)

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return the two-sided interval of the share."""
        return self.bounds((1 + confidence) / 2)


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
        best = BadEvents(at_least, still_good)
        return cls(best, best if at_most == at_least else BadEvents(at_most, still_good))

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


def beyond(seen: BadEvents, budget: float, confidence: float, *, in_window: bool = False) -> bool:
    """Return whether a larger share than the budget is over the limit, surely or by far.

    A share within the budget proves nothing at any confidence; where none may be bad, one is a fact.
    """
    if not seen.k > budget * seen.whole:
        return False
    if budget <= 0 or seen.bounds(confidence)[0] > budget:
        return True
    far = (_FAR if budget >= _LITTLE else _FAR_OF_LITTLE) * budget - _ROUNDING
    if in_window:
        far = max(far, _FAR_IN_A_WINDOW)
    return seen.share >= far and seen.bounds(confidence, seen.whole)[0] > budget


def beyond_so_far(seen: BadEvents, budget: float, error: float, longest_burst: int) -> bool:
    """Return whether a run in progress proves that a larger share than the budget is over the limit.

    `error` is the probability left for a false alarm; `longest_burst` is how many requests one disturbance
    may spoil.
    """
    if not seen.k > budget * seen.whole:
        return False
    if budget <= 0:
        return True
    size: float = seen.effective_size(error, conservative=False)
    if seen.share >= _MOSTLY:
        size = min(size, seen.whole / longest_burst)
    return seen.bounds(1 - error, size)[0] > budget


def judge_share(
    bad: BadBounds,
    budget: float,
    *,
    holds: bool,
    may_hold: bool | None = None,
    options: ObjectiveOptions = DEFAULTS,
    in_window: bool = False,
    tail_n: int | None = None,
) -> tuple[Status, bool | None]:
    """Return the verdict on a share, and whether a PASS is proven; None for a fact, which needs no proof.

    That none are bad, or not all, is a fact of the run. `holds` states whether the sample itself meets the objective by
    the worse bounds, and `may_hold` whether by the better ones, if these are others. `tail_n` is the effective size of
    the sample by its slowest values, which a proof must allow for as well.
    """
    if budget <= 0 or budget >= 1:
        return (Status.PASS if holds else Status.INCONCLUSIVE if may_hold else Status.FAIL), None
    if not holds and beyond(bad.at_least, budget, options.fail_confidence, in_window=in_window):
        return Status.FAIL, None
    few = bad.n < samples_to_resolve(budget)
    if few and options.on_too_few is TooFew.FAIL:
        return Status.FAIL, None
    if not holds or (few and options.on_too_few is TooFew.INCONCLUSIVE):
        return Status.INCONCLUSIVE, None
    size = bad.at_most.effective_n if tail_n is None else min(bad.at_most.effective_n, tail_n)
    proven = bad.at_most.bounds(options.confidence, size)[1] <= budget
    return (Status.PASS, proven) if proven or not options.strict else (Status.INCONCLUSIVE, None)


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
    stddev: float
    n: int
    effective_n: int
    """The number of independent values that would be worth as much."""

    @property
    def has_interval(self) -> bool:
        """The effective values suffice for an interval."""
        return self.effective_n >= ENOUGH_FOR_A_MEAN

    def margin(self, confidence: float) -> float:
        """Return half the width of the two-sided interval; infinite where there is none."""
        return self._margin(self.effective_n, confidence) if self.has_interval else math.inf

    def beyond(self, op: Op, confidence: float) -> bool:
        """Return whether the mean is proven to be beyond the limit."""
        return self._beyond(op, self.margin(confidence))

    def far_beyond(self, op: Op, limit: float, confidence: float) -> bool:
        """Return whether the mean is twice the limit, or half of a lower one, and independent values would prove it."""
        mean = limit + self.mean
        far = mean >= _FAR * limit if op.ceiling else mean * _FAR <= limit
        return far and self._beyond(op, self._margin(self.n, confidence))

    def _beyond(self, op: Op, margin: float) -> bool:
        return not op.holds(self.mean - margin if op.ceiling else self.mean + margin, 0.0)

    def _margin(self, n: int, confidence: float) -> float:
        return self.stddev / math.sqrt(n) * NormalDist().inv_cdf((1 + confidence) / 2)

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


def mean_deviation(
    by_slot: Sequence[Deviations], tail: float = TAIL, *, conservative: bool = True
) -> MeanDeviation | None:
    """Return the mean deviation from sums by slot, in order of time; None where the values are too few for a mean."""
    n = sum(slot.n for slot in by_slot)
    if n < ENOUGH_FOR_A_MEAN:
        return None
    mean = math.fsum(slot.total for slot in by_slot) / n
    variance = max(0.0, math.fsum(slot.squares for slot in by_slot) / n - mean * mean)
    inflated = inflation([(slot.total, slot.n) for slot in by_slot], variance, tail, conservative=conservative)
    return MeanDeviation(mean, math.sqrt(variance * n / (n - 1)), n, max(1, int(n / inflated)))
