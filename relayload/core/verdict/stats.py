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
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from relayload.core.results.binomial import share_bounds
from relayload.core.results.sample import CONFIDENCE
from relayload.core.results.terms import PLAIN, Terms

ENOUGH_FOR_A_MEAN = 30


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


@dataclass(frozen=True, slots=True)
class Exceedance:
    """k of n requests were over the limit, which tell as much as `effective_n` independent ones would."""

    k: int
    n: int
    effective_n: int

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


def judge_share(seen: Exceedance, budget: float, *, holds: bool, needed: int, terms: Terms = PLAIN) -> Word:
    """The verdict on a share; `holds` says whether the sample itself meets the objective."""
    low, _ = seen.bounds(terms.fail_confidence)
    _, high = seen.bounds(terms.confidence)
    if low > budget:
        return Word.FAIL
    if holds and seen.effective_n >= needed and (high <= budget or not terms.strict):
        return Word.PASS
    return Word.INCONCLUSIVE


def mean_margin(stddev: float | None, effective_n: int, confidence: float = CONFIDENCE) -> float | None:
    """Half the width of the two-sided interval of a mean; None where the sample is too small for one."""
    if stddev is None or effective_n < ENOUGH_FOR_A_MEAN:
        return None
    return NormalDist().inv_cdf((1 + confidence) / 2) * stddev / math.sqrt(effective_n)
