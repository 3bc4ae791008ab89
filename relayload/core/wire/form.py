"""How relays differ in the requests that they accept."""

from dataclasses import dataclass
from typing import Literal, get_args

MaxTokensField = Literal["max_completion_tokens", "max_tokens", "none"]
"""The field of a chat completion that limits the length of the answer; `none` sends no such field."""

MAX_TOKENS_FIELDS: tuple[MaxTokensField, ...] = get_args(MaxTokensField)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields that one relay accepts."""

    max_tokens_field: MaxTokensField = "max_completion_tokens"
    """OpenAI's newer name, or the older one that every relay knows; `none` omits the budget at every endpoint."""
    stream_options: bool = True
    """Whether streams request usage with `stream_options: {include_usage: true}`."""


OPENAI = Form()
"""What OpenAI itself accepts."""
