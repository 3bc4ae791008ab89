"""Reads how many tokens a relay counted for an answer, under the names that relays use.

Sources: OpenAI's two APIs (`prompt_tokens`, `input_tokens`), DeepSeek (`prompt_cache_hit_tokens`), Moonshot
(`cached_tokens`, and the usage within the choice), Groq (`x_groq.usage`).
"""

from typing import Any

from msgspec import Struct

from relayload.core.wire.answers import LARGEST_COUNT, NO_TOKENS, Tokens, token_count, token_detail


class Usage(Struct, gc=False):
    """Tokens as the relay counted them. The values may be anything: read them with `tokens`."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    prompt_tokens_details: Any = None
    completion_tokens_details: Any = None
    input_tokens: Any = None
    output_tokens: Any = None
    input_tokens_details: Any = None
    output_tokens_details: Any = None
    prompt_cache_hit_tokens: Any = None
    cached_tokens: Any = None
    reasoning_tokens: Any = None


def tokens(usage: Usage | None) -> Tokens:
    """Convert the usage; counts that are missing or invalid are None."""
    if usage is None:
        return NO_TOKENS
    return Tokens(
        _count(usage.prompt_tokens, usage.input_tokens),
        _cached(usage),
        _count(usage.completion_tokens, usage.output_tokens),
        _reasoning(usage),
    )


def merged(former: Tokens, latter: Tokens) -> Tokens:
    """Merge two usages. The latter wins, except where it has no count, or 0 for what was counted already.

    An input without its cached part, as Anthropic's last event may have it, does not replace the whole one.
    """
    if former.cached_input and latter.cached_input is None and (latter.input or 0) < (former.input or 0):
        latter = latter._replace(input=None)
    return Tokens(*(new or old if new is None or old else new for old, new in zip(former, latter, strict=True)))


def _count(first: Any, other: Any) -> int | None:
    return (
        first if type(first) is int and 0 < first <= LARGEST_COUNT else _either(token_count(first), token_count(other))
    )


def _either(first: int | None, other: int | None) -> int | None:
    """Return the first count that is not 0 or None: relays that fill in both names may put 0 under the unused one."""
    return first or other if first is None or other is not None else first


def _cached(usage: Usage) -> int | None:
    count = token_detail(usage.prompt_tokens_details, "cached_tokens")
    if count is None:
        count = token_detail(usage.input_tokens_details, "cached_tokens")
    return _count(usage.prompt_cache_hit_tokens, usage.cached_tokens) if count is None else count


def _reasoning(usage: Usage) -> int | None:
    count = token_detail(usage.completion_tokens_details, "reasoning_tokens")
    if count is None:
        count = token_detail(usage.output_tokens_details, "reasoning_tokens")
    return token_count(usage.reasoning_tokens) if count is None else count
