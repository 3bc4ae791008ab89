"""How long the relay asked a client to wait, in every form in use; and what it says is left of its limits.

What cannot be read is as good as not said: nothing here raises.
"""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import NamedTuple

from relayload.core.units import duration_s
from relayload.core.wire.http_date import http_date_s

Headers = Mapping[str, str]
"""Names in lower case."""

_NUMBER = re.compile(r"\d{1,15}(?:\.\d*)?|\.\d+", re.ASCII)
_EPOCH_S = 1e9
"""Numbers from here on are instants: no relay asks for 30 years."""
_EPOCH_MS = 1e12
_UNIT = r"(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)"
_IN_TEXT = re.compile(
    rf"\b(?:try again|retry)\s+(?:in|after)\s+((?:\d{{1,9}}(?:\.\d{{1,9}})?\s*{_UNIT}\s*)+)(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE | re.ASCII)


class Remaining(NamedTuple):
    """What is left of the relay's limits, as far as it tells; None is what it does not."""

    requests: int | None = None
    reset_requests_s: float | None = None
    """Seconds until that limit is whole again."""
    tokens: int | None = None
    reset_tokens_s: float | None = None


def asked_wait_s(headers: Headers, message: str = "", *, limited: bool, wall_s: float | None) -> float | None:
    """Seconds to wait before asking again; None where nobody said.

    The first that can be read counts: `retry-after-ms`, `retry-after` (seconds or a date), `x-ms-retry-after-ms`,
    `llm_provider-retry-after-ms`, `llm_provider-retry-after`; where the request was `limited`, the reset of every
    limit that has nothing left; "try again in 11.87s" in the message. `wall_s` is now since the Unix epoch: without
    it, dates cannot be read.
    """
    for name, read in _ASKED:
        text = headers.get(name)
        if text is not None and (wait_s := read(text, wall_s)) is not None:
            return wait_s
    if limited and (wait_s := _reset_s(headers, wall_s)) is not None:
        return wait_s
    return _wait_in_text(message)


def remaining(headers: Headers, wall_s: float | None) -> Remaining | None:
    """What OpenAI's `x-ratelimit-*` headers say; None where there are none."""
    found = Remaining(
        requests=_count(headers.get("x-ratelimit-remaining-requests")),
        reset_requests_s=_span_s(headers.get("x-ratelimit-reset-requests", ""), wall_s),
        tokens=_count(headers.get("x-ratelimit-remaining-tokens")),
        reset_tokens_s=_span_s(headers.get("x-ratelimit-reset-tokens", ""), wall_s),
    )
    return None if found == Remaining() else found


def _reset_s(headers: Headers, wall_s: float | None) -> float | None:
    """Until the last of the limits that are used up is whole again: `x-ratelimit-reset-requests` and its kin."""
    waits_s = []
    for name, text in headers.items():
        if "ratelimit-reset" in name:
            left = _count(headers.get(name.replace("-reset", "-remaining")))
            wait_s = None if left else _span_s(text, wall_s)
            if wait_s is not None:
                waits_s.append(wait_s)
    return max(waits_s, default=None)


def _milliseconds(text: str, _wall_s: float | None) -> float | None:
    number = _number(text)
    return None if number is None else number / 1e3


def _seconds_or_date(text: str, wall_s: float | None) -> float | None:
    wait_s = _span_s(text, wall_s)
    if wait_s is None and wall_s is not None:
        return _until_date_s(text, wall_s)
    return wait_s


def _span_s(text: str, wall_s: float | None) -> float | None:
    """Of `12`, `0.5`, `1m30.5s`, `120ms`, or an instant in seconds or milliseconds since the Unix epoch."""
    number = _number(text)
    if number is None:
        return _go_duration_s(text)
    if number < _EPOCH_S:
        return number
    if wall_s is None:
        return None
    return max(0.0, (number if number < _EPOCH_MS else number / 1e3) - wall_s)


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _go_duration_s(text: str) -> float | None:
    try:
        found_s = duration_s(text)
    except ValueError:
        return None
    return found_s if isfinite(found_s) else None


def _until_date_s(text: str, wall_s: float) -> float | None:
    """Until an HTTP date; 0 for one that has passed."""
    until_s = http_date_s(text)
    return None if until_s is None else max(0.0, until_s - wall_s)


def _wait_in_text(message: str) -> float | None:
    match = _IN_TEXT.search(message)
    if match is None:
        return None
    return sum(float(number) * _UNIT_S[_unit(word)] for number, word in _PART.findall(match[1]))


def _unit(word: str) -> str:
    """`ms` of `milliseconds`, and the first letter of the others."""
    return "ms" if word.lower().startswith(("ms", "mil")) else word[0].lower()


_UNIT_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

_ASKED: tuple[tuple[str, Callable[[str, float | None], float | None]], ...] = (
    ("retry-after-ms", _milliseconds),
    ("retry-after", _seconds_or_date),
    ("x-ms-retry-after-ms", _milliseconds),
    ("llm_provider-retry-after-ms", _milliseconds),
    ("llm_provider-retry-after", _seconds_or_date),
)


def _count(text: str | None) -> int | None:
    """What is left; a limit that was overdrawn has nothing left."""
    if text is None:
        return None
    number = _number(text.strip().removeprefix("-"))
    if number is None:
        return None
    return 0 if text.strip().startswith("-") else int(number)
