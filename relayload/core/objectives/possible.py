"""Whether there is anything that could meet an objective, and anything that could break it.

One that nothing breaks passes whatever happens, and one that nothing meets can only fail: neither is meant.
"""

import math

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Unit
from relayload.core.objectives.objective import Objective


def pointless(objective: Objective) -> str | None:
    """What is wrong with the limit of an objective; None if it could hold, and could break."""
    op, limit = objective.op, objective.limit
    least, most = _range(objective)
    some = [least, most, *([limit] if least <= limit <= most else [])]
    met = [op.holds(value, limit) for value in some]
    if all(met):
        return "always holds, whatever happens: write another limit"
    return None if any(met) else "can never hold: write another limit"


def _range(objective: Objective) -> tuple[float, float]:
    """The least and the most that may be observed. Requests without an answer are worse than any value."""
    metric = METRICS[objective.metric]
    least = -math.inf if metric.distribution and objective.op.floor else 0.0
    share = objective.unit is Unit.SHARE and metric.share_of_all
    return least, 1.0 if share else math.inf
