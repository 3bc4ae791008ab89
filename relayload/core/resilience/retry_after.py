"""How long the relay asked a client to wait, in every form in use; and what it says is left of its limits.

What cannot be read is as good as not said: nothing here raises.
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
"""Names in lower case."""

_NUMBER = re.compile(r"\d{1,15}(?:\.\d*)?|\.\d+", re.ASCII)
_EPOCH_S = 1e9
"""Numbers from here on are instants: no relay asks for 30 years."""
_EPOCH_MS = 1e12
_LONGEST = 100
"""No number and no date is longer."""
_LIMIT = re.compile(r"rate-?limit")


class Remaining(NamedTuple):
    """What is left of the relay's limits, as far as it tells; None is what it does not."""

    requests: int | None = None
    reset_requests_s: float | None = None
    """Seconds until that limit is whole again."""
    tokens: int | None = None
    reset_tokens_s: float | None = None


def retry_after_s(
    headers: Headers, said_s: float | None = None, *, limited: bool, wall_s: float | None
) -> float | None:
    """Seconds to wait before asking again; None where nobody said.

    The first that can be read counts: `retry-after-ms`, `retry-after` (seconds or a date), `x-ms-retry-after-ms`,
    `llm_provider-retry-after-ms`, `llm_provider-retry-after`; where the request was `limited`, the reset of every
    limit that has nothing left; `said_s`, which its message asked for. `wall_s` is now since the Unix epoch: without
    it, dates cannot be read.
    """
    for name, read in _ASKED:
        text = headers.get(name)
        if text is not None and (wait_s := read(text, wall_s)) is not None:
            return wait_s
    if limited and (wait_s := _reset_s(headers, wall_s)) is not None:
        return wait_s
    return said_s


def remaining(headers: Headers, wall_s: float | None) -> Remaining | None:
    """What OpenAI's `x-ratelimit-*` headers say, Anthropic's, or the IETF's `RateLimit`; None where there are none."""
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
    def told(what: str) -> str | None:
        return headers.get(f"anthropic-ratelimit-{what}")

    return Remaining(
        requests=_count(told("requests-remaining")),
        reset_requests_s=_span_s(told("requests-reset") or "", wall_s),
        tokens=_count(told("tokens-remaining")),
        reset_tokens_s=_span_s(told("tokens-reset") or "", wall_s),
    )


def _of_ietf(headers: Headers) -> Remaining:
    found = allowances(headers)
    requests, reset_requests_s = _least([each for each in found if not each.of_tokens])
    tokens, reset_tokens_s = _least([each for each in found if each.of_tokens])
    return Remaining(requests, reset_requests_s, tokens, reset_tokens_s)


def _least(found: Sequence[Allowed]) -> tuple[int | None, float | None]:
    """What the limit with the least left says; of those, the one that lasts longest."""
    if not found:
        return None, None
    least = min(found, key=lambda each: (each.remaining, -(each.reset_s or 0)))
    return least.remaining, least.reset_s


def _reset_s(headers: Headers, wall_s: float | None) -> float | None:
    """Until the last of the limits that are used up is whole again: `x-ratelimit-reset-requests` and its kin."""
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
    """Of `12`, `0.5`, `1m30.5s`, `120ms`, or until an instant: a date, or seconds or milliseconds since the epoch."""
    if len(text) > _LONGEST:
        return None
    number = _number(text)
    if number is not None and number < _EPOCH_S:
        return number
    wait_s = _go_duration_s(text) if number is None else None
    return _until_s(text, number, wall_s) if wait_s is None and wall_s is not None else wait_s


def _until_s(text: str, number: float | None, wall_s: float) -> float | None:
    """Until that instant; 0 for one that has passed."""
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


_ASKED: tuple[tuple[str, Callable[[str, float | None], float | None]], ...] = (
    ("retry-after-ms", _milliseconds),
    ("retry-after", _span_s),
    ("x-ms-retry-after-ms", _milliseconds),
    ("llm_provider-retry-after-ms", _milliseconds),
    ("llm_provider-retry-after", _span_s),
)


def _count(text: str | None) -> int | None:
    """What is left; a limit that was overdrawn has nothing left."""
    if text is None:
        return None
    number = _number(text.strip().removeprefix("-"))
    if number is None:
        return None
    return 0 if text.strip().startswith("-") else int(number)
