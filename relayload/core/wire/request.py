"""One HTTP request to a relay, before anybody has said how it travels."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class WireRequest:
    """What is sent: the same for every driver.

    `path` follows the base URL (`/chat/completions`); `body` is what the relay reads as JSON.
    """

    path: str
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one attempt may take, in seconds; None is without end.

    `gap_s` runs between content events: keep-alive comments do not reset it.
    """

    connect_s: float | None = 5.0
    first_token_s: float | None = None
    gap_s: float | None = None
    total_s: float | None = 120.0
    cancel_after_s: float | None = None
    """When the client hangs up on purpose, counted from the send."""
    cancel_after_tokens: int | None = None
    """How many content events of a stream it reads until then."""


@dataclass(frozen=True, slots=True)
class RelayFault:
    """An error as the relay put it: OpenAI's `{"error": {...}}`, or as much of it as there was."""

    message: str = ""
    type: str | None = None
    code: str | None = None
