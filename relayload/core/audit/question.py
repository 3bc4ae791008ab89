"""One question of the audit, and what is known of an answer to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from relayload.core.audit.endings import CUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a check sees of an answer."""

    text: str = ""
    """The visible text."""
    finish_reason: str | None = None
    output_tokens: int | None = None
    """As the relay reported them."""
    calls: int = 0
    """Tool calls that name a function and whose arguments are a JSON object."""
    has_logprobs: bool = False
    """Whether the body holds log probabilities of at least one token."""


Check = Callable[[Answered], bool | None]
Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question."""

    id: str
    """Its kind and its number, such as `open:12`."""
    messages: list[Message]
    max_output_tokens: int
    temperature: float | None = None
    """None leaves it to the relay."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """More of the body, in the words of chat completions."""
    passes: Check | None = None
    """Whether an answer is right; None for questions of which none is, or that it takes two answers to judge."""


def user(prompt: str) -> list[Message]:
    """Return a conversation of one message."""
    return [{"role": "user", "content": prompt}]


def was_cut_before_text(answer: Answered) -> bool:
    """Return whether reasoning took the whole budget, so that nothing is known of the answer."""
    return not answer.text.strip() and answer.finish_reason in CUT
