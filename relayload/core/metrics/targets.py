"""What each of several targets was asked, and what that cost there."""

from collections.abc import Mapping

from relayload.core.metrics.cost import Cost, Used, cost_of, total
from relayload.core.model.run import RunInfo
from relayload.core.model.tags import Key


def paid(cells: Mapping[Key, Used], run: RunInfo) -> Cost:
    """The cost of requests of a run, each by the prices of its target."""
    if not run.targets:
        return cost_of(cells, run.prices)
    return total({name: paid_at(name, cells, run) for name in run.targets})


def paid_at(target: str, cells: Mapping[Key, Used], run: RunInfo) -> Cost:
    """The cost of those that one of several targets was sent."""
    own = {key: cell for key, cell in cells.items() if key.place.target == target}
    return cost_of(own, run.targets[target].prices)
