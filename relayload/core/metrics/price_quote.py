"""The cost of an amount of traffic at one price or another, and the saving of the second."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from relayload.core.units import comparable_money, decimals


class Period(StrEnum):
    """How often an amount is due."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"

    @property
    def per_year(self) -> int:
        return {Period.DAY: 365, Period.MONTH: 12, Period.YEAR: 1}[self]


class Amount(Struct, frozen=True, kw_only=True):
    """The amount of traffic: in all, or every period."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    requests: int | None = None
    """None where the amount is given in tokens alone."""
    targets: int = 1
    """How many targets get so many requests each; the tokens are those of all of them."""
    per: Period | None = None


class Offer(Struct, frozen=True, kw_only=True):
    """The cost of the amount at one price."""

    name: str
    amount: Decimal


class Saving(Struct, frozen=True, kw_only=True):
    """The difference by which the last offer is below the first; negative where it is above."""

    amount: Decimal
    """The difference of the amounts as displayed."""
    share: Decimal | None
    """The share of the first offer; None where that is free."""
    per_year: Decimal | None
    """None where the amount has no period."""


class Quote(Struct, frozen=True, kw_only=True):
    """A quote. Amounts of money are in `currency` and decimal; in JSON they are text.

    All have the same number of decimals: two, or more where the smallest amount needs them.
    """

    asked: Amount
    offers: tuple[Offer, ...]
    saving: Saving | None = None
    currency: str = "USD"
    exchange_rate: Decimal = Decimal(1)
    """The price of a dollar in that currency."""


def quote(
    asked: Amount, offers_usd: Sequence[tuple[str, Decimal]], currency: str = "USD", exchange_rate: Decimal = Decimal(1)
) -> Quote:
    """Return the offers in a currency; with two or more, also the saving of the last."""
    exact = [usd * exchange_rate for _, usd in offers_usd]
    rounded = comparable_money(exact)
    return Quote(
        asked=asked,
        offers=tuple(Offer(name=name, amount=amount) for (name, _), amount in zip(offers_usd, rounded, strict=True)),
        saving=_saving(exact, rounded, asked.per) if len(exact) > 1 else None,
        currency=currency,
        exchange_rate=exchange_rate,
    )


def _saving(exact: Sequence[Decimal], rounded: Sequence[Decimal], per: Period | None) -> Saving:
    """Compute the saving; the share and the yearly amount come from exact amounts and are rounded once."""
    saved = exact[0] - exact[-1]
    return Saving(
        amount=rounded[0] - rounded[-1],
        share=(saved / exact[0]).quantize(Decimal("0.0001")) if exact[0] else None,
        per_year=round(saved * per.per_year, decimals(rounded[0])) if per else None,
    )
