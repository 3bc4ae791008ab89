"""Prompts of requests: built-in or user-supplied texts, padded with generated text to an exact number of tokens.

The same draws give the same prompt, whichever worker sends it. By default no two arrivals have the same prompt: each
begins with a drawn number, the nonce, so that neither a cache of whole answers nor a prefix cache, which compare from
the first token on, can match. (A second run with the same seed repeats the first: use another seed if the relay's
cache outlives the time between runs.)
"""

from collections.abc import Callable
from dataclasses import dataclass

from relayload.core.traffic.draws import Draws
from relayload.core.traffic.prose import Prose

CHAT_TOKENS = 7
"""What the chat format adds to one message (OpenAI: 4 with the role, and 3 for the start of the answer)."""
NONCE_TOKENS = 6
"""The tokens of the nonce."""

_GAP = "\n\n"

Choose = Callable[[int, Draws], str]
"""Returns the text of an arrival by its index, from the built-in set, a file or a template."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What is put around the text of a prompt."""

    nonce: bool = True
    shared_prefix: float = 0.0
    """The share of the tokens, from the first on, that all prompts have in common."""


class PromptWriter:
    """Writes the prompts of one scenario.

    `choose` is None if all text is generated; `count_tokens` counts the tokens of a text; shared text and padding come
    from `common`.
    """

    def __init__(
        self, choose: Choose | None, wording: Wording, count_tokens: Callable[[str], int], common: Prose
    ) -> None:
        self._choose = choose
        self._wording = wording
        self._count_tokens = count_tokens
        self._common = common

    def write(self, index: int, tokens: int | None, draws: Draws, *, nonce: bool = True) -> str:
        """Return the prompt of an arrival, of exactly `tokens` tokens if given. A longer text is not cut."""
        shared = 0 if tokens is None else round(tokens * self._wording.shared_prefix)
        beginning = self._common.beginning(shared)
        rest = None if tokens is None else tokens - shared
        own = self._own(index, rest, draws, nonce=nonce and self._wording.nonce)
        return f"{beginning} {own}" if beginning and own else beginning or own

    def count(self, text: str) -> int:
        """Count the tokens of a text and of the empty line after it."""
        return self._count_tokens(f"{text}{_GAP}")

    def prepare(self, tokens: int) -> None:
        """Generate in advance enough text for prompts of this many tokens."""
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
    """Return the nonce that makes a prompt unique: a drawn number, to put before it."""
    return f"Request {draws.below(10**9, 'number'):09d}.{_GAP}"
