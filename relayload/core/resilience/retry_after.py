"""Reads how long the relay asks a client to wait, in every form in use, and what remains of its limits.

Unreadable values count as missing: nothing here raises.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from relayload.core.resilience.rate_limit_field import Allowed, allowances
from relayload.core.units import duration_s
from relayload.core.wire.http_date import http_date_s
from relayload.core.wire.iso_instant import iso_instant_s

Headers = Mapping[str, str]
"""Header values by lower-case name."""

_NUMBER = re.compile(r"\d{1,15}(?:\.\d*)?|\.\d+", re.ASCII)
_EPOCH_S = 1e9
"""Numbers from here on are instants, since no relay asks to wait 30 years."""
_EPOCH_MS = 1e12
_LONGEST = 100
"""The most characters of a number or a date."""
_LIMIT = re.compile(r"rate-?limit")


class Remaining(NamedTuple):
    """What remains of the relay's limits; None for what it does not report."""

    requests: int | None = None
    reset_requests_s: float | None = None
    """Seconds until that limit is full again."""
    tokens: int | None = None
    reset_tokens_s: float | None = None


def retry_after_s(
    headers: Headers, message_s: float | None = None, *, limited: bool, wall_s: float | None
) -> float | None:
    """Return the seconds to wait before a retry, or None if the relay did not ask for a wait.

    The first readable one counts: `retry-after-ms`, `retry-after` (seconds or a date), `x-ms-retry-after-ms`,
    `llm_provider-retry-after-ms`, `llm_provider-retry-after`; if the request was `limited`, the latest reset of the
    limits with nothing left; `message_s`, the wait in the error message. `wall_s` is the current time in seconds since
    the Unix epoch; without it, dates cannot be read.
    """
    for name, read in _WAIT_HEADERS:
        text = headers.get(name)
        if text is not None and (wait_s := read(text, wall_s)) is not None:
            return wait_s
    if limited and (wait_s := _reset_s(headers, wall_s)) is not None:
        return wait_s
    return message_s


def remaining(headers: Headers, wall_s: float | None) -> Remaining | None:
    """Read OpenAI's `x-ratelimit-*` headers, Anthropic's, or the IETF's `RateLimit`; None if there are none."""
    found = Remaining(
        requests=_count(headers.get("x-ratelimit-remaining-requests")),
        reset_requests_s=_span_s(headers.get("x-ratelimit-reset-requests", ""), wall_s),
        tokens=_count(headers.get("x-ratelimit-remaining-tokens")),
        reset_tokens_s=_span_s(headers.get("x-ratelimit-reset-tokens", ""), wall_s),
    )
    if found == Remaining():
        found = _of_anthropic(headers, wall_s)
    if found == Remaining():
        found = _of_ietf(headers)
    return None if found == Remaining() else found


def _of_anthropic(headers: Headers, wall_s: float | None) -> Remaining:
    def value(what: str) -> str | None:
        return headers.get(f"anthropic-ratelimit-{what}")

    return Remaining(
        requests=_count(value("requests-remaining")),
        reset_requests_s=_span_s(value("requests-reset") or "", wall_s),
        tokens=_count(value("tokens-remaining")),
        reset_tokens_s=_span_s(value("tokens-reset") or "", wall_s),
    )


def _of_ietf(headers: Headers) -> Remaining:
    found = allowances(headers)
    requests, reset_requests_s = _least([each for each in found if not each.of_tokens])
    tokens, reset_tokens_s = _least([each for each in found if each.of_tokens])
    return Remaining(requests, reset_requests_s, tokens, reset_tokens_s)


def _least(found: Sequence[Allowed]) -> tuple[int | None, float | None]:
    """Return the limit with the least remaining; among equals, the one with the longest reset."""
    if not found:
        return None, None
    least = min(found, key=lambda each: (each.remaining, -(each.reset_s or 0)))
    return least.remaining, least.reset_s


def _reset_s(headers: Headers, wall_s: float | None) -> float | None:
    """Return the seconds until the last used-up limit is full again: `x-ratelimit-reset-requests` and similar."""
    waits_s = [float(each.reset_s) for each in allowances(headers) if not each.remaining and each.reset_s is not None]
    for name, text in headers.items():
        if "reset" in name and _LIMIT.search(name):
            left = _count(headers.get(name.replace("reset", "remaining")))
            wait_s = None if left else _span_s(text, wall_s)
            if wait_s is not None:
                waits_s.append(wait_s)
    return max(waits_s, default=None)


def _milliseconds(text: str, _wall_s: float | None) -> float | None:
    number = _number(text)
    return None if number is None else number / 1e3


def _span_s(text: str, wall_s: float | None) -> float | None:
    """Parse `12`, `0.5`, `1m30.5s`, `120ms`, or an instant: a date, or seconds or milliseconds since the epoch."""
    if len(text) > _LONGEST:
        return None
    number = _number(text)
    if number is not None and number < _EPOCH_S:
        return number
    wait_s = _go_duration_s(text) if number is None else None
    return _until_s(text, number, wall_s) if wait_s is None and wall_s is not None else wait_s


def _until_s(text: str, number: float | None, wall_s: float) -> float | None:
    """Return the seconds until an instant; 0 if it has passed."""
    if number is None:
        until_s = iso_instant_s(text)
        until_s = http_date_s(text) if until_s is None else until_s
    else:
        until_s = number if number < _EPOCH_MS else number / 1e3
    return None if until_s is None else max(0.0, until_s - wall_s)


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _go_duration_s(text: str) -> float | None:
    try:
        found_s = duration_s(text)
    except ValueError:
        return None
    return found_s if isfinite(found_s) else None


_WAIT_HEADERS: tuple[tuple[str, Callable[[str, float | None], float | None]], ...] = (
    ("retry-after-ms", _milliseconds),
    ("retry-after", _span_s),
    ("x-ms-retry-after-ms", _milliseconds),
    ("llm_provider-retry-after-ms", _milliseconds),
    ("llm_provider-retry-after", _span_s),
)


def _count(text: str | None) -> int | None:
    """Parse what remains; an overdrawn limit has nothing left."""
    if text is None:
        return None
    number = _number(text.strip().removeprefix("-"))
    if number is None:
        return None
    return 0 if text.strip().startswith("-") else int(number)
