"""Where relays put a model's reasoning: in separate fields, in lists of details, or among the parts of the content.

Sources: DeepSeek and vLLM (`reasoning_content`), OpenRouter (`reasoning`, `reasoning_details` of the types
`reasoning.text`, `reasoning.summary` and `reasoning.encrypted`), MiniMax (`reasoning_details`), Ollama (`thinking`),
LiteLLM (`thinking_blocks`, as Anthropic has them), GitHub Copilot (`reasoning_text`), Mistral (content parts of the
type `thinking`). Tags within the text, such as `<think>`, are text.
"""

from typing import Any

_THINKING_PARTS = frozenset({"thinking", "reasoning", "redacted_thinking", "reasoning_content"})
_TEXT_FIELDS = ("text", "thinking", "summary", "reasoning", "reasoning_content", "content")
"""The fields that hold the text of a detail or a part. Encrypted thoughts have none of them."""
_DEEPEST = 4


def thought_text(value: Any, depth: int = _DEEPEST) -> str:
    """Return the text of a thought, however it is wrapped, or "" without readable text."""
    if isinstance(value, str):
        return value
    if not depth:
        return ""
    if isinstance(value, list):
        return "".join(thought_text(each, depth - 1) for each in value)
    if isinstance(value, dict):
        return next((text for name in _TEXT_FIELDS if (text := thought_text(value.get(name), depth - 1))), "")
    return ""


def is_thought(part: Any) -> bool:
    """Return whether a part of the content is reasoning."""
    return isinstance(part, dict) and _kind(part) in _THINKING_PARTS


def has_summary(details: Any) -> bool:
    """Return whether reasoning details contain a summary."""
    return isinstance(details, list) and any(
        isinstance(each, dict) and _kind(each) == "reasoning.summary" and bool(thought_text(each)) for each in details
    )


def _kind(part: dict[str, Any]) -> str:
    kind = part.get("type")
    return kind if isinstance(kind, str) else ""
