"""One HTTP request to a relay, before anybody has said how it travels."""

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

    @property
    def path(self) -> str:
        """What follows the base URL."""
        return _PATHS[self]


_PATHS: Mapping[Endpoint, str] = MappingProxyType(
    {
        Endpoint.CHAT: "/chat/completions",
        Endpoint.RESPONSES: "/responses",
        Endpoint.EMBEDDINGS: "/embeddings",
    }
)


class WireRequest(Struct, frozen=True, gc=False):
    """What is sent: the same for every driver. `body` is what the relay reads as JSON."""

    endpoint: Endpoint
    body: dict[str, Any]
    headers: dict[str, str] = {}
    max_output_tokens: int | None = None
    """The budget of the answer, whether the body tells it or not."""

    @property
    def path(self) -> str:
        """What follows the base URL: `/chat/completions`."""
        return self.endpoint.path

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What a conversation goes on from; embeddings are none."""
        said = self.body.get("messages" if self.endpoint is Endpoint.CHAT else "input")
        return said if isinstance(said, list) and self.endpoint is not Endpoint.EMBEDDINGS else []

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))


def with_fields(body: dict[str, Any], extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """The body with further fields, which go before its own; one that is None is left out."""
    if not extra:
        return body
    return {name: value for name, value in {**body, **extra}.items() if value is not None}


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
    retry_after_s: float | None = None
    """How long the message asks to wait."""
