"""Counts the tokens of a request as OpenAI documents it: those of its texts, and what the chat format adds.

Source: OpenAI Cookbook, "How to count tokens with tiktoken", `num_tokens_from_messages`: 3 tokens for the start of the
answer, 3 for every message, those of its role, and 1 with those of a name.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from relayload.core.wire.request import Endpoint, WireRequest

Count = Callable[[str], int]
"""Counts the tokens of a text."""

REPLY_TOKENS = 3
_MESSAGE_TOKENS = 3
_NAME_TOKENS = 1
_UNKNOWN_FIELDS = ("tools", "functions", "response_format", "text", "output_config", "prompt", "previous_response_id")
"""Fields of a body that may add tokens to the prompt, nobody knows how many."""
_KNOWN_KEYS = frozenset({"role", "content", "name", "type"})
_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})


class Uncountable(ValueError):
    """The request has something whose tokens are not known."""


def prompt_tokens(request: WireRequest, count: Count) -> int | None:
    """Return the tokens of a whole prompt; None if it has something whose tokens are not known, such as an image."""
    if _has_unknown_fields(request.body):
        return None
    try:
        return REPLY_TOKENS + sum(_tokens_of(message, count) for message in _messages(request))
    except Uncountable:
        return None


def tokens_before_user(request: WireRequest, count: Count) -> int | None:
    """Return the tokens of the messages before the user's first one; None if they are not known."""
    before: list[Mapping[str, Any]] = []
    for message in _messages(request):
        if message.get("role") == "user":
            break
        before.append(message)
    try:
        return sum(_tokens_of(message, count) for message in before)
    except Uncountable:
        return None


def prompt_bytes(request: WireRequest) -> int:
    """Return about how many bytes of text are to be counted."""
    return sum(len(text) for message in _messages(request) for text in _texts_or_none(message))


def _has_unknown_fields(body: Mapping[str, Any]) -> bool:
    return any(body.get(name) for name in _UNKNOWN_FIELDS)


def _messages(request: WireRequest) -> list[Mapping[str, Any]]:
    body = request.body
    if request.endpoint is not Endpoint.RESPONSES:
        return [message for message in request.messages if isinstance(message, dict)]
    given, instructions = body.get("input"), body.get("instructions")
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else given
    first = [{"role": "system", "content": instructions}] if instructions else []
    return [*first, *(messages if isinstance(messages, list) else [])]


def _tokens_of(message: Mapping[str, Any], count: Count) -> int:
    if message.get("type") not in (None, "message") or any(message[key] for key in message if key not in _KNOWN_KEYS):
        raise Uncountable
    name = message.get("name")
    named = _NAME_TOKENS + count(name) if isinstance(name, str) else 0
    role = message.get("role")
    return _MESSAGE_TOKENS + count(role if isinstance(role, str) else "") + named + sum(map(count, _texts(message)))


def _texts(message: Mapping[str, Any]) -> Sequence[str]:
    """Return the texts of a message. Raises Uncountable for parts that are no text."""
    content = message.get("content")
    if isinstance(content, str):
        return (content,)
    if content is None:
        return ()
    if not isinstance(content, list):
        raise Uncountable
    return [_text_of(part) for part in content]


def _text_of(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) and part.get("type") in _TEXT_PARTS else None
    if not isinstance(text, str):
        raise Uncountable
    return text


def _texts_or_none(message: Mapping[str, Any]) -> Sequence[str]:
    try:
        return _texts(message)
    except Uncountable:
        return ()
