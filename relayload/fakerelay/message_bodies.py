"""The request bodies that Anthropic's Messages API accepts. What the types here do not allow is refused.

Source: Anthropic API reference, the request of Messages.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from relayload.fakerelay.bodies import Budget, Name, Schema, StopWord, Strict

_MOST_STOP_SEQUENCES = 8191
_Share = Annotated[float, Meta(ge=0, le=1)]


class CacheControl(Strict):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class _Block(Strict, kw_only=True):
    cache_control: CacheControl | None = None


class TextBlock(_Block, tag_field="type", tag="text", kw_only=True):
    text: str
    citations: None = None


class ImageSource(Strict):
    type: Literal["base64", "url"]
    media_type: str | None = None
    data: str | None = None
    url: str | None = None


class ImageBlock(_Block, tag_field="type", tag="image", kw_only=True):
    source: ImageSource


class ToolUseBlock(_Block, tag_field="type", tag="tool_use", kw_only=True):
    id: str
    name: str
    input: dict[str, Any]


class ToolResultBlock(_Block, tag_field="type", tag="tool_result", kw_only=True):
    tool_use_id: str
    content: str | list[TextBlock | ImageBlock] | None = None
    is_error: bool | None = None


class ThinkingBlock(_Block, tag_field="type", tag="thinking", kw_only=True):
    thinking: str
    signature: str


AnyBlock = TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock


class Turn(Strict):
    role: Literal["user", "assistant"]
    content: str | Annotated[list[AnyBlock], Meta(min_length=1)]


class InputTool(_Block, kw_only=True):
    """A tool of the client's own."""

    type: Literal["custom"] | None = None
    name: Name
    description: str | None = None
    input_schema: Schema
    strict: bool | None = None


class InputToolChoice(Strict):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Strict):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: Annotated[int, Meta(ge=1024)] | None = None
    display: Literal["summarized", "omitted"] | None = None


class OutputFormat(Strict):
    type: Literal["json_schema"]
    schema: Schema


class OutputConfig(Strict):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None


class MessageMetadata(Strict):
    user_id: str | None = None


class MessageBody(Strict, kw_only=True):
    model: str
    messages: Annotated[list[Turn], Meta(min_length=1)]
    max_tokens: Budget
    system: str | list[TextBlock] | None = None
    stream: bool | None = False
    temperature: _Share | None = None
    top_p: _Share | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    metadata: MessageMetadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    tools: list[InputTool] | None = None
    tool_choice: InputToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None
    stop_sequences: Annotated[list[StopWord], Meta(max_length=_MOST_STOP_SEQUENCES)] | None = None
    mcp_servers: None = None
    container: None = None
