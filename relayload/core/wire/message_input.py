"""Converts chat messages to those of Anthropic's Messages API. Source: Anthropic API reference, `messages`, `system`.

Messages that are in its format already stay as they are, so that a conversation can be continued.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

Item = dict[str, Any]
_SYSTEM = ("system", "developer")
_RESULTS = ("tool", "function")
_EMPTY_ARGUMENTS: Item = {}


def message_input(messages: Sequence[Item]) -> tuple[Any, list[Item]]:
    """Return the system prompt, None without one, and the messages. Unknown parts stay unchanged."""
    systems = [message.get("content") for message in messages if message["role"] in _SYSTEM]
    turns: list[Item] = []
    for message in messages:
        if message["role"] not in _SYSTEM:
            _add(turns, message)
    return _together(systems), turns


def _together(systems: list[Any]) -> Any:
    """Return one system prompt, as a text if there is only one."""
    if len(systems) <= 1:
        return systems[0] if systems else None
    return [part for content in systems for part in (content if _is_list(content) else [_text(content)])]


def _add(turns: list[Item], message: Item) -> None:
    """Add a message. All results of a turn's calls belong into one message."""
    if message["role"] not in _RESULTS:
        turns.append({"role": message["role"], "content": _content(message)})
        return
    result = {
        "type": "tool_result",
        "tool_use_id": message.get("tool_call_id") or message.get("name"),
        "content": _parts(message.get("content")),
    }
    if turns and _holds_results(turns[-1]):
        turns[-1] = {"role": "user", "content": [*turns[-1]["content"], result]}
    else:
        turns.append({"role": "user", "content": [result]})


def _holds_results(turn: Item) -> bool:
    content = turn["content"]
    return turn["role"] == "user" and _is_list(content) and bool(content) and content[-1].get("type") == "tool_result"


def _content(message: Item) -> Any:
    calls = [_call(call.get("id"), call["function"]) for call in message.get("tool_calls") or ()]
    if legacy := message.get("function_call"):
        calls.append(_call(legacy.get("name"), legacy))
    content = _parts(message.get("content"))
    if not calls:
        return content
    return [*(content if _is_list(content) else [_text(content)] if content else []), *calls]


def _parts(content: Any) -> Any:
    return [_part(part) for part in content] if _is_list(content) else content or ""


def _part(part: Item) -> Item:
    image = part.get("image_url") if part.get("type") == "image_url" else None
    if image is None:
        return part
    url = image.get("url") if isinstance(image, dict) else image
    return {"type": "image", "source": _source(str(url))}


def _source(url: str) -> Item:
    """Return an image by its URL, or the data in a `data:` URL."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:"):
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": head.removeprefix("data:").partition(";")[0], "data": data}


def _call(call_id: object, function: Item) -> Item:
    return {"type": "tool_use", "id": call_id, "name": function.get("name"), "input": _arguments(function)}


def _arguments(function: Item) -> Any:
    try:
        return msgspec.json.decode(function.get("arguments") or "{}")
    except (msgspec.DecodeError, TypeError):
        return _EMPTY_ARGUMENTS


def _text(text: Any) -> Item:
    return {"type": "text", "text": text or ""}


def _is_list(content: Any) -> bool:
    return isinstance(content, list)
