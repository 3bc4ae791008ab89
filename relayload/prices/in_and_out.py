"""Prices in two numbers, `2/8`: dollars per million tokens in and out, whatever the model."""

import re
from decimal import Decimal

from relayload.core.price import Price

_IN_AND_OUT = re.compile(r"\$?(?P<input>\d{1,9}(\.\d{1,12})?)/\$?(?P<output>\d{1,9}(\.\d{1,12})?)")


def in_and_out(text: str) -> Price | None:
    """The price that a text such as `2/8` or `$2.10/$8.40` is; None where it is something else."""
    amounts = _IN_AND_OUT.fullmatch(text.strip())
    return Price(input=Decimal(amounts["input"]), output=Decimal(amounts["output"])) if amounts else None
