"""The form that a relay wants requests in, where relays differ."""

from dataclasses import dataclass
from typing import Literal, get_args

MaxTokensField = Literal["max_completion_tokens", "max_tokens", "none"]
"""The field of a chat completion's body that says how long its answer may be; `none` says it in no field."""

MAX_TOKENS_FIELDS: tuple[MaxTokensField, ...] = get_args(MaxTokensField)


@dataclass(frozen=True, slots=True)
class Form:
    """What is sent to one relay, and how it is named there."""

    max_tokens_field: MaxTokensField = "max_completion_tokens"
    """OpenAI's newer name, or the older one that every relay knows; `none` leaves the budget out at every endpoint."""
    stream_options: bool = True
    """Whether streams ask for their usage by `stream_options: {include_usage: true}`."""


OPENAI = Form()
"""What OpenAI itself takes."""
