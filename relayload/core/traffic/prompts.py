"""What requests say: prompts of a set or of one's own, and made-up text up to an exact number of tokens.

The same draws give the same prompt, so whoever sends an arrival says the same. No two arrivals say the same
unless told so: a prompt begins with a number drawn for it, so that neither a cache of whole answers nor a cache of
prompt prefixes, which both compare from the first token on, can answer. (A second run with the same seed does repeat
the first: take another seed where a relay caches for longer than between runs.)
"""

from collections.abc import Callable
from dataclasses import dataclass

from relayload.core.traffic.draws import Draws
from relayload.core.traffic.prose import Prose

CHAT_TOKENS = 7
"""What the chat format adds to one message (OpenAI's rule: 3 and the role, and 3 for the start of the answer)."""
NONCE_TOKENS = 6
"""Of the number that a prompt begins with."""

_GAP = "\n\n"

Choose = Callable[[int, Draws], str]
"""The text of an arrival by its index: built in, of a file, or of a template."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a prompt is built around a text, or without one."""

    nonce: bool = True
    shared_prefix: float = 0.0
    """The share of the tokens, from the first on, that all prompts have in common."""


class PromptWriter:
    """Writes the prompts of one scenario.

    `choose` is None where all is made up; `count_tokens` counts those of a text; `common` is where shared text and
    filling come from.
    """

    def __init__(
        self, choose: Choose | None, wording: Wording, count_tokens: Callable[[str], int], common: Prose
    ) -> None:
        self._choose = choose
        self._wording = wording
        self._count_tokens = count_tokens
        self._common = common

    def write(self, index: int, tokens: int | None, draws: Draws, *, nonce: bool = True) -> str:
        """The prompt of an arrival, of exactly so many tokens where they are given. A longer text stays whole."""
        shared = 0 if tokens is None else round(tokens * self._wording.shared_prefix)
        beginning = self._common.beginning(shared)
        rest = None if tokens is None else tokens - shared
        own = self._own(index, rest, draws, nonce=nonce and self._wording.nonce)
        return f"{beginning} {own}" if beginning and own else beginning or own

    def count(self, text: str) -> int:
        """The tokens of a text and of the empty line after it."""
        return self._count_tokens(f"{text}{_GAP}")

    def prepare(self, tokens: int) -> None:
        """Make up, before it is needed, enough for prompts of so many tokens."""
        self._common.prepare(tokens)

    def _own(self, index: int, tokens: int | None, draws: Draws, *, nonce: bool) -> str:
        if self._choose is None:
            if tokens is None:
                raise ValueError("neither a prompt nor a number of tokens")
            return self._common.unique(tokens, draws.rng) if nonce else self._common.beginning(tokens)
        text = self._choose(index, draws)
        number = numbered(draws) if nonce else ""
        if tokens is None:
            return f"{number}{text}"
        missing = tokens - (NONCE_TOKENS if nonce else 0) - self.count(text)
        filling = self._common.unique(missing, draws.rng) if nonce else self._common.beginning(missing)
        return f"{number}{text}{_GAP}{filling}" if missing > 0 else f"{number}{text}"


def numbered(draws: Draws) -> str:
    """What makes a prompt unlike all others, to stand before it: a number drawn for it."""
    return f"Request {draws.below(10**9, 'number'):09d}.{_GAP}"
