"""Builds requests around conversations that somebody wrote down, as `PromptWriter` does around texts."""

from collections.abc import Callable, Sequence

from relayload.core.traffic.dialogues import GAP, Message, begun, format_tokens, lengthened, text_of, users
from relayload.core.traffic.draws import Draws
from relayload.core.traffic.prompts import NONCE_TOKENS, Wording, numbered
from relayload.core.traffic.prose import Prose


class DialogueWriter:
    """Puts what is in common and a number before what the user says first, and fills up what is said last."""

    def __init__(self, wording: Wording, count_tokens: Callable[[str], int], common: Prose) -> None:
        self._wording = wording
        self._count_tokens = count_tokens
        self._common = common

    def write(self, messages: Sequence[Message], tokens: int | None, draws: Draws) -> list[Message]:
        """The messages of a request, of exactly so many tokens with the chat format. Longer ones stay whole."""
        wording, said = self._wording, list(messages)
        first, last = users(said)
        shared = 0 if tokens is None else round(tokens * wording.shared_prefix)
        if tokens is not None:
            missing = tokens - shared - (NONCE_TOKENS if wording.nonce else 0) - self._tokens(said, last)
            if missing > 0:
                said[last] = lengthened(said[last], self._filling(missing, draws))
        if front := self._front(shared, draws):
            said[first] = begun(said[first], front)
        return said

    def _tokens(self, messages: Sequence[Message], last: int) -> int:
        """Those that there are, and of the empty line before a filling."""
        texts = (text_of(message) + (GAP if place == last else "") for place, message in enumerate(messages))
        return format_tokens(len(messages)) + sum(map(self._count_tokens, texts))

    def _front(self, shared: int, draws: Draws) -> str:
        beginning = self._common.beginning(shared)
        number = numbered(draws) if self._wording.nonce else ""
        return f"{beginning} {number}" if beginning else number  # the blank also parts it from the message's text

    def _filling(self, tokens: int, draws: Draws) -> str:
        return self._common.unique(tokens, draws.rng) if self._wording.nonce else self._common.beginning(tokens)
