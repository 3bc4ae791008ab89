"""What an amount of traffic costs at one price or another, and what is saved by the second."""

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
    """How much is asked for: all of it, or every period."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    requests: int | None = None
    """None where it is told in tokens alone."""
    per: Period | None = None


class Offer(Struct, frozen=True, kw_only=True):
    """What the amount costs somewhere."""

    name: str
    amount: Decimal


class Saving(Struct, frozen=True, kw_only=True):
    """By which the last offer is below the first; negative where it is above."""

    amount: Decimal
    """The difference of the amounts as they are told."""
    share: Decimal | None
    """Of the first; None where that is free."""
    per_year: Decimal | None
    """None where the amount has no period."""


class Quote(Struct, frozen=True, kw_only=True):
    """Amounts of money are in the currency and decimal; in JSON they are text.

    All have as many decimals: those of a cent, or more where the smallest needs them.
    """

    asked: Amount
    offers: tuple[Offer, ...]
    saving: Saving | None = None
    currency: str = "USD"
    exchange_rate: Decimal = Decimal(1)
    """Of a dollar."""


def quote(
    asked: Amount, offers_usd: Sequence[tuple[str, Decimal]], currency: str = "USD", exchange_rate: Decimal = Decimal(1)
) -> Quote:
    """The offers in a currency; of two, what is saved by the second."""
    exact = [usd * exchange_rate for _, usd in offers_usd]
    told = comparable_money(exact)
    return Quote(
        asked=asked,
        offers=tuple(Offer(name=name, amount=amount) for (name, _), amount in zip(offers_usd, told, strict=True)),
        saving=_saving(exact, told, asked.per) if len(exact) > 1 else None,
        currency=currency,
        exchange_rate=exchange_rate,
    )


def _saving(exact: Sequence[Decimal], told: Sequence[Decimal], per: Period | None) -> Saving:
    """Shares and years are of the exact amounts, and rounded once."""
    saved = exact[0] - exact[-1]
    return Saving(
        amount=told[0] - told[-1],
        share=(saved / exact[0]).quantize(Decimal("0.0001")) if exact[0] else None,
        per_year=round(saved * per.per_year, decimals(told[0])) if per else None,
    )
