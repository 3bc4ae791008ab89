"""What a capacity means for a traffic: how many replicas or keys, which quota, until when, and for how much.

One capacity is that of one replica, or of one key where a quota was found. Every answer is given by what is proven, by
the likeliest capacity, and at best: with all that is not refuted. What the search could not tell stays open.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct

from relayload.core.capacity.answer import Capacity, Kind
from relayload.core.capacity.demand import Demand, Peak
from relayload.core.capacity.model_use import ModelUse
from relayload.core.capacity.monthly_cost import MonthlyCost
from relayload.core.exit_codes import ExitCode
from relayload.core.units import format_duration

SCHEMA_VERSION = 1
_MONTH_DAYS = 365 / 12
_MOST_MONTHS = 1200.0
"""Beyond a century nobody plans."""
_ROUNDING = 1e-9


class CarriedRates(Struct, frozen=True, kw_only=True):
    """Requests per second; None where the search could not tell."""

    proven: float | None
    likeliest: float | None
    at_best: float | None
    """The lowest that is refuted, or the ceiling of a quota."""


class Numbers(Struct, frozen=True, kw_only=True):
    """How many are needed; None where nobody knows."""

    proven: int | None
    """Enough by what is proven."""
    likeliest: int | None
    at_best: int | None
    """Fewer are surely not enough."""


class Runway(Struct, frozen=True, kw_only=True):
    """Until when a capacity is enough for the traffic that grows."""

    per_s: float
    months: float | None
    """0 if it is not enough now; None if it always is, without growth or within a century."""
    on: str | None = None
    """The day, as in `2027-03-01`; None where `months` is."""


class Runways(Struct, frozen=True, kw_only=True):
    proven: Runway | None
    likeliest: Runway | None
    at_best: Runway | None


class Present(Struct, frozen=True, kw_only=True):
    """What is there now, or is needed by what is proven if nobody told, and until when it is enough."""

    replicas: int
    headroom_used_up: Runways
    """When the traffic reaches what is left beside the headroom."""
    exhausted: Runways
    """When it reaches all that is there; if one may be lost, all that is there without it."""


class AskedQuota(Struct, frozen=True, kw_only=True):
    """The quota to ask for, headroom included."""

    requests_per_min: int
    tokens_per_min: int | None
    """Tokens in and out; None where nobody knows how many a request takes."""


class ModelShare(Struct, frozen=True, kw_only=True):
    """The part of the traffic that goes to one model."""

    share: float
    input_tokens: float | None
    """Tokens of a request, as measured."""
    output_tokens: float | None
    quota: AskedQuota


class CapacityPlan(Struct, frozen=True, kw_only=True):
    """The plan. CarriedRates are requests per second."""

    answer: Kind
    """That of the capacity."""
    reason: str
    exit_code: int
    """0 if there is a number by what is proven, 3 if no number helps, else 4."""
    unit: str
    """`replicas`, or `keys` where a quota was found."""
    capacity: CarriedRates
    """What one of them carries."""
    mean_per_s: float
    peak_per_s: float
    """The rate that was planned for."""
    peak: Peak | None
    growth_per_month: float
    headroom: float
    lose_one: bool
    needed: Numbers
    quota: AskedQuota
    present: Present
    models: dict[str, ModelShare]
    cost: MonthlyCost | None
    """None without prices, or where nobody knows the tokens of a request."""
    notes: tuple[str, ...]
    """What to know before relying on it."""
    schema_version: int = SCHEMA_VERSION


def plan(
    capacity: Capacity, demand: Demand, today: date, cost: MonthlyCost | None, notes: Sequence[str] = ()
) -> CapacityPlan:
    """Return the plan for a demand, as of a day. The mix must name models that the capacity has measured."""
    carried = _carried(capacity)
    inclusive = capacity.answer is Kind.QUOTA
    needed = _needed(carried, demand, inclusive=inclusive)
    shares = mix_of(capacity, demand.mix)
    models = {model: _share(capacity.models[model], share, demand) for model, share in shares.items()}
    return CapacityPlan(
        answer=capacity.answer,
        reason=capacity.reason,
        exit_code=_exit_code(capacity.answer, needed),
        unit="keys" if capacity.answer is Kind.QUOTA else "replicas",
        capacity=carried,
        mean_per_s=demand.mean_per_s,
        peak_per_s=demand.peak_per_s,
        peak=demand.peak,
        growth_per_month=demand.growth_per_month,
        headroom=demand.headroom,
        lose_one=demand.lose_one,
        needed=needed,
        quota=_quota(demand.with_headroom_per_s, _tokens(capacity.models, shares)),
        present=_present(carried, demand, needed, today),
        models=models,
        cost=cost,
        notes=(*_cautions(capacity, demand, carried), *notes),
    )


def mix_of(capacity: Capacity, mix: Mapping[str, float]) -> dict[str, float]:
    """Return the share of each model: as asked for, or as measured."""
    return dict(mix) or {model: use.share for model, use in capacity.models.items()}


def _carried(capacity: Capacity) -> CarriedRates:
    """Return what one replica or key carries. Where none of the rates is met, none is carried."""
    proven, refuted, estimate = capacity.proven_per_s, capacity.refuted_per_s, capacity.estimate_per_s
    ceiling = capacity.ceiling
    if capacity.answer is Kind.NONE:
        return CarriedRates(proven=None, likeliest=None, at_best=None)
    if capacity.answer is Kind.QUOTA and ceiling is not None:
        sized = ceiling.requests / ceiling.window_s if ceiling.requests and ceiling.window_s else ceiling.per_s
        return CarriedRates(proven=None if proven is None else min(proven, sized), likeliest=sized, at_best=sized)
    if estimate is not None:
        estimate = min(max(estimate, proven or 0.0), refuted or math.inf)
    return CarriedRates(proven=proven, likeliest=estimate, at_best=refuted)


def _needed(carried: CarriedRates, demand: Demand, *, inclusive: bool) -> Numbers:
    """Return how many are needed. A refuted rate is not carried; one that a quota lets through is (`inclusive`)."""
    wanted, spare = demand.with_headroom_per_s, int(demand.lose_one)

    def enough(per_s: float | None) -> int | None:
        return None if per_s is None else math.ceil(wanted / per_s - _ROUNDING) + spare

    best = enough(carried.at_best)
    if carried.at_best is not None and not inclusive:
        best = math.floor(wanted / carried.at_best + _ROUNDING) + 1 + spare
    return Numbers(proven=enough(carried.proven), likeliest=enough(carried.likeliest), at_best=best)


def _exit_code(answer: Kind, needed: Numbers) -> int:
    if answer is Kind.NONE:
        return ExitCode.FAIL
    return ExitCode.UNPROVEN if needed.proven is None else ExitCode.PASS


def _share(use: ModelUse, share: float, demand: Demand) -> ModelShare:
    quota = _quota(demand.with_headroom_per_s * share, use.tokens)
    return ModelShare(share=share, input_tokens=use.input_tokens, output_tokens=use.output_tokens, quota=quota)


def _tokens(models: Mapping[str, ModelUse], shares: Mapping[str, float]) -> float | None:
    """Return the mean tokens of a request of the mix."""
    known = [tokens * share for model, share in shares.items() if (tokens := models[model].tokens) is not None]
    return math.fsum(known) if known and len(known) == len(shares) else None


def _quota(per_s: float, tokens: float | None) -> AskedQuota:
    per_min = per_s * 60
    return AskedQuota(
        requests_per_min=math.ceil(per_min - _ROUNDING),
        tokens_per_min=None if tokens is None else math.ceil(per_min * tokens - _ROUNDING),
    )


def _present(carried: CarriedRates, demand: Demand, needed: Numbers, today: date) -> Present:
    replicas = demand.replicas or needed.proven or 1

    def runways(part: float) -> Runways:
        rates = (carried.proven, carried.likeliest, carried.at_best)
        left = max(0, replicas - demand.lose_one)
        found = [None if rate is None else _runway(rate * left * part, demand, today) for rate in rates]
        return Runways(proven=found[0], likeliest=found[1], at_best=found[2])

    return Present(replicas=replicas, headroom_used_up=runways(1 - demand.headroom), exhausted=runways(1.0))


def _runway(per_s: float, demand: Demand, today: date) -> Runway:
    months = _months_until(per_s, demand)
    on = None if months is None else (today + timedelta(days=round(months * _MONTH_DAYS))).isoformat()
    return Runway(per_s=per_s, months=months, on=on)


def _months_until(per_s: float, demand: Demand) -> float | None:
    if demand.peak_per_s >= per_s:
        return 0.0
    if not demand.growth_per_month:
        return None
    months = math.log(per_s / demand.peak_per_s) / math.log1p(demand.growth_per_month)
    return months if months <= _MOST_MONTHS else None


def _cautions(capacity: Capacity, demand: Demand, carried: CarriedRates) -> Iterator[str]:
    if (told := _OPEN.get(capacity.answer)) is not None:
        yield told.format(ceiling=capacity.ceiling, lowest=min((t.rate_per_s for t in capacity.trials), default=0.0))
    if capacity.answer in (Kind.NOT_CONVERGED, Kind.UNSTEADY) and carried.proven is None:
        yield "no rate is proven: no number of replicas is known to be enough"
    if demand.mix and any(abs(share - _measured(capacity, model)) > 0.05 for model, share in demand.mix.items()):
        measured = ", ".join(f"{model}={use.share:.0%}" for model, use in capacity.models.items())
        yield f"the capacity was measured with {measured}: another mix may carry more or less"
    yield from _about_trace(capacity, demand.peak)


_OPEN = {
    Kind.AT_LEAST: "no rate was refuted: fewer may do",
    Kind.BELOW: "no rate is proven, and this many may not be enough: search without --at-least",
    Kind.NONE: "no number of replicas helps: each of them fails at {lowest:g}/s, the lowest rate that was tried",
    Kind.GENERATOR_BOUND: "the generator ended the search, and not the relay, which may carry more: fewer may do",
    Kind.QUOTA: "these are keys: a quota of {ceiling} holds each of them back. Ask for a higher one, or for more keys, "
    "and search again: what the relay behind it carries is unknown",
    Kind.UNSTEADY: "the relay grows worse with time, so that no plan can rest on its capacity: find out why first",
    Kind.NOT_CONVERGED: "the search ended before it was through: relayload capacity with --resume makes it surer",
}


def _measured(capacity: Capacity, model: str) -> float:
    return capacity.models[model].share


_DAY_S = 86_400.0
_MUCH = 1.2


def _about_trace(capacity: Capacity, peak: Peak | None) -> Iterator[str]:
    """Yield why the trace may not be what the capacity was measured for."""
    if peak is None:
        return
    if peak.for_s < _DAY_S * 0.9:
        yield f"the trace covers {format_duration(peak.for_s)}: the peak of a day may be higher"
    sizes = [
        (traced, measured, what)
        for traced, measured, what in (
            (peak.input_tokens, _mean(capacity, "input_tokens"), "in"),
            (peak.output_tokens, _mean(capacity, "output_tokens"), "out"),
        )
        if traced and measured and not 1 / _MUCH <= traced / measured <= _MUCH
    ]
    if sizes:
        traced_sizes = " and ".join(f"{traced:,.0f} tokens {what}" for traced, _, what in sizes)
        measured_sizes = " and ".join(f"{measured:,.0f}" for _, measured, _ in sizes)
        yield (
            f"requests of the trace have {traced_sizes}, those that were measured {measured_sizes}: search for the "
            "capacity with requests like the trace's"
        )


def _mean(capacity: Capacity, tokens: str) -> float | None:
    """Return the mean of a request as measured; None where one of the models told none."""
    known = [(getattr(use, tokens), use.share) for use in capacity.models.values()]
    return None if any(mean is None for mean, _ in known) else math.fsum(mean * share for mean, share in known)
