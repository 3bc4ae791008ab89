"""What a traffic costs a month, by model and by price list."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from relayload.core.capacity.model_use import ModelUse
from relayload.core.metrics.price_quote import Amount, Offer, Period, Quote, quote
from relayload.core.price import Prices, price_of
from relayload.core.units import MONTH_S, comparable_money


class ModelCost(Struct, frozen=True, kw_only=True):
    """The traffic of one model in a month, and what it costs at each price."""

    requests: int
    input_tokens: int
    output_tokens: int
    offers: tuple[Offer, ...]


class MonthlyCost(Struct, frozen=True, kw_only=True):
    """The cost of the mean traffic, without what retries and failures add."""

    total: Quote
    models: dict[str, ModelCost]


def unpriced(shares: Mapping[str, float], prices: Prices) -> tuple[str, ...]:
    """Return the models of a mix that have no price."""
    return tuple(model for model in shares if price_of(model, prices) is None)


def monthly_cost(
    mean_per_s: float,
    shares: Mapping[str, float],
    uses: Mapping[str, ModelUse],
    price_lists: Sequence[tuple[str, Prices]],
) -> MonthlyCost | None:
    """Return what a month costs at prices that have every model of the mix.

    None without prices, or if nobody knows the tokens of a request to one of them.
    """
    if not price_lists or not shares or any(uses[model].tokens is None for model in shares):
        return None
    amounts = {model: _amount(mean_per_s * share * MONTH_S, uses[model]) for model, share in shares.items()}
    usd = {model: [_usd(amount, model, prices) for _, prices in price_lists] for model, amount in amounts.items()}
    names = [name for name, _ in price_lists]
    sums = [sum(costs, Decimal(0)) for costs in zip(*usd.values(), strict=True)]
    return MonthlyCost(
        total=quote(_together(list(amounts.values())), list(zip(names, sums, strict=True))),
        models={
            model: ModelCost(
                requests=amount.requests or 0,
                input_tokens=amount.input_tokens,
                output_tokens=amount.output_tokens,
                offers=tuple(
                    Offer(name=name, amount=rounded)
                    for name, rounded in zip(names, comparable_money(usd[model]), strict=True)
                ),
            )
            for model, amount in amounts.items()
        },
    )


def _amount(requests: float, use: ModelUse) -> Amount:
    return Amount(
        requests=round(requests),
        input_tokens=round(requests * (use.input_tokens or 0.0)),
        output_tokens=round(requests * (use.output_tokens or 0.0)),
        cached_input_tokens=round(requests * use.cached_input_tokens),
        reasoning_tokens=round(requests * use.reasoning_tokens),
        per=Period.MONTH,
    )


def _usd(amount: Amount, model: str, prices: Prices) -> Decimal:
    price = price_of(model, prices)
    assert price is not None
    return price.usd_of(amount.input_tokens, amount.output_tokens, amount.cached_input_tokens, amount.reasoning_tokens)


def _together(amounts: Sequence[Amount]) -> Amount:
    return Amount(
        requests=sum(amount.requests or 0 for amount in amounts),
        input_tokens=sum(amount.input_tokens for amount in amounts),
        output_tokens=sum(amount.output_tokens for amount in amounts),
        cached_input_tokens=sum(amount.cached_input_tokens for amount in amounts),
        reasoning_tokens=sum(amount.reasoning_tokens for amount in amounts),
        per=Period.MONTH,
    )
