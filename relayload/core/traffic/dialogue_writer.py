"""Builds requests from recorded conversations, as `PromptWriter` does from texts."""

from collections.abc import Callable, Sequence

from relayload.core.traffic.dialogues import GAP, Message, appended, format_tokens, prepended, text_of, users
from relayload.core.traffic.draws import Draws
from relayload.core.traffic.prompts import NONCE_TOKENS, Wording, numbered
from relayload.core.traffic.prose import Prose


class DialogueWriter:
    """Puts the shared prefix and a nonce before the first user message, and pads the last one."""

    def __init__(self, wording: Wording, count_tokens: Callable[[str], int], common: Prose) -> None:
        self._wording = wording
        self._count_tokens = count_tokens
        self._common = common

    def write(self, messages: Sequence[Message], tokens: int | None, draws: Draws) -> list[Message]:
        """Return messages of exactly `tokens` tokens with the chat format. Longer conversations are not cut."""
        wording, written = self._wording, list(messages)
        first, last = users(written)
        shared = 0 if tokens is None else round(tokens * wording.shared_prefix)
        if tokens is not None:
            missing = tokens - shared - (NONCE_TOKENS if wording.nonce else 0) - self._tokens(written, last)
            if missing > 0:
                written[last] = appended(written[last], self._filling(missing, draws))
        if front := self._front(shared, draws):
            written[first] = prepended(written[first], front)
        return written

    def _tokens(self, messages: Sequence[Message], last: int) -> int:
        """Count the tokens of the messages, and of the empty line before padding."""
        texts = (text_of(message) + (GAP if position == last else "") for position, message in enumerate(messages))
        return format_tokens(len(messages)) + sum(map(self._count_tokens, texts))

    def _front(self, shared: int, draws: Draws) -> str:
        beginning = self._common.beginning(shared)
        number = numbered(draws) if self._wording.nonce else ""
        return f"{beginning} {number}" if beginning else number  # the blank also separates it from the message's text

    def _filling(self, tokens: int, draws: Draws) -> str:
        return self._common.unique(tokens, draws.rng) if self._wording.nonce else self._common.beginning(tokens)
