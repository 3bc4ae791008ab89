"""Formatting of the numbers of a verdict."""

from decimal import Decimal

from relayload.core.metrics.metric import Unit
from relayload.core.units import format_duration, format_usd

_MANY_TIMES = 10


def quantity(value: float, unit: str) -> str:
    """Return a value with its unit: `812ms`, `0.80%`, `4.20/s`, `$0.12`, `17`."""
    match unit:
        case Unit.SECONDS:
            return format_duration(value) if value else "0s"
        case Unit.SHARE:
            return share(value)
        case Unit.FACTOR:
            return f"x{value:.4g}" if abs(value) >= _MANY_TIMES else f"x{value:.3f}"
        case Unit.PER_SECOND:
            return f"{value:.3g}/s" if value < 1000 else f"{value:,.0f}/s"
        case Unit.USD:
            return format_usd(Decimal(repr(value)))
        case _:
            return f"{value:z,.0f}"


def share(fraction: float) -> str:
    """Return a fraction in percent, to three digits where it is small."""
    percent = fraction * 100
    return f"{percent:.3g}%" if percent < 99.95 or percent == 100 else f"{percent:.4g}%"
