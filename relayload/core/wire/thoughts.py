"""Where relays put what a model thinks: in fields of their own, in lists of details, among the parts of the content.

Sources: DeepSeek and vLLM (`reasoning_content`), OpenRouter (`reasoning`, `reasoning_details` of the types
`reasoning.text`, `reasoning.summary` and `reasoning.encrypted`), MiniMax (`reasoning_details`), Ollama (`thinking`),
LiteLLM (`thinking_blocks`, as Anthropic has them), Mistral (content parts of the type `thinking`).
"""

from typing import Any

_THINKING_PARTS = frozenset({"thinking", "reasoning", "redacted_thinking", "reasoning_content"})
_TEXT_FIELDS = ("text", "thinking", "summary", "reasoning", "reasoning_content", "content")
"""Where a detail or a part has its text. Encrypted thoughts have it in none of them."""
_DEEPEST = 4


def thought_text(value: Any, depth: int = _DEEPEST) -> str:
    """The text of a thought, however it is wrapped; empty where there is none to be read."""
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
    """Whether a part of a content is what the model thinks, and not what it says."""
    return isinstance(part, dict) and _kind(part) in _THINKING_PARTS


def has_summary(details: Any) -> bool:
    """Whether details of a reasoning are a summary of it."""
    return isinstance(details, list) and any(
        isinstance(each, dict) and _kind(each) == "reasoning.summary" and bool(thought_text(each)) for each in details
    )


def _kind(part: dict[str, Any]) -> str:
    kind = part.get("type")
    return kind if isinstance(kind, str) else ""
