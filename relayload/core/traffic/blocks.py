"""Prompts whose beginnings are shared as a trace says: texts of 512 tokens each, the same for the same name.

Two lists of names that begin alike make prompts that begin alike, to the byte. So a cache of prompt prefixes finds in
the replay what the recorded service's cache could find (Qin et al., Mooncake, FAST 2025).
"""

from collections.abc import Hashable, Sequence
from functools import lru_cache
from random import Random

from relayload.core.traffic.prose import Prose

BLOCK_TOKENS = 512
_KEPT = 4096
"""Blocks that are kept, about 10 MB: many prompts in a row begin with the same ones."""


class Blocks:
    """The texts of one run."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._prose = Prose(f"{seed}:blocks")
        self._whole = lru_cache(maxsize=_KEPT)(self._made)

    def text(self, names: Sequence[Hashable], tokens: int) -> str:
        """The first tokens of the blocks in their order; all of them where they have fewer."""
        whole, rest = divmod(tokens, BLOCK_TOKENS)
        pieces = [self._whole(name) for name in names[:whole]]
        if rest and whole < len(names):
            pieces.append(self._made(names[whole], rest))
        return " ".join(pieces)

    def session(self, name: str, tokens: int) -> str:
        """The first tokens of a session's own text: a longer prompt of it continues a shorter one."""
        return self.text([f"{name}:{number}" for number in range(-(-tokens // BLOCK_TOKENS))], tokens)

    def prepare(self) -> None:
        """Make up, before it is needed, what the blocks are cut from."""
        self._prose.prepare(BLOCK_TOKENS)

    def _made(self, name: Hashable, tokens: int = BLOCK_TOKENS) -> str:
        return self._prose.unique(tokens, Random(f"{self._seed}:block:{name}"))
