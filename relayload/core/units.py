"""Conversion between text with a unit, as people write it, and plain numbers.

Inside: seconds, per second, fractions 0-1, USD. Outside: `800ms`, `300/min`, `1%`, `$5`, `64kB`.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

DURATION_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
MONTH_S = 365 / 12 * 86_400
"""The seconds of a mean month."""
RATE_UNITS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "hour": 3600.0}

_NUMBER = r"\d+(?:\.\d+)?"
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ns|us|µs|ms|min|s|m|h))+")
_DURATION_PART = re.compile(rf"({_NUMBER})(ns|us|µs|ms|min|s|m|h)")
_RATE = re.compile(rf"({_NUMBER})\s*/\s*(s|sec|m|min|h|hour)")
_LIMIT = re.compile(r"(\d[\d_]*)\s*([kKM]?)\s*/\s*(s|sec|m|min|h|hour)")
_MULTIPLES = {"": 1, "k": 1000, "K": 1000, "M": 1_000_000}
_MOST_IN_A_LIMIT = 10**15
"""More than any load sends, and few enough that floats count them exactly."""
_PERCENT = re.compile(rf"({_NUMBER})\s*%")
_USD = re.compile(rf"\$?\s*({_NUMBER})")
_BYTES = re.compile(rf"({_NUMBER})\s*(B|[kKMG]B|[KMG]iB)")
_BYTE_UNITS = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}
_COUNT = re.compile(rf"({_NUMBER})\s*([kKMB]?)")
_COUNT_UNITS = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000}


def duration_s(text: str) -> float:
    """Return the seconds of a duration such as `800ms`, `2m`, `1h30m`. Raises ValueError."""
    compact = text.strip().replace(" ", "")
    if not _DURATION.fullmatch(compact):
        raise ValueError(f"expected a duration such as '800ms', '30s' or '1h30m', got '{text}'")
    return sum(float(number) * DURATION_UNITS[unit] for number, unit in _DURATION_PART.findall(compact))


def rate_per_s(text: str) -> float:
    """Return the arrivals per second of a rate such as `5/s` or `300/min`. Raises ValueError."""
    match = _RATE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"expected a rate such as '5/s' or '300/min', got '{text}'")
    return float(match[1]) / RATE_UNITS[match[2]]


def count_per_s(text: str) -> tuple[int, float]:
    """Return the amount and the seconds of a limit such as `10/s`, `60/min` or `200k/min`. Raises ValueError."""
    match = _LIMIT.fullmatch(text.strip())
    if not match or not int(match[1]):
        raise ValueError(f"expected a limit such as '10/s', '60/min' or '200k/min', got '{text}'")
    amount = int(match[1]) * _MULTIPLES[match[2]]
    if amount > _MOST_IN_A_LIMIT:
        raise ValueError(f"expected a limit of at most {_MOST_IN_A_LIMIT:.0e}, got '{text}'")
    return amount, RATE_UNITS[match[3]]


def fraction(text: str) -> float:
    """Return a share such as `1%` as 0.01. Raises ValueError."""
    match = _PERCENT.fullmatch(text.strip())
    if not match:
        raise ValueError(f"expected a share such as '1%', got '{text}'")
    return float(Decimal(match[1]) / 100)  # as close as can be, so that 11 of 1000 are not less than 1.1%


def usd(text: str) -> Decimal:
    """Return the dollars of an amount such as `$5`, `$0.01` or `5`. Raises ValueError."""
    match = _USD.fullmatch(text.strip())
    if not match:
        raise ValueError(f"expected dollars such as '$5' or '$0.01', got '{text}'")
    return Decimal(match[1])


def byte_count(text: str) -> int:
    """Return the bytes of a size such as `64kB`, `1.5MB` or `8MiB`. Raises ValueError."""
    match = _BYTES.fullmatch(text.strip())
    if not match:
        raise ValueError(f"expected a size such as '64kB', '8MB' or '8MiB', got '{text}'")
    return int(Decimal(match[1]) * _BYTE_UNITS[match[2]])


def format_bytes(size: float) -> str:
    """Return a size as people write it: `64kB`, `8MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:g}{unit}"
    return f"{size:g}B"


def whole_count(text: str) -> int:
    """Return a whole number such as `10M`, `1.5k` or `250`. Raises ValueError."""
    match = _COUNT.fullmatch(text.strip())
    count = Decimal(match[1]) * _COUNT_UNITS[match[2]] if match else Decimal("0.5")
    if count != int(count):
        raise ValueError(f"expected a whole number such as '250', '1.5k' or '10M', got '{text}'")
    return int(count)


def number_of(count: int, noun: str) -> str:
    """Return `1 answer`, or `1,000 answers`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_usd(amount: Decimal) -> str:
    """Format dollars to the cent, and below ten cents to three digits: `$4,644.00`, `$0.0123`."""
    return f"${money(amount)}"


def money(amount: Decimal) -> str:
    """Format an amount of any currency like `format_usd`, without a symbol."""
    if amount and abs(amount) < Decimal("0.1"):
        return f"{amount:.{min(6, 2 - amount.adjusted())}f}"
    return f"{amount:,.2f}"


def comparable_money(amounts: Sequence[Decimal]) -> list[Decimal]:
    """Round amounts shown side by side to the same decimals, which show their difference.

    These are cents, or three digits of an amount below ten cents, without zeros that no amount needs.
    """
    finest = max([2, *(2 - amount.adjusted() for amount in amounts if 0 < amount < Decimal("0.1"))])
    rounded = [_rounded(amount, finest) for amount in amounts]
    needed = max([2, *(decimals(amount.normalize()) for amount in rounded)])
    return [_rounded(amount, needed) for amount in rounded]


def decimals(amount: Decimal) -> int:
    """Return the number of decimals."""
    return -int(amount.as_tuple().exponent)


def _rounded(amount: Decimal, to_decimals: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-to_decimals))


def format_duration(seconds: float) -> str:
    """Format a duration: three significant digits below a minute, `2m5s` above."""
    if seconds >= 60:
        return _format_minutes(seconds)
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (60.0, 1.0, "s")):
        if seconds < limit * 0.9995:
            return f"{_three_digits(seconds * factor)}{unit}"
    return f"{_three_digits(seconds)}s"


def _three_digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def _format_minutes(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest}s" if rest else ""]
    return "".join(parts)
