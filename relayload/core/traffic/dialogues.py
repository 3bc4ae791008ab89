"""Conversations that somebody wrote down, and what a request says of one.

A request says its messages up to the last one that asks: the answers after it are what the relay is to give. Several
turns say one part after the other, and the relay's own answers take the place of those that were written down.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

Message = dict[str, Any]

ANSWERS = ("assistant", "tool", "function")
"""The roles of what follows from an answer, which a relay gives itself where a conversation is led with it."""
_FORMAT_TOKENS, _MESSAGE_TOKENS = 3, 4
GAP = "\n\n"


class Dialogue(Struct, frozen=True):
    """Messages as chat completions have them. At least one is a user's; the last one is no assistant's."""

    messages: tuple[Message, ...]

    @property
    def turns(self) -> list[tuple[Message, ...]]:
        """What is said before each answer, without the answers and the calls of tools."""
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
        """What the user says in all, as one text."""
        return GAP.join(text_of(message) for message in self.messages if message["role"] == "user")


def is_asked(messages: Iterable[Message]) -> bool:
    """Whether one of them is a user's."""
    return any(message["role"] == "user" for message in messages)


def text_of(message: Message) -> str:
    """The text of a message: all of it, or of its parts."""
    content = message.get("content")
    if isinstance(content, list):
        return GAP.join(part["text"] for part in content if isinstance(part.get("text"), str))
    return content or ""


def format_tokens(messages: int) -> int:
    """What the chat format adds to so many messages (OpenAI's rule: 3 and the role, and 3 for the answer's start)."""
    return _FORMAT_TOKENS + _MESSAGE_TOKENS * messages


def users(messages: Sequence[Message]) -> tuple[int, int]:
    """The places of the first and the last message of the user."""
    places = [place for place, message in enumerate(messages) if message["role"] == "user"]
    return places[0], places[-1]


def begun(message: Message, text: str) -> Message:
    """The message with a text before its own."""
    content = message.get("content")
    if not isinstance(content, list):
        return {**message, "content": f"{text}{content or ''}"}
    return {**message, "content": list(_begun(content, text))}


def _begun(parts: list[dict[str, Any]], text: str) -> Iterator[dict[str, Any]]:
    """Before the first part that is text, or else before all."""
    place = next((place for place, part in enumerate(parts) if part.get("type") == "text"), None)
    if place is None:
        return iter([{"type": "text", "text": text.rstrip()}, *parts])
    part = parts[place]
    return iter([*parts[:place], {**part, "text": f"{text}{part['text']}"}, *parts[place + 1 :]])


def ended(message: Message, *parts: dict[str, Any]) -> Message:
    """The message with more parts after its own."""
    content = message.get("content") or ""
    own = content if isinstance(content, list) else [{"type": "text", "text": content}]
    return {**message, "content": [*own, *parts]}


def lengthened(message: Message, text: str) -> Message:
    """The message with a text after its own."""
    content = message.get("content")
    if isinstance(content, list):
        return ended(message, {"type": "text", "text": text})
    return {**message, "content": f"{content or ''}{GAP}{text}"}
