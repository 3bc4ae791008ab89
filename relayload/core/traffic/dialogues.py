"""Recorded conversations, and the messages that a request takes from one.

A request holds the messages up to the last one by the user; the relay is to give the answer after it. With several
turns, each adds the next part, and the relay's own answers replace the recorded ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

Message = dict[str, Any]

ANSWERS = ("assistant", "tool", "function")
"""The roles of answers and what follows from them. In a live conversation these come from the relay."""
_FORMAT_TOKENS, _MESSAGE_TOKENS = 3, 4
GAP = "\n\n"


class Dialogue(Struct, frozen=True):
    """Messages in chat format. At least one is a user's; the last one is not an assistant's."""

    messages: tuple[Message, ...]

    @property
    def turns(self) -> list[tuple[Message, ...]]:
        """The messages before each answer, without the answers and tool calls."""
        parts: list[tuple[Message, ...]] = []
        part: list[Message] = []
        for message in self.messages:
            if message["role"] not in ANSWERS:
                part.append(message)
            elif is_asked(part):
                parts.append(tuple(part))
                part = []
        return [*parts, tuple(part)] if is_asked(part) else parts

    @property
    def asked(self) -> str:
        """All user messages as one text."""
        return GAP.join(text_of(message) for message in self.messages if message["role"] == "user")


def is_asked(messages: Iterable[Message]) -> bool:
    """Return whether one of the messages is a user's."""
    return any(message["role"] == "user" for message in messages)


def text_of(message: Message) -> str:
    """Return the text of a message, joined from its parts if it has any."""
    content = message.get("content")
    if isinstance(content, list):
        return GAP.join(part["text"] for part in content if isinstance(part.get("text"), str))
    return content or ""


def format_tokens(messages: int) -> int:
    """Return the tokens that the chat format adds (OpenAI: 4 per message with the role, 3 for the answer's start)."""
    return _FORMAT_TOKENS + _MESSAGE_TOKENS * messages


def users(messages: Sequence[Message]) -> tuple[int, int]:
    """Return the positions of the user's first and last message."""
    positions = [position for position, message in enumerate(messages) if message["role"] == "user"]
    return positions[0], positions[-1]


def prepended(message: Message, text: str) -> Message:
    """Return the message with the text put before its own."""
    content = message.get("content")
    if not isinstance(content, list):
        return {**message, "content": f"{text}{content or ''}"}
    return {**message, "content": list(_prepended(content, text))}


def _prepended(parts: list[dict[str, Any]], text: str) -> Iterator[dict[str, Any]]:
    """Put the text before the first text part, or else before all parts."""
    position = next((position for position, part in enumerate(parts) if part.get("type") == "text"), None)
    if position is None:
        return iter([{"type": "text", "text": text.rstrip()}, *parts])
    part = parts[position]
    return iter([*parts[:position], {**part, "text": f"{text}{part['text']}"}, *parts[position + 1 :]])


def with_parts(message: Message, *parts: dict[str, Any]) -> Message:
    """Return the message with more parts after its own."""
    content = message.get("content") or ""
    own = content if isinstance(content, list) else [{"type": "text", "text": content}]
    return {**message, "content": [*own, *parts]}


def appended(message: Message, text: str) -> Message:
    """Return the message with a text after its own."""
    content = message.get("content")
    if isinstance(content, list):
        return with_parts(message, {"type": "text", "text": text})
    return {**message, "content": f"{content or ''}{GAP}{text}"}
