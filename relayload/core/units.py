"""Text with a unit, as people write it, and the plain numbers that stand for it inside.

Inside: seconds, per second, fractions 0-1, USD. Outside: `800ms`, `300/min`, `1%`, `$5`.
"""

import re

DURATION_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
RATE_UNITS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "hour": 3600.0}

_NUMBER = r"\d+(?:\.\d+)?"
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ns|us|µs|ms|min|s|m|h))+")
_DURATION_PART = re.compile(rf"({_NUMBER})(ns|us|µs|ms|min|s|m|h)")
_RATE = re.compile(rf"({_NUMBER})\s*/\s*(s|sec|m|min|h|hour)")
_PERCENT = re.compile(rf"({_NUMBER})\s*%")


def duration_s(text: str) -> float:
    """Seconds of a duration such as `800ms`, `2m`, `1h30m`. Raises ValueError."""
    compact = text.strip().replace(" ", "")
    if not _DURATION.fullmatch(compact):
        raise ValueError(f"expected a duration such as '800ms', '30s' or '1h30m', got '{text}'")
    return sum(float(number) * DURATION_UNITS[unit] for number, unit in _DURATION_PART.findall(compact))


def rate_per_s(text: str) -> float:
    """Arrivals per second of a rate such as `5/s` or `300/min`. Raises ValueError."""
    match = _RATE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"expected a rate such as '5/s' or '300/min', got '{text}'")
    return float(match[1]) / RATE_UNITS[match[2]]


def fraction(text: str) -> float:
    """A share such as `1%` as 0.01. Raises ValueError."""
    match = _PERCENT.fullmatch(text.strip())
    if not match:
        raise ValueError(f"expected a share such as '1%', got '{text}'")
    return float(match[1]) / 100.0


def format_duration(seconds: float) -> str:
    """A duration as people read it: three significant digits below a minute, `2m5s` above."""
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
