"""The cost of a run, from the tokens of its requests and the prices of their models.

Everything that was sent is paid for, warm-up included. Answers without usage, such as cancelled streams, are estimated:
their chunks are their output, their input is the mean of their model, and an ok answer without chunks counts as the
mean answer. Attempts that were sent and got no answer at all, such as those that timed out, may be charged for their
input and count as that. Refusals and connections that failed cost nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol

from msgspec import Struct

from relayload.core.metrics.tokens import Tokens
from relayload.core.model.run import RunInfo
from relayload.core.model.tags import Tags
from relayload.core.price import MILLION, Price, Prices, check_money, price_of, to_micro_usd

_NOTHING = Decimal("0.000000")


class Waste(Struct, frozen=True, kw_only=True):
    """Dollars for what nobody has got."""

    retries_usd: Decimal = _NOTHING
    """Attempts that were retried."""
    failed_usd: Decimal = _NOTHING
    """The last attempts of requests that failed."""
    cancelled_usd: Decimal = _NOTHING
    """The last attempts of requests that were cancelled."""

    @property
    def usd(self) -> Decimal:
        return self.retries_usd + self.failed_usd + self.cancelled_usd


class Cost(Struct, frozen=True, kw_only=True):
    """Dollars, to a millionth, as decimal text in JSON. The parts of a model add up to it, and the models to `usd`."""

    usd: Decimal | None = None
    """None where a model that was used has no price, or never reported its tokens."""
    by_model: dict[str, Decimal] = {}
    """The cost by model, for models with a price."""
    wasted_usd: Decimal | None = None
    """The part of `usd` that brought no answer; `waste` splits it by cause."""
    waste: Waste | None = None
    estimated_usd: Decimal | None = None
    """The part of `usd` that was estimated because usage was missing."""
    unpriced: tuple[str, ...] = ()
    """Models that have no price."""
    untold: tuple[str, ...] = ()
    """Models whose answers never reported tokens."""

    def __post_init__(self) -> None:
        check_money(self.usd, self.wasted_usd, self.estimated_usd, *self.by_model.values())


class Used(Protocol):
    """The usage of some requests: tagged ones of a fold, or those counted in snapshots."""

    @property
    def tokens(self) -> Tokens: ...
    @property
    def retried(self) -> Tokens:
        """The part of the tokens that belongs to attempts that were retried."""

    def __len__(self) -> int: ...


def cost_of(by_tags: Mapping[Tags, Used], prices: Prices) -> Cost:
    """Return the cost of requests."""
    bills = _bills(by_tags)
    priced = {model: (bill, price) for model, bill in bills.items() if (price := price_of(model, prices))}
    sums = {model: bill.sums(price) for model, (bill, price) in priced.items()}
    unpriced = tuple(model for model in bills if model not in priced)
    untold = tuple(model for model, bill in bills.items() if bill.untold)
    by_model = {model: sum((paid for paid, _ in parts.values()), _NOTHING) for model, parts in sums.items()}
    if unpriced or untold:
        return Cost(by_model=by_model, unpriced=unpriced, untold=untold)
    return Cost(usd=sum(by_model.values(), _NOTHING), by_model=by_model, **_apart(sums))


def paid(by_tags: Mapping[Tags, Used], run: RunInfo) -> Cost:
    """Return the cost of a run's requests, each by the prices of its target."""
    if not run.targets:
        return cost_of(by_tags, run.prices)
    return total({name: paid_at(name, by_tags, run) for name in run.targets})


def paid_at(target: str, by_tags: Mapping[Tags, Used], run: RunInfo) -> Cost:
    """Return the cost of the requests to one of several targets."""
    own = {tags: tagged for tags, tagged in by_tags.items() if tags.plan_tags.target == target}
    return cost_of(own, run.targets[target].prices)


def total(costs: Mapping[str, Cost]) -> Cost:
    """Return the sum of the costs at several targets, whose unpriced or unreported models are prefixed by target."""
    by_model: dict[str, Decimal] = {}
    for cost in costs.values():
        for model, usd in cost.by_model.items():
            by_model[model] = by_model.get(model, _NOTHING) + usd
    unpriced = tuple(f"{target}/{model}" for target, cost in costs.items() for model in cost.unpriced)
    untold = tuple(f"{target}/{model}" for target, cost in costs.items() for model in cost.untold)
    if unpriced or untold:
        return Cost(by_model=by_model, unpriced=unpriced, untold=untold)
    wastes = [cost.waste for cost in costs.values() if cost.waste]
    waste = Waste(**{name: sum((getattr(each, name) for each in wastes), _NOTHING) for name in Waste.__struct_fields__})
    estimated = sum((cost.estimated_usd or _NOTHING for cost in costs.values()), _NOTHING)
    return Cost(
        usd=sum(by_model.values(), _NOTHING),
        by_model=by_model,
        wasted_usd=waste.usd,
        waste=waste,
        estimated_usd=estimated,
    )


class _Fate(Enum):
    """The fate of an attempt."""

    KEPT = "kept"
    RETRIED = "retried"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class _Part:
    """The attempts of one fate: their reported tokens, and how many answers reported none."""

    tokens: Tokens = field(default_factory=Tokens)
    without_input: int = 0
    without_output: int = 0
    answers: int = 0


class _Bill:
    """The usage of one model, by the fate of the attempts."""

    def __init__(self) -> None:
        self._parts = {fate: _Part() for fate in _Fate}

    def add(self, tags: Tags, tagged: Used) -> None:
        retried = self._parts[_Fate.RETRIED]
        retried.tokens.merge(tagged.retried)
        retried.without_input += tagged.retried.blind
        last = tagged.tokens.without(tagged.retried)
        part = self._parts[_fate(tags)]
        part.tokens.merge(last)
        answers = len(tagged) if tags.ok else last.told + last.blind
        part.answers += answers
        part.without_input += max(0, answers - last.told)
        part.without_output += max(0, answers - last.with_output) if tags.ok else 0

    @property
    def used(self) -> bool:
        """The model was sent something that may have to be paid for."""
        return any(
            part.answers or part.without_input or part.tokens.told or part.tokens.counted
            for part in self._parts.values()
        )

    @property
    def untold(self) -> bool:
        return self.used and not any(part.tokens.told for part in self._parts.values())

    def sums(self, price: Price) -> dict[_Fate, tuple[Decimal, Decimal]]:
        """Return by fate the dollars to pay, and the estimated part of them."""
        mean_input, mean_output = self._means()
        return {fate: _sum(part, price, mean_input, mean_output) for fate, part in self._parts.items()}

    def _means(self) -> tuple[Decimal, Decimal]:
        reported = sum(part.tokens.told for part in self._parts.values())
        kept = self._parts[_Fate.KEPT]
        inputs = sum(part.tokens.input for part in self._parts.values())
        return _mean(inputs, reported), _mean(kept.tokens.output, kept.answers - kept.without_output)


def _bills(by_tags: Mapping[Tags, Used]) -> dict[str, _Bill]:
    """Return the bills by model in alphabetical order, without models that answered nothing."""
    bills: dict[str, _Bill] = {}
    for tags, tagged in by_tags.items():
        bills.setdefault(tags.plan_tags.model, _Bill()).add(tags, tagged)
    return {model: bill for model, bill in sorted(bills.items()) if bill.used}


def _fate(tags: Tags) -> _Fate:
    if tags.ok:
        return _Fate.KEPT
    return _Fate.FAILED if tags.failed else _Fate.CANCELLED


def _sum(part: _Part, price: Price, mean_input: Decimal, mean_output: Decimal) -> tuple[Decimal, Decimal]:
    estimated = price.input * mean_input * part.without_input + price.output * mean_output * part.without_output
    estimated_usd = to_micro_usd(estimated / MILLION)
    return to_micro_usd(price.usd(part.tokens)) + estimated_usd, estimated_usd


def _mean(total: int, count: int) -> Decimal:
    return Decimal(total) / count if count > 0 else _NOTHING


def _apart(sums: Mapping[str, Mapping[_Fate, tuple[Decimal, Decimal]]]) -> dict[str, Any]:
    """Return the fields of `Cost` for the wasted and the estimated part."""

    def spent(fate: _Fate) -> Decimal:
        return sum((parts[fate][0] for parts in sums.values()), _NOTHING)

    waste = Waste(
        retries_usd=spent(_Fate.RETRIED), failed_usd=spent(_Fate.FAILED), cancelled_usd=spent(_Fate.CANCELLED)
    )
    return {
        "wasted_usd": waste.usd,
        "waste": waste,
        "estimated_usd": sum((estimated for parts in sums.values() for _, estimated in parts.values()), _NOTHING),
    }
