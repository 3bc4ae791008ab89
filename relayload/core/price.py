"""Prices of tokens. Money is decimal everywhere: a float can't hold a cent."""

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Protocol

from msgspec import Struct

ANY = "any"
"""The key in a list of prices for every model that it does not name."""

MILLION = 1_000_000
_MICRO_USD = Decimal("0.000001")
_NOTHING = Decimal(0)
_MOST = Decimal("1e40")
_WIDE = Context(prec=60)
"""Enough digits for the largest amounts with six decimals."""


class Counts(Protocol):
    """Token counts, of which `cached_input` are a part of the input and `reasoning` a part of the output."""

    @property
    def input(self) -> int: ...
    @property
    def cached_input(self) -> int: ...
    @property
    def output(self) -> int: ...
    @property
    def reasoning(self) -> int: ...


class Price(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """US dollars per million tokens."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    """None applies the price of other input."""
    reasoning: Decimal | None = None
    """None applies the price of other output."""

    def usd(self, counts: Counts) -> Decimal:
        """Return the exact price of tokens as OpenAI's usage counts them.

        Cached tokens are a part of the input and reasoning tokens a part of the output: each is paid once, at its own
        price. If a relay reports more of them than of the whole, all of them are charged.
        """
        return self.usd_of(counts.input, counts.output, counts.cached_input, counts.reasoning)

    def usd_of(self, input_tokens: int, output_tokens: int, cached: int = 0, reasoning: int = 0) -> Decimal:
        """Return `usd` for these numbers."""
        paid = self.input * max(0, input_tokens - cached) + self.output * max(0, output_tokens - reasoning)
        if cached:
            paid += (self.input if self.cached_input is None else self.cached_input) * cached
        if reasoning:
            paid += (self.output if self.reasoning is None else self.reasoning) * reasoning
        return paid / MILLION

    def times(self, factor: Decimal) -> "Price":
        """Return this price multiplied by a factor."""
        return Price(
            input=self.input * factor,
            output=self.output * factor,
            cached_input=None if self.cached_input is None else self.cached_input * factor,
            reasoning=None if self.reasoning is None else self.reasoning * factor,
        )


Prices = Mapping[str, Price]
"""Prices by model."""


def price_of(model: str, prices: Prices) -> Price | None:
    """Return the price of a model; None where the list has neither it nor `any`."""
    return prices.get(model) or prices.get(ANY)


def times(prices: Prices, factor: Decimal) -> dict[str, Price]:
    """Return each price multiplied: the cost of so much more of the same traffic, rounded once."""
    return {model: price.times(factor) for model, price in prices.items()}


def to_micro_usd(usd: Decimal) -> Decimal:
    """Round half-even to a millionth of a dollar, which prints without an exponent."""
    return usd.quantize(_MICRO_USD, context=_WIDE)


def check_money(*amounts: Decimal | None) -> None:
    """Raise ValueError for an amount that can't be added to, as only a file can contain."""
    for amount in amounts:
        if amount is not None and not (amount.is_finite() and abs(amount) < _MOST):
            raise ValueError("it holds an amount that is too large")


def blended(prices: Prices, weights: Mapping[str, float]) -> Price | None:
    """Return the mean price of models, weighted by requests; None where one has no price."""
    known = {model: price_of(model, prices) for model in weights}
    shares = {model: Decimal(repr(weight)) for model, weight in weights.items()}
    total = sum(shares.values(), _NOTHING)
    sums = [_NOTHING, _NOTHING]
    for model, price in known.items():
        if price is None:
            return None
        sums = [sums[0] + price.input * shares[model], sums[1] + price.output * shares[model]]
    return Price(input=sums[0] / total, output=sums[1] / total)
