"""Amounts in the spelling of other tools: what they would be here."""

import re
from types import MappingProxyType

from relayload.core.metrics.metric import Unit

_AMOUNT = re.compile(r"(?P<before>[^\d\s.,-]*)\s*(?P<number>\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)\s*(?P<after>\D*)")
_DURATIONS = MappingProxyType(
    dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), "ms")
    | dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s")
    | dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "min")
    | dict.fromkeys(("h", "hr", "hour", "hours"), "h")
    | dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), "us")
)
_THINGS = r"(?:r|rq|req|reqs|requests?|q|queries|t|tok|toks|tokens?|ops?|calls?)?"
_RATES = (
    (re.compile(rf"{_THINGS}\s*(?:/|per|p)?\s*(?:s|sec|second)"), "s"),
    (re.compile(rf"{_THINGS}\s*(?:/|per|p)\s*(?:m|min|minute)"), "min"),
    (re.compile(rf"{_THINGS}\s*(?:/|per|p)\s*(?:h|hr|hour)"), "h"),
)
_MOST_SECONDS = 10
"""A plain number below this is rather one of seconds, any other of milliseconds, as in k6."""


def respelled(value: str, unit: Unit) -> str:
    """The value with the unit that is most likely meant; as it is where nobody can tell."""
    amount = _AMOUNT.fullmatch(value.strip())
    if amount is None:
        return value
    number, word = amount["number"].replace(",", ""), amount["after"].strip().lower()
    number = f"0{number}" if number.startswith(".") else number
    return _READ[unit](number, word, amount["before"]) or value


def _duration(number: str, word: str, _: str) -> str | None:
    if not word:
        return f"{number}{'s' if float(number) < _MOST_SECONDS else 'ms'}"
    return f"{number}{_DURATIONS[word]}" if word in _DURATIONS else None


def _rate(number: str, word: str, _: str) -> str | None:
    if not word:
        return f"{number}/s"
    return next((f"{number}/{per}" for pattern, per in _RATES if pattern.fullmatch(word)), None)


def _share(number: str, word: str, _: str) -> str | None:
    if word in ("%", "percent", "pct"):
        return f"{number}%"
    if word:
        return None
    return f"{float(number) * 100:g}%" if float(number) < 1 else f"{number}%"


def _dollars(number: str, word: str, before: str) -> str | None:
    return f"${number}" if {word, before.lower()} <= {"", "$", "usd", "dollar", "dollars", "us$"} else None


def _count(number: str, word: str, _: str) -> str | None:
    return number if not word else None


_READ = MappingProxyType(
    {
        Unit.SECONDS: _duration,
        Unit.PER_SECOND: _rate,
        Unit.SHARE: _share,
        Unit.USD: _dollars,
        Unit.COUNT: _count,
    }
)
