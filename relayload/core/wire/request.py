"""One HTTP request to a relay, independent of the driver that sends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct


class Endpoint(StrEnum):
    """What a relay is asked for."""

    CHAT = "chat"
    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"
    MESSAGES = "messages"
    """Anthropic's API."""

    @property
    def operation(self) -> str:
        """What OpenTelemetry's GenAI conventions call it."""
        return "embeddings" if self is Endpoint.EMBEDDINGS else "chat"

    @property
    def path(self) -> str:
        """The path after the base URL."""
        return _PATHS[self]

    @property
    def headers(self) -> dict[str, str]:
        """The headers that its requests have unless a target or a request sets them otherwise."""
        return {"anthropic-version": ANTHROPIC_VERSION} if self is Endpoint.MESSAGES else {}


ANTHROPIC_VERSION = "2023-06-01"
"""The version of the Messages API, which every request names."""


_PATHS: Mapping[Endpoint, str] = MappingProxyType(
    {
        Endpoint.CHAT: "/chat/completions",
        Endpoint.RESPONSES: "/responses",
        Endpoint.EMBEDDINGS: "/embeddings",
        Endpoint.MESSAGES: "/messages",
    }
)


class WireRequest(Struct, frozen=True, gc=False):
    """A request, the same for every driver. `body` is sent as JSON."""

    endpoint: Endpoint
    body: dict[str, Any]
    headers: dict[str, str] = {}
    max_output_tokens: int | None = None
    """The token budget of the answer, even if the body does not contain it."""

    @property
    def path(self) -> str:
        """The path after the base URL, such as `/chat/completions`."""
        return self.endpoint.path

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages that a conversation continues; empty for embeddings."""
        messages = self.body.get("input" if self.endpoint is Endpoint.RESPONSES else "messages")
        if not isinstance(messages, list) or self.endpoint is Endpoint.EMBEDDINGS:
            return []
        system = self.body.get("system") if self.endpoint is Endpoint.MESSAGES else None
        return [{"role": "system", "content": system}, *messages] if system else messages

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))


def with_fields(body: dict[str, Any], extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the body with extra fields, which override its own. Fields that are None are omitted."""
    if not extra:
        return body
    return {name: value for name, value in {**body, **extra}.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one attempt may take, in seconds; None means no limit.

    `gap_s` limits the time between content events; keep-alive comments do not reset it.
    """

    connect_s: float | None = 5.0
    first_token_s: float | None = None
    gap_s: float | None = None
    total_s: float | None = 120.0
    cancel_after_s: float | None = None
    """When the client hangs up on purpose, counted from the send."""
    cancel_after_tokens: int | None = None
    """After how many content events of a stream the client hangs up."""


@dataclass(frozen=True, slots=True)
class RelayFault:
    """An error as the relay sent it: OpenAI's `{"error": {...}}`, or what there was of it."""

    message: str = ""
    type: str | None = None
    code: str | None = None
    retry_after_s: float | None = None
    """The wait that the message asks for."""
