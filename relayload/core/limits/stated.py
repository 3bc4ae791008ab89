"""Reads what a relay states about its limits in the headers of an answer.

Limits have many names: OpenAI's `x-ratelimit-limit-requests`, Anthropic's `anthropic-ratelimit-tokens-limit`, APISIX's
`x-ai-ratelimit-limit-NAME`, the plain `x-ratelimit-limit` and the IETF's three headers. What remains of each stands in
a header of the same name with `remaining` in place of `limit`. Unreadable ones count as missing.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

_NAME = re.compile(r"(?:^|-)rate-?limit(?:-|$)")
_LIMIT = re.compile(r"(?<!rate)(?<!rate-)limit(?=-|$)")
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)
_TOKENS = re.compile(r"token|^x-ai-ratelimit")
_MOST = 12


class Stated(Struct, frozen=True):
    """One limit as a header states it."""

    header: str
    """Its lower-case name."""
    limit: int
    of_tokens: bool
    remaining: int | None = None


def limit_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that may be of limits, for a later look at them."""
    return {name: text for name, text in headers.items() if "ratelimit" in name or "rate-limit" in name}


def share_left(headers: Mapping[str, str]) -> float | None:
    """Return the share, from 0 to 1, that remains of the limit of which least does; None where none is stated."""
    shares = [
        min(1.0, each.remaining / each.limit) for each in stated(headers) if each.limit and each.remaining is not None
    ]
    return min(shares, default=None)


def stated(headers: Mapping[str, str]) -> tuple[Stated, ...]:
    """Return every limit that the headers state. Names must be in lower case."""
    found = []
    for name, text in headers.items():
        if not _NAME.search(name) or not _LIMIT.search(name):
            continue
        limit = _number(text)
        if limit is not None:
            remaining = _number(headers.get(_LIMIT.sub("remaining", name), ""))
            found.append(Stated(name, limit, _TOKENS.search(name) is not None, remaining))
    return tuple(found[:_MOST])


def _number(text: str) -> int | None:
    """Parse a number, also one followed by the policy of the IETF's older drafts (`100, 100;w=60`)."""
    number = re.split(r"[,;]", text, maxsplit=1)[0].strip()
    return int(number) if _NUMBER.fullmatch(number) else None
