"""Prompts that share prefixes as recorded in a trace: blocks of 512 tokens, the same text for the same name.

Lists of names with a common prefix make prompts with a byte-identical prefix. So a prefix cache finds in the replay
what the recorded service's cache could find (Qin et al., Mooncake, FAST 2025).
"""

from collections.abc import Hashable, Sequence
from functools import lru_cache
from random import Random

from relayload.core.traffic.prose import Prose

BLOCK_TOKENS = 512
_KEPT = 4096
"""The number of cached blocks, about 10 MB: successive prompts often begin with the same ones."""


class Blocks:
    """The block texts of one run."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._prose = Prose(f"{seed}:blocks")
        self._whole = lru_cache(maxsize=_KEPT)(self._made)

    def text(self, names: Sequence[Hashable], tokens: int) -> str:
        """Return the first `tokens` tokens of the blocks in order, or all of them if there are fewer."""
        whole, rest = divmod(tokens, BLOCK_TOKENS)
        pieces = [self._whole(name) for name in names[:whole]]
        if rest and whole < len(names):
            pieces.append(self._made(names[whole], rest))
        return " ".join(pieces)

    def session(self, name: str, tokens: int) -> str:
        """Return the first `tokens` tokens of a session's text: a longer prompt continues a shorter one."""
        return self.text([f"{name}:{number}" for number in range(-(-tokens // BLOCK_TOKENS))], tokens)

    def prepare(self) -> None:
        """Generate in advance the text that blocks are cut from."""
        self._prose.prepare(BLOCK_TOKENS)

    def _made(self, name: Hashable, tokens: int = BLOCK_TOKENS) -> str:
        return self._prose.unique(tokens, Random(f"{self._seed}:block:{name}"))
