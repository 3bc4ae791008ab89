"""The results that calls of the client return."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from relayload.core.model.record import Attempt


class Answered(Struct, frozen=True, kw_only=True):
    """The common part of all answers. Tokens are None if the relay did not report them."""

    model: str
    latency_s: float
    """Seconds from the call to the last byte, including all waits and retries."""
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    attempts: tuple[Attempt, ...] = ()
    """All attempts; the last one answered."""
    throttled_s: float = 0.0
    """Seconds waited for the client's own quota."""
    backoff_s: float = 0.0
    """Seconds waited before retries."""

    @property
    def request_id(self) -> str | None:
        """The relay's id of the answering attempt."""
        return self.attempts[-1].request_id

    @property
    def ttft_s(self) -> float | None:
        """Seconds from the send of the answering attempt to its first token; None unless streamed."""
        return self.attempts[-1].ttft_s


class Completion(Answered, frozen=True, kw_only=True):
    """A text from a chat or the Responses API."""

    text: str
    """The visible text."""
    finish_reason: str | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    body: dict[str, Any] | None = None
    """The whole answer as the relay sent it, including tool calls; None for a stream."""


class Embeddings(Answered, frozen=True, kw_only=True):
    """One vector per text, in the order of the texts."""

    vectors: Sequence[Sequence[float]]
