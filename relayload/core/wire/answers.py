"""What a relay answers, in our words: an event of a stream or a whole answer, whatever its endpoint calls it."""

from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct

from relayload.core.wire.request import RelayFault
from relayload.core.wire.whole_text import LONGEST_NAME, whole_name


class MalformedAnswer(ValueError):
    """The relay sent something that is no JSON, or not of the endpoint's format."""


LARGEST_COUNT = 2**40
"""Beyond it, JSON's numbers are no counts: not every program reads them alike (RFC 8259, section 6)."""


class AnswerFlaw(StrEnum):
    """The `error` of an attempt whose response was whole and 2xx, but no answer."""

    ERROR_BODY = "error_body"
    FAILED_FINISH = "failed_finish"
    """It ended for a reason that means that it failed, such as `abort`."""
    MALFORMED_BODY = "malformed_body"
    NO_CHOICES = "no_choices"
    NO_OUTPUT = "no_output"
    NOT_A_STREAM = "not_a_stream"


class Tokens(NamedTuple):
    """Tokens of one answer, as far as the relay told them."""

    input: int | None = None
    cached_input: int | None = None
    output: int | None = None
    reasoning: int | None = None


NO_TOKENS = Tokens()


class Event(Struct, kw_only=True, gc=False):
    """What one event of a stream says."""

    has_token: bool = False
    """There is content, a thought or a tool call in it, and not an empty one."""
    visible: bool = False
    """Content of its token is what a person would read."""
    text: str = ""
    """The visible content."""
    thought: str = ""
    """What the model thinks, as far as it is streamed."""
    summarised: bool = False
    """The thought is a summary of what the model thinks."""
    tokens: Tokens | None = None
    finish_reason: str | None = None
    answer_id: str | None = None
    fault: RelayFault | None = None
    done: bool = False
    """Nothing of the answer comes after it."""

    @property
    def thought_bytes(self) -> int:
        """How long the thought is, in UTF-8."""
        return len(self.thought.encode("utf-8", "surrogatepass"))


class WholeAnswer(Struct, kw_only=True, gc=False):
    """What an answer in one piece says; `flaw` if it is none."""

    flaw: AnswerFlaw | None = None
    fault: RelayFault | None = None
    tokens: Tokens = NO_TOKENS
    finish_reason: str | None = None
    answer_id: str | None = None
    text: str = ""
    replaced: int = 0
    """Characters of the text that were none, and stand there as U+FFFD."""
    zero_usage: bool = False
    """Its usage says that nothing was generated, though there is something: so it tells nothing of the output."""


def token_count(value: Any) -> int | None:
    """A number of tokens, if it is one: whole, though it may be written `12.0`, and not above 2^40."""
    if type(value) is int:  # a bool is no count
        return value if 0 <= value <= LARGEST_COUNT else None
    if type(value) is float and value.is_integer():  # neither infinite nor NaN
        return token_count(int(value))
    return None


def token_detail(details: Any, name: str) -> int | None:
    """A number of tokens out of those that tell of a part."""
    return token_count(details.get(name)) if isinstance(details, dict) else None


def name_of_answer(value: Any) -> str | None:
    """The `id` of an answer, if it is one: Azure's first event has an empty one."""
    if not isinstance(value, str) or not value or value.isspace():
        return None
    return value if value.isascii() and len(value) <= LONGEST_NAME else whole_name(value)
