"""What tokens cost. Money is decimal everywhere: a float can't hold a cent."""

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Protocol

from msgspec import Struct

ANY = "any"
"""Stands in a list of prices for every model that it does not name."""

MILLION = 1_000_000
_MICRO_USD = Decimal("0.000001")
_NOTHING = Decimal(0)
_MOST = Decimal("1e40")
_WIDE = Context(prec=60)
"""So many digits that what anybody may be asked to pay has six of them after the point."""


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
    """None: as any input."""
    reasoning: Decimal | None = None
    """None: as any output."""

    def usd(self, counts: Counts) -> Decimal:
        """Of tokens as OpenAI's usage counts them, exact.

        Cached tokens are a part of the input and reasoning tokens a part of the output: each is paid once, at its own
        price. A relay that tells more of them than of the whole is taken at its word for them.
        """
        return self.usd_of(counts.input, counts.output, counts.cached_input, counts.reasoning)

    def usd_of(self, input_tokens: int, output_tokens: int, cached: int = 0, reasoning: int = 0) -> Decimal:
        """As `usd`, by the numbers."""
        paid = self.input * max(0, input_tokens - cached) + self.output * max(0, output_tokens - reasoning)
        if cached:
            paid += (self.input if self.cached_input is None else self.cached_input) * cached
        if reasoning:
            paid += (self.output if self.reasoning is None else self.reasoning) * reasoning
        return paid / MILLION

    def times(self, factor: Decimal) -> "Price":
        """That many times as much."""
        return Price(
            input=self.input * factor,
            output=self.output * factor,
            cached_input=None if self.cached_input is None else self.cached_input * factor,
            reasoning=None if self.reasoning is None else self.reasoning * factor,
        )


Prices = Mapping[str, Price]
"""By model."""


def price_of(model: str, prices: Prices) -> Price | None:
    """The price of a model; None where the list has none, nor one for `any`."""
    return prices.get(model) or prices.get(ANY)


def times(prices: Prices, factor: Decimal) -> dict[str, Price]:
    """Each price that many times: what so much more of the same traffic costs, rounded once."""
    return {model: price.times(factor) for model, price in prices.items()}


def to_micro_usd(usd: Decimal) -> Decimal:
    """Rounded half-even to a millionth of a dollar, which prints without an exponent."""
    return usd.quantize(_MICRO_USD, context=_WIDE)


def check_money(*amounts: Decimal | None) -> None:
    """Raises ValueError for an amount that nothing can be added to, as only a file can hold it."""
    for amount in amounts:
        if amount is not None and not (amount.is_finite() and abs(amount) < _MOST):
            raise ValueError("it holds an amount that is too large")


def blended(prices: Prices, weights: Mapping[str, float]) -> Price | None:
    """The mean price of models that are asked by weight; None where one has no price."""
    known = {model: price_of(model, prices) for model in weights}
    shares = {model: Decimal(repr(weight)) for model, weight in weights.items()}
    total = sum(shares.values(), _NOTHING)
    sums = [_NOTHING, _NOTHING]
    for model, price in known.items():
        if price is None:
            return None
        sums = [sums[0] + price.input * shares[model], sums[1] + price.output * shares[model]]
    return Price(input=sums[0] / total, output=sums[1] / total)
