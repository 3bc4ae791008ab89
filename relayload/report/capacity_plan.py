"""Renders a capacity plan as text."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.console import RenderableType
from rich.text import Text

from relayload.core.capacity.demand import Peak
from relayload.core.capacity.monthly_cost import ModelCost, MonthlyCost
from relayload.core.capacity.plan import AskedQuota, CapacityPlan, Runway, Runways
from relayload.core.metrics.price_quote import Offer
from relayload.core.units import format_duration
from relayload.report.fitting_table import Cell, Column, FittingTable
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen

_UNKNOWN = "unknown"


def render_capacity_plan(plan: CapacityPlan, screen: Screen = PLAIN) -> str:
    """Render the answer by what is proven, likeliest and at best; then the quota, each model, cost and cautions."""
    parts: list[RenderableType] = [
        Text(_title(plan), style="bold"),
        *(Text(line) for line in _traffic(plan)),
        "",
        _answers(plan),
        "",
        Text(f"quota to ask for in all, headroom included: {_quota(plan.quota)}"),
    ]
    if plan.models:
        parts += ["", _models(plan)]
    if plan.cost is not None:
        parts += [Text(line) for line in _saving(plan.cost)]
    if plan.notes:
        parts += ["", *(Text(f"note: {note}") for note in plan.notes)]
    return printed(parts, screen)


def _title(plan: CapacityPlan) -> str:
    numbers = plan.needed
    if numbers.proven is None:
        least = "" if (numbers.at_best or 0) < 2 else f", and fewer than {numbers.at_best} are surely not enough"
        return f"plan for {_rate(plan.mean_per_s)}: no number of {plan.unit} is proven to be enough{least}"
    best = DASH if numbers.at_best is None else str(numbers.at_best)
    at_best = "" if best in (DASH, str(numbers.proven)) else f", {best} at best"
    unit = plan.unit.removesuffix("s") if numbers.proven == 1 else plan.unit
    return f"plan for {_rate(plan.mean_per_s)}: {numbers.proven} {unit} by what is proven{at_best}"


def _traffic(plan: CapacityPlan) -> Iterator[str]:
    yield f"one {plan.unit.removesuffix('s')}: {plan.reason}"
    if plan.peak is not None:
        yield from _peak(plan, plan.peak)
    spare = " and one to lose" if plan.lose_one else ""
    growth = f"; it grows by {plan.growth_per_month * 100:.3g}% a month" if plan.growth_per_month else ""
    there = plan.unit.removesuffix("s") if plan.present.replicas == 1 else plan.unit
    yield f"planned with {plan.headroom:.0%} headroom{spare} for {_rate(plan.peak_per_s)}{growth}"
    yield f"dates below: those of {plan.present.replicas} {there}"


def _peak(plan: CapacityPlan, peak: Peak) -> Iterator[str]:
    yield (
        f"trace: {peak.requests:,} requests in {format_duration(peak.for_s)}, {_rate(peak.mean_per_s)} in the mean; "
        f"the busiest minute, {format_duration(peak.at_s)} after the first, has {_rate(peak.peak_per_s)}, "
        f"{peak.ratio:.2f} times the mean"
    )
    if abs(plan.mean_per_s - peak.mean_per_s) > 1e-9:
        yield f"scaled to a mean of {_rate(plan.mean_per_s)}: the busiest minute has {_rate(plan.peak_per_s)}"


def _answers(plan: CapacityPlan) -> FittingTable:
    """Return a row for each answer, with the interval of the capacity carried through."""
    capacity, needed, present = plan.capacity, plan.needed, plan.present
    headings = ("", "proven", "likeliest", "at best")
    free = [("headroom used up", *_runways(present.headroom_used_up))] if plan.headroom else []
    rows: list[Sequence[Cell]] = [
        ("one carries", *(_rate(rate) for rate in (capacity.proven, capacity.likeliest, capacity.at_best))),
        (f"{plan.unit} needed", *(_number(n) for n in (needed.proven, needed.likeliest, needed.at_best))),
        *free,
        ("exhausted", *_runways(present.exhausted)),
    ]
    return FittingTable([Column(headings[0], words=True, least=16), *map(Column, headings[1:])], rows)


def _runways(runways: Runways) -> tuple[str, ...]:
    return tuple(map(_runway, (runways.proven, runways.likeliest, runways.at_best)))


def _runway(runway: Runway | None) -> str:
    if runway is None:
        return _UNKNOWN
    if runway.months is None:
        return "never"
    return "now" if not runway.months else f"{runway.on} ({runway.months:.1f} months)"


def _quota(quota: AskedQuota) -> str:
    tokens = "tokens unknown" if quota.tokens_per_min is None else f"{quota.tokens_per_min:,} tokens/min"
    return f"{quota.requests_per_min:,} requests/min, {tokens}"


def _models(plan: CapacityPlan) -> FittingTable:
    offers = plan.cost.total.offers if plan.cost else ()
    headings = ("model", "share", "tokens in", "out", "RPM", "TPM", *(f"{offer.name} a month" for offer in offers))
    rows: list[Sequence[Cell]] = []
    for model, share in plan.models.items():
        own = None if plan.cost is None else plan.cost.models[model]
        tokens = (_number(share.input_tokens), _number(share.output_tokens))
        quota = (_number(share.quota.requests_per_min), _number(share.quota.tokens_per_min))
        rows.append((model, f"{share.share:.0%}", *tokens, *quota, *_dollars(own)))
    if offers and len(rows) > 1:
        quota = (_number(plan.quota.requests_per_min), _number(plan.quota.tokens_per_min))
        rows.append(("all", "", "", "", *quota, *map(_money, offers)))
    columns = [Column(heading, words=heading == "model", least=6) for heading in headings]
    return FittingTable(columns, rows, optional=("out", "tokens in", "RPM"))


def _dollars(cost: ModelCost | None) -> tuple[str, ...]:
    return () if cost is None else tuple(map(_money, cost.offers))


def _saving(cost: MonthlyCost) -> Iterator[str]:
    saving = cost.total.saving
    if saving is not None:
        first, last = cost.total.offers[0].name, cost.total.offers[-1].name
        word = "saves" if saving.amount >= 0 else "costs"
        against = f"against {first}" if saving.amount >= 0 else f"more than {first}"
        share = "" if saving.share is None else f"{abs(saving.share) * 100:.0f}%, "
        year = "" if saving.per_year is None else f": {share}${abs(saving.per_year):,f} a year"
        yield f"{last} {word} ${abs(saving.amount):,f} a month {against}{year}"


def _money(offer: Offer) -> str:
    amount: Decimal = offer.amount
    return f"${amount:,f}"


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f}"


def _rate(per_s: float | None) -> str:
    return _UNKNOWN if per_s is None else f"{per_s:.4g}/s"
