"""The prompt cache: input tokens that the relay has seen before at the beginning of another prompt."""

from collections import OrderedDict
from collections.abc import Sequence

from relayload.fakerelay.counting import text_tokens

MIN_TOKENS = 1024
BLOCK_TOKENS = 128
"""Prompts are cached from 1,024 tokens on, in steps of 128 (OpenAI, "Prompt caching")."""
MAX_BLOCKS = 200_000

_BLOCK_CHARACTERS = 512


class PromptCache:
    """Stores prompts as chains of blocks; a block matches only after the same beginning."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def cached_tokens(self, model: str, texts: Sequence[str], tokens: int) -> int:
        """Return how many of a prompt's tokens are cached, and add the rest to the cache."""
        if tokens < MIN_TOKENS:
            return 0
        text = "\n".join(texts)
        chain = _chain(model, text)
        known = next((index for index, block in enumerate(chain) if block not in self._blocks), len(chain))
        for block in chain:
            self._blocks[block] = None
            self._blocks.move_to_end(block)
        while len(self._blocks) > MAX_BLOCKS:
            self._blocks.popitem(last=False)
        # The last token of what is known may go on differently.
        return _rounded(text_tokens(text[: known * _BLOCK_CHARACTERS]) - 1) if known else 0


def _chain(model: str, text: str) -> list[int]:
    """Return a hash for each block of text, which depends on all text before it. The last one may be shorter."""
    chain = [hash(model)]
    for start in range(0, len(text), _BLOCK_CHARACTERS):
        chain.append(hash((chain[-1], text[start : start + _BLOCK_CHARACTERS])))
    return chain[1:]


def _rounded(tokens: int) -> int:
    whole = tokens // BLOCK_TOKENS * BLOCK_TOKENS
    return whole if whole >= MIN_TOKENS else 0
