"""Counts the tokens of one answer and of its prompt."""

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from relayload.core.audit.prompt_tokens import (
    REPLY_TOKENS,
    Count,
    Uncountable,
    prompt_bytes,
    prompt_tokens,
    tokens_before_user,
)
from relayload.core.wire.kept import Kept
from relayload.core.wire.request import WireRequest

_LONG_RUN = re.compile(r"(?:[^\W\d_]|[^\w\s\x00-\x7f]){512}|(?:[^\w\s]|_){512}|\s{512}")
"""Characters that no encoding splits: the time to count them grows with the square of their number."""


class Counted(NamedTuple):
    """What was counted here; None where it is not known."""

    input: int | None = None
    repeated_input: int | None = None
    output: int | None = None
    reasoning: int | None = None


class Sent(NamedTuple):
    """A request, and what of it others may have in common."""

    request: WireRequest
    shared_tokens: int | None
    """How many tokens from the user's first one on; None if all of them."""
    retried: bool = False
    """Whether an attempt before had the same prompt."""


def bytes_to_count(sent: Sent, kept: Kept) -> int:
    """Return about how many bytes of texts are to be counted."""
    return prompt_bytes(sent.request) + len(kept.text) + len(kept.thoughts) + sum(map(len, kept.calls))


def counted(sent: Sent, kept: Kept, count: Count) -> Counted:
    """Count an answer and its prompt, apart from texts of 512 characters that are one word."""
    count = partial(_in_bounds, count)
    tokens = prompt_tokens(sent.request, count)
    several = (sent.request.body.get("n") or 1) != 1
    return Counted(
        tokens,
        _repeated(sent, tokens, count),
        None if kept.cut or several else _total((kept.text, *kept.calls), count),
        None if kept.cut else _total((kept.thoughts,), count),
    )


def _in_bounds(count: Count, text: str) -> int:
    """Count the tokens of a text. Raises Uncountable if that would take too long."""
    if _LONG_RUN.search(text):
        raise Uncountable
    return count(text)


def _total(texts: Sequence[str], count: Count) -> int | None:
    try:
        return sum(map(count, texts))
    except Uncountable:
        return None


def uncounted(sent: Sent) -> Counted:
    """Return what is known without counting: that a prompt is like no other."""
    own = sent.shared_tokens == 0 and not sent.retried and tokens_before_user(sent.request, len) == 0
    return Counted(repeated_input=0 if own else None)


def _repeated(sent: Sent, tokens: int | None, count: Count) -> int | None:
    """Return how many tokens an earlier request may have had at its beginning, too."""
    if sent.retried or sent.shared_tokens is None:
        return tokens
    before = tokens_before_user(sent.request, count)
    if before is None:
        return None
    shared = before + sent.shared_tokens
    # The marks of the user's message are the same everywhere, but too few to be cached alone.
    repeated = shared + REPLY_TOKENS if shared else 0
    return repeated if tokens is None else min(repeated, tokens)
