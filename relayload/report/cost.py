"""What a run cost, as text for people."""

from relayload.core.metrics.cost import Cost, Waste
from relayload.core.units import format_usd


def cost_facts(cost: Cost) -> list[tuple[str, str]]:
    """Nothing where no model has a price."""
    if cost.usd is None:
        reasons = [f"{model} has no price" for model in cost.unpriced]
        reasons += [f"{model} never told its tokens" for model in cost.untold]
        return [("cost", f"not known: {', '.join(reasons)}")] if cost.by_model else []
    wasted = [f"wasted {format_usd(cost.wasted_usd)}: {_wasted(cost.waste)}"] if cost.waste and cost.wasted_usd else []
    estimated = [f"estimated {format_usd(cost.estimated_usd)}, without usage"] if cost.estimated_usd else []
    return [("cost", " · ".join([format_usd(cost.usd), *wasted, *estimated]))] if cost.by_model else []


def _wasted(waste: Waste) -> str:
    parts = (("retries", waste.retries_usd), ("failed", waste.failed_usd), ("cancelled", waste.cancelled_usd))
    return ", ".join(f"{name} {format_usd(amount)}" for name, amount in parts if amount)
