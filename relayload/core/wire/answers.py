"""What a relay answers, as an event of a stream or a whole answer, in one form for all endpoints."""

from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct

from relayload.core.wire.request import RelayFault
from relayload.core.wire.tool_calls import CallPart
from relayload.core.wire.whole_text import LONGEST_NAME, whole_name


class MalformedAnswer(ValueError):
    """The relay sent something that is not JSON, or not in the endpoint's format."""


LARGEST_COUNT = 2**40
"""Larger JSON numbers are not accepted as counts: programs read them differently (RFC 8259, section 6)."""


class AnswerFlaw(StrEnum):
    """The `error` of an attempt whose response was complete and 2xx, but no answer."""

    ERROR_BODY = "error_body"
    FAILED_FINISH = "failed_finish"
    """Its finish reason, such as `abort`, means that it failed."""
    MALFORMED_BODY = "malformed_body"
    NO_CHOICES = "no_choices"
    NO_OUTPUT = "no_output"
    NOT_A_STREAM = "not_a_stream"


class Tokens(NamedTuple):
    """Tokens of one answer, as far as the relay reported them."""

    input: int | None = None
    cached_input: int | None = None
    output: int | None = None
    reasoning: int | None = None


NO_TOKENS = Tokens()


class OtherChoice(NamedTuple):
    """What an event, or a whole answer, has of a choice that is not the first."""

    index: Any
    text: str
    finished: bool


class Event(Struct, kw_only=True, gc=False):
    """The content of one event of a stream."""

    has_token: bool = False
    """Whether it has non-empty content, thought or tool call."""
    visible: bool = False
    """Whether its content is visible to a reader."""
    text: str = ""
    """The visible content."""
    thought: str = ""
    """The model's reasoning, as far as it is streamed."""
    summarised: bool = False
    """Whether the thought is only a summary of the reasoning, or may be."""
    tokens: Tokens | None = None
    finish_reason: str | None = None
    answer_id: str | None = None
    fault: RelayFault | None = None
    calls: tuple[CallPart, ...] = ()
    """Parts of tool calls."""
    others: tuple[OtherChoice, ...] = ()
    """What it adds to choices after the first, if several were asked for."""
    done: bool = False
    """Whether it is the last event of the answer."""

    @property
    def text_bytes(self) -> int:
        """The length of the visible content in UTF-8."""
        return len(self.text) if self.text.isascii() else len(self.text.encode("utf-8", "surrogatepass"))

    @property
    def thought_bytes(self) -> int:
        """The length of the thought in UTF-8."""
        return len(self.thought.encode("utf-8", "surrogatepass"))


class WholeAnswer(Struct, kw_only=True, gc=False):
    """The content of an answer that is not streamed. `flaw` is set if it is not an answer."""

    flaw: AnswerFlaw | None = None
    fault: RelayFault | None = None
    tokens: Tokens = NO_TOKENS
    finish_reason: str | None = None
    answer_id: str | None = None
    text: str = ""
    replaced: int = 0
    """The number of invalid characters in the text that were replaced by U+FFFD."""
    calls: tuple[CallPart, ...] = ()
    """Its tool calls."""
    other_texts: tuple[str, ...] = ()
    """The visible texts of the choices after the first."""
    zero_usage: bool = False
    """Whether its usage reports zero output tokens although there is output, so that the count is useless."""


def token_count(value: Any) -> int | None:
    """Return a number of tokens if the value is one: a whole number (`12.0` is accepted) from 0 to 2^40; else None."""
    if type(value) is int:  # excludes bool
        return value if 0 <= value <= LARGEST_COUNT else None
    if type(value) is float and value.is_integer():  # excludes infinity and NaN
        return token_count(int(value))
    return None


def token_detail(details: Any, name: str) -> int | None:
    """Return a number of tokens from a details object, or None."""
    return token_count(details.get(name)) if isinstance(details, dict) else None


def answer_id_of(value: Any) -> str | None:
    """Return the `id` of an answer, or None if it is blank, as in Azure's first event, or not a string."""
    if not isinstance(value, str) or not value or value.isspace():
        return None
    return value if value.isascii() and len(value) <= LONGEST_NAME else whole_name(value)
