"""What a call of the client returns."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from relayload.core.model.record import Attempt


class Answered(Struct, frozen=True, kw_only=True):
    """What every answer has. Tokens are None where the relay did not say; seconds count from the call."""

    model: str
    latency_s: float
    """To the last byte, every wait and retry inside."""
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    attempts: tuple[Attempt, ...] = ()
    """The last one is the answering one."""
    throttled_s: float = 0.0
    """Waited for our own quota."""
    backoff_s: float = 0.0
    """Waited before retries."""

    @property
    def request_id(self) -> str | None:
        """How the relay calls the answering attempt."""
        return self.attempts[-1].request_id

    @property
    def ttft_s(self) -> float | None:
        """From the send of the answering attempt to its first token; only measured on streams."""
        return self.attempts[-1].ttft_s


class Completion(Answered, frozen=True, kw_only=True):
    """A text, of a chat or of the Responses API."""

    text: str
    """What a person would read."""
    finish_reason: str | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    body: dict[str, Any] | None = None
    """The whole answer as the relay put it, with tool calls and all; None of a stream."""


class Embeddings(Answered, frozen=True, kw_only=True):
    """One vector per text, in their order."""

    vectors: Sequence[Sequence[float]]
