"""One chat of a batch."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from relayload.transport import OnText


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The arguments of one `RelayClient.chat`."""

    model: str
    messages: list[dict[str, Any]]
    _: KW_ONLY
    stream: bool = False
    max_output_tokens: int | None = None
    temperature: float | None = None
    reasoning_effort: str | None = None
    on_delta: OnText | None = None
    extra: dict[str, Any] | None = None
    name: str | None = None
