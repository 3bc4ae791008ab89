"""Converts chat messages to input of the Responses API. Source: OpenAI API reference, `input` of a response."""

from collections.abc import Iterator, Sequence
from typing import Any

Item = dict[str, Any]


def response_input(messages: Sequence[Item]) -> list[Item]:
    """Return the items of an input. Parts without a counterpart in the Responses API stay unchanged."""
    return [item for message in messages for item in _items(message)]


def _items(message: Item) -> Iterator[Item]:
    role, content = message["role"], message.get("content")
    if role in ("tool", "function"):
        call_id = message.get("tool_call_id") or message.get("name")
        yield {"type": "function_call_output", "call_id": call_id, "output": _output(content)}
        return
    if content:
        yield {"role": role, "content": [_part(part, role) for part in content] if _is_list(content) else content}
    for call in message.get("tool_calls") or ():
        yield _call(call.get("id"), call["function"])
    if legacy := message.get("function_call"):
        yield _call(legacy.get("name"), legacy)


def _call(call_id: object, function: Item) -> Item:
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": function.get("name"),
        "arguments": function.get("arguments", ""),
    }


def _output(content: Any) -> str:
    return "".join(str(part.get("text") or "") for part in content) if _is_list(content) else content or ""


def _part(part: Item, role: str) -> Item:
    match part.get("type"):
        case "text":
            return {"type": "output_text" if role == "assistant" else "input_text", "text": part.get("text")}
        case "image_url":
            return {"type": "input_image", **_image(part.get("image_url"))}
        case "file" if isinstance(part.get("file"), dict):
            return {"type": "input_file", **part["file"]}
        case _:
            return part


def _image(image: Any) -> Item:
    if not isinstance(image, dict):
        return {"image_url": image}
    detail = {"detail": image["detail"]} if "detail" in image else {}
    return {"image_url": image.get("url"), **detail}


def _is_list(content: Any) -> bool:
    return isinstance(content, list)
