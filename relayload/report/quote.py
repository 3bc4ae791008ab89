"""Renders what traffic costs at several providers as text."""

from decimal import Decimal

from rich.table import Table

from relayload.core.metrics.price_quote import Amount, Quote, Saving
from relayload.report.printing import printed
from relayload.report.screen import PLAIN, Screen


def render_quote(quote: Quote, screen: Screen = PLAIN) -> str:
    """Render the amount of traffic, a row for each offer, and the saving."""
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(overflow="fold")
    for _ in range(3):
        table.add_column(justify="right", overflow="fold")
    for offer in quote.offers:
        table.add_row(offer.name, _money(offer.amount, quote.currency))
    if quote.saving is not None:
        table.add_row(*_saving(quote.saving, quote.currency))
    return printed([_amount(quote.asked), *_rate(quote), "", table], screen)


def _amount(amount: Amount) -> str:
    cached = f" ({amount.cached_input_tokens:,} cached)" if amount.cached_input_tokens else ""
    reasoning = f" ({amount.reasoning_tokens:,} reasoning)" if amount.reasoning_tokens else ""
    to_each = f" to each of {amount.targets} targets" if amount.targets > 1 else ""
    requests = "" if amount.requests is None else f"{amount.requests:,} requests{to_each}: "
    per = f" a {amount.per.value}" if amount.per else ""
    return f"{requests}{amount.input_tokens:,} tokens in{cached}, {amount.output_tokens:,} out{reasoning}{per}"


def _rate(quote: Quote) -> list[str]:
    return [] if quote.currency == "USD" else [f"1 USD = {quote.exchange_rate} {quote.currency}"]


def _saving(saving: Saving, currency: str) -> tuple[str, ...]:
    dearer = min(saving.amount, saving.per_year or 0) < 0  # a difference that only a year's worth shows
    share = [] if saving.share is None else [f"{abs(saving.share) * 100:.0f}%"]
    year = [] if saving.per_year is None else [f"{_money(abs(saving.per_year), currency)} a year"]
    return ("more" if dearer else "saving", _money(abs(saving.amount), currency), *share, *year)


def _money(amount: Decimal, currency: str) -> str:
    return f"${amount:,f}" if currency == "USD" else f"{amount:,f} {currency}"
