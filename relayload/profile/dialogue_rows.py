"""Reads the rows of common data sets as texts and conversations.

- ShareGPT: `{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}]}`;
- OpenAI: `{"messages": [{"role": "user", "content": ...}]}`, also inside the `body` of a line of its Batch API;
- Hugging Face: either of them under `messages`, `conversations` or `conversation`, or `prompt` with a text or messages.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

from relayload.core.traffic.dialogues import Dialogue, Message, is_asked
from relayload.document.spelling import spelled

Format = Literal["lines", "messages", "sharegpt"]

PROMPT = "prompt"
"""The field with the text of a row, unless the profile names another."""
_ALL = ("conversations", "messages", "conversation")
_KEYS: Mapping[Format | None, tuple[str, ...]] = MappingProxyType(
    {None: _ALL, "lines": (), "messages": _ALL, "sharegpt": ("conversations", "conversation")}
)
"""The fields that may have the conversation of a row, by format."""
_ROLES: Mapping[str, str] = MappingProxyType(
    {role: role for role in ("system", "developer", "user", "assistant", "tool", "function")}
    | {"human": "user"}
    | dict.fromkeys(("gpt", "chatgpt", "model", "bot", "ai", "bing", "bard", "claude", "llama", "palm"), "assistant")
)
"""The API's roles by the names in data sets, in lower case: Vicuna's have `USER` and `ASSISTANT`."""
_OWN_KEYS = (
    "name",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "refusal",
    "audio",
    "reasoning_content",
)
"""The keys of a message that the API knows besides role and content. It refuses others, which data sets have."""
_EXPECTED: Mapping[Format | None, tuple[str, str]] = MappingProxyType(
    {
        None: ("a text or a conversation", "'prompt', 'messages' or 'conversations'"),
        "lines": ("a text", "'prompt'"),
        "messages": ("messages", "'messages', 'conversations' or 'prompt'"),
        "sharegpt": ("a conversation", "'conversations'"),
    }
)
"""What a row should hold, and under which keys, for messages."""
_TOOLS = ("tool", "function")
_DEEPEST = 100


def row(value: Any, field: str | None, form: Format | None) -> str | Dialogue | None:
    """Return the prompt of a row; None if no user asks anything in it. Raises ValueError with what was expected."""
    found = _found(value, field, form)
    if isinstance(found, str) and found.strip() and form != "sharegpt":
        text = str(_whole(found.strip()))
        return Dialogue(({"role": "user", "content": text},)) if form == "messages" else text
    if isinstance(found, list) and form != "lines":
        return _dialogue(found)
    raise ValueError(_expected(value, field, form))


def _found(value: Any, field: str | None, form: Format | None) -> Any:
    """Return the value that should be a text or messages."""
    if not isinstance(value, dict):
        return value
    if field is not None:
        return value.get(field)
    body = value.get("body")
    for owner in (value, body if isinstance(body, dict) else {}):
        for key in _KEYS[form]:
            if isinstance(owner.get(key), list):
                return owner[key]
    return None if form == "sharegpt" else value.get(PROMPT)


def _expected(value: Any, field: str | None, form: Format | None) -> str:
    what, place = _EXPECTED[form]
    if not isinstance(value, dict):
        return f"expected a JSON object with {what} under {place}, got {spelled(value)}"
    if field is not None:
        return f"expected {what} under {spelled(field)}"
    keys = ", ".join(map(str, value)) or "nothing"
    return f"expected {what} under {place}: found {spelled(keys)}"


def _dialogue(written: list[Any]) -> Dialogue | None:
    """Return the messages up to the last to be answered; None if no user asks, or the beginning is missing."""
    messages = [message for message in map(_message, written) if _has_content(message)]
    while messages and messages[-1]["role"] == "assistant":
        messages.pop()
    beheaded = bool(messages) and messages[0]["role"] == "assistant" and _is_shared(written)
    return None if beheaded or not is_asked(messages) else Dialogue(tuple(messages))


def _is_shared(written: list[Any]) -> bool:
    """Return whether the format is ShareGPT's, which cuts long conversations so that the rest begins with an answer."""
    return "from" in written[0]


def _message(written: Any) -> Message:
    if not isinstance(written, dict):
        raise ValueError(f"expected messages such as {{role, content}} or {{from, value}}, got {spelled(written)}")
    role = _role(written.get("role", written.get("from")))
    own = {key: _whole(written[key]) for key in _OWN_KEYS if written.get(key) is not None}
    if not own and "content" not in written and "value" not in written:
        raise ValueError(f"expected content or value as what a message says: found {spelled(', '.join(written))}")
    message = {"role": role, "content": _content(written.get("content", written.get("value"))), **own}
    _check_calls(message)
    return message


def _role(written: Any) -> str:
    role = _ROLES.get(written.strip().lower()) if isinstance(written, str) else None
    if role is None:
        raise ValueError(f"expected a role such as user or assistant (human or gpt), got {spelled(written)}")
    return role


def _content(written: Any) -> Any:
    if written is None or isinstance(written, str):
        return _whole(written)
    if isinstance(written, list) and all(map(_is_part, written)):
        return _whole(written)
    raise ValueError(f"expected a text or a list of parts as what a message says, got {spelled(written)}")


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        return False
    return part["type"] != "text" or isinstance(part.get("text"), str)


def _check_calls(message: Message) -> None:
    calls = message.get("tool_calls", [])
    if not isinstance(calls, list) or not all(_is_call(call) for call in calls):
        raise ValueError("expected tool_calls as chat completions have them")
    if not isinstance(message.get("function_call", {}), dict):
        raise ValueError("expected a function_call as chat completions have it")


def _is_call(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("function"), dict)


def _has_content(message: Message) -> bool:
    """Return whether a message has content. Data sets have empty messages, which mean something from a tool alone."""
    content = message["content"]
    text = content.strip() if isinstance(content, str) else content
    return bool(text or message.get("tool_calls") or message.get("function_call")) or message["role"] in _TOOLS


def _whole(value: Any, depth: int = 0) -> Any:
    """Replace halves of UTF-16 pairs, which can't be sent, by replacement characters."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if depth > _DEEPEST:
        raise ValueError("is nested too deeply")
    if isinstance(value, list):
        return [_whole(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return dict(_pairs(value, depth + 1))
    return value


def _pairs(value: dict[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    for key, each in value.items():
        yield _whole(key), _whole(each, depth)
