"""Whether more samples are likely to prove what a confirmation left open.

The share of bad requests stays what it was, and the effective size grows with the samples. So the bound of the larger
sample is known in advance, apart from chance.
"""

import math

from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.stats.binomial import share_bounds


def provable(result: ObjectiveResult, times: float) -> bool:
    """Return whether a sample so many times as large would prove a result, if it were as good."""
    if result.proven or result.verdict is Status.FAIL:
        return result.verdict is not Status.FAIL
    if result.budget is not None and result.k is not None and result.n:
        size = max(1.0, result.effective_n * times)
        return share_bounds(result.k / result.n * size, size, result.confidence)[1] <= result.budget
    if result.observed is None or result.low is None or result.high is None:
        return result.verdict is Status.PASS
    return abs(result.limit - result.observed) * math.sqrt(times) >= (result.high - result.low) / 2
