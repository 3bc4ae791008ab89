"""Reads the values in the rows of a trace, from text of CSV or from JSON. Each reader raises Unreadable."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from relayload.document.spelling import spelled

Read = Callable[[Any], Any]
MOST_DIGITS = 7
_LATEST_S = 1e12
_MOST_BLOCKS = 100_000
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d):([0-5]\d(?:\.\d+)?)(?: ?(Z|UTC|[+-]\d\d(?::?\d\d)?))?", re.ASCII
)


class Unreadable(ValueError):
    """Raised for a value that can't be read; the text says what was expected."""


def tokens(value: Any) -> int:
    """Return a number of tokens, at least one."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= MOST_DIGITS:
        return int(value) or 1
    if type(value) is int and 0 <= value < 10**MOST_DIGITS:
        return value or 1
    return _spaced_tokens(value)


def _spaced_tokens(value: Any) -> int:
    text = value.strip() if isinstance(value, str) else ""
    if text != value and text:
        return tokens(text)
    raise Unreadable(f"expected a number of tokens below ten million, got {spelled(value)}")


def name(value: Any) -> str | None:
    """Return a text; None if it is empty."""
    if value is None or value == "":
        return None
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value).strip() or None
    raise Unreadable(f"expected a name, got {spelled(value)}")


def blocks(value: Any) -> tuple[int, ...]:
    """Return the numbers of blocks."""
    if not isinstance(value, list) or len(value) > _MOST_BLOCKS or not all(type(each) is int for each in value):
        raise Unreadable(f"expected a list of whole numbers, got {spelled(value)}")
    return tuple(value)


def seconds(value: Any) -> float:
    """Return a number of seconds."""
    return _number(value, "seconds")


def milliseconds(value: Any) -> float:
    """Return a number of milliseconds, in seconds."""
    return _number(value, "milliseconds") / 1000


def _number(value: Any, unit: str) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = _LATEST_S
        if -_LATEST_S < number < _LATEST_S:  # not so for what is no number
            return number
    raise Unreadable(f"expected a number of {unit}, got {spelled(value)}")


class Timestamps:
    """Reads timestamps as seconds since the first one. Each minute is parsed once; the rest is a number."""

    def __init__(self) -> None:
        self._minute = self._zone = ""
        self._minute_at_s = 0.0
        self._origin: datetime | None = None

    def __call__(self, value: Any) -> float:
        if isinstance(value, str) and value[:17] == self._minute and value.endswith(self._zone):
            try:
                second = float(value[17 : len(value) - len(self._zone)])
            except ValueError:
                return self._parsed(value)
            if 0 <= second < 60:
                return self._minute_at_s + second
        return self._parsed(value)

    def _parsed(self, value: Any) -> float:
        match = _TIMESTAMP.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise Unreadable(f"expected a time such as '2023-11-16 18:15:46.68', got {spelled(value)}")
        day, minute, second, zone = match.groups()
        try:
            at = datetime.fromisoformat(f"{day}T{minute}").replace(tzinfo=UTC) - _offset(zone)
        except (ValueError, OverflowError):
            raise Unreadable(f"there is no such time as {spelled(value)}") from None
        self._origin = self._origin or at
        minute_at_s = (at - self._origin).total_seconds()
        if value[0] != " ":
            self._minute, self._minute_at_s = value[:17], minute_at_s
            self._zone = value[match.end(3) :]
        return minute_at_s + float(second)


def _offset(zone: str | None) -> timedelta:
    if zone in (None, "Z", "UTC"):
        return timedelta()
    assert zone is not None
    minutes = int(zone[1:3]) * 60 + int(zone[-2:] if len(zone) > 3 else 0)
    return timedelta(minutes=-minutes if zone[0] == "-" else minutes)


def instants(unit: str) -> Callable[[Any], float]:
    """Return the reader for times in that unit."""
    return {"s": seconds, "ms": milliseconds}[unit] if unit != "timestamp" else Timestamps()
