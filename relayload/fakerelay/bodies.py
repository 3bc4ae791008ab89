"""The request bodies that OpenAI's API accepts. What the types here do not allow is refused.

A field of type None is one that OpenAI supports and this relay does not; it may be sent as null. Source: OpenAI API
reference, the requests of chat completions, responses, completions and embeddings.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Verbosity = Literal["low", "medium", "high"]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")]
Budget = Annotated[int, Meta(ge=1)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
TopP = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
StopWord = Annotated[str, Meta(min_length=1)]
Stop = StopWord | Annotated[list[StopWord], Meta(max_length=4)]
Metadata = Annotated[dict[str, Annotated[str, Meta(max_length=512)]], Meta(max_length=16)]
Schema = dict[str, Any]


class Strict(Struct, forbid_unknown_fields=True, gc=False):
    """A part of a body without unknown fields."""


class TextPart(Strict, tag_field="type", tag="text"):
    text: str


class RefusalPart(Strict, tag_field="type", tag="refusal"):
    refusal: str


class ImageUrl(Strict):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(Strict, tag_field="type", tag="image_url"):
    image_url: ImageUrl


class FunctionCall(Strict):
    """A function that was called, with its arguments as JSON."""

    name: str
    arguments: str


class ToolCall(Strict, forbid_unknown_fields=False):
    """Clients send back calls as received, often with extra fields such as a stream's `index`, which OpenAI ignores."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class Message(Strict, tag_field="role"):
    """A chat message; each role has its own subclass."""


Texts = str | Annotated[list[TextPart], Meta(min_length=1)]


class SystemMessage(Message, tag="system"):
    content: Texts
    name: str | None = None


class DeveloperMessage(Message, tag="developer"):
    content: Texts
    name: str | None = None


class UserMessage(Message, tag="user"):
    content: str | Annotated[list[TextPart | ImagePart], Meta(min_length=1)]
    name: str | None = None


class AssistantMessage(Message, tag="assistant", forbid_unknown_fields=False):
    """An earlier answer, which may have extra fields, such as `annotations` or `reasoning_content`."""

    content: str | Annotated[list[TextPart | RefusalPart], Meta(min_length=1)] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: Annotated[list[ToolCall], Meta(min_length=1)] | None = None
    function_call: FunctionCall | None = None
    audio: None = None


class ToolMessage(Message, tag="tool", forbid_unknown_fields=False):
    """The result of a function. Many clients repeat its name."""

    content: Texts
    tool_call_id: str


class FunctionMessage(Message, tag="function"):
    content: str | None
    name: str


AnyMessage = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage


class Function(Strict):
    name: Name
    description: str | None = None
    parameters: Schema | None = None
    strict: bool | None = None


class Tool(Strict):
    """A tool in the format of chat completions."""

    type: Literal["function"]
    function: Function


class Named(Strict):
    name: str


class ToolChoice(Strict):
    type: Literal["function"]
    function: Named


class TextFormat(Strict, tag_field="type", tag="text"):
    pass


class JsonFormat(Strict, tag_field="type", tag="json_object"):
    pass


class NamedSchema(Strict):
    name: Name
    schema: Schema | None = None
    strict: bool | None = None
    description: str | None = None


class SchemaFormat(Strict, tag_field="type", tag="json_schema"):
    json_schema: NamedSchema


class StreamOptions(Strict):
    include_usage: bool | None = False
    include_obfuscation: Literal[False] | None = None


class _Generation(Strict):
    """The fields of all requests for text. Sampling parameters have no effect, because answers are generated words."""

    model: str
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    user: str | None = None
    min_tokens: Annotated[int, Meta(ge=0)] | None = None
    """An extension of vLLM."""
    ignore_eos: bool | None = None
    """An extension of vLLM."""


class _Modern(_Generation):
    """Further fields that chat completions and responses share."""

    metadata: Metadata | None = None
    parallel_tool_calls: bool | None = None
    safety_identifier: str | None = None
    service_tier: Literal["auto", "default"] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    prompt_cache_options: None = None
    moderation: None = None


class ChatBody(_Modern, kw_only=True):
    messages: Annotated[list[AnyMessage], Meta(min_length=1)]
    max_completion_tokens: Budget | None = None
    max_tokens: Budget | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = 1
    reasoning_effort: Effort | None = None
    include_reasoning: bool | None = None
    """An extension of OpenRouter."""
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: Seed | None = None
    stop: Stop | None = None
    logprobs: bool | None = None
    tools: Annotated[list[Tool], Meta(min_length=1, max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    response_format: TextFormat | JsonFormat | SchemaFormat | None = None
    verbosity: Verbosity | None = None
    store: Literal[False] | None = None
    logit_bias: Annotated[dict[str, float], Meta(max_length=0)] | None = None
    modalities: list[Literal["text"]] | None = None
    audio: None = None
    prediction: None = None
    web_search_options: None = None
    functions: None = None
    function_call: None = None


class InputText(Strict, tag_field="type", tag="input_text"):
    text: str


class OutputText(Strict, tag_field="type", tag="output_text"):
    text: str
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None


class InputImage(Strict, tag_field="type", tag="input_image"):
    image_url: str
    detail: Literal["auto", "low", "high"] | None = "auto"


class ReasoningText(Strict, tag_field="type", tag="reasoning_text"):
    text: str


class SummaryText(Strict, tag_field="type", tag="summary_text"):
    text: str


class InputRefusal(Strict, tag_field="type", tag="refusal"):
    refusal: str


class InputItem(Strict, kw_only=True):
    """An item of a response's input: a message, or output of an earlier response."""

    type: Literal["message", "function_call", "function_call_output", "reasoning"] = "message"
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[InputText | OutputText | InputImage | ReasoningText | InputRefusal] | None = None
    id: str | None = None
    status: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[InputText] | None = None
    summary: list[SummaryText] | None = None
    encrypted_content: None = None


class FlatTool(Strict):
    """A tool in the format of responses."""

    type: Literal["function"]
    name: Name
    description: str | None = None
    parameters: Schema | None = None
    strict: bool | None = None


class FlatToolChoice(Strict):
    type: Literal["function"]
    name: str


class FlatSchemaFormat(Strict, tag_field="type", tag="json_schema"):
    name: Name
    schema: Schema
    strict: bool | None = None
    description: str | None = None


class TextOptions(Strict):
    format: TextFormat | JsonFormat | FlatSchemaFormat | None = None
    verbosity: Verbosity | None = None


class Reasoning(Strict):
    effort: Effort | None = None
    summary: None = None
    generate_summary: None = None


class ResponseBody(_Modern, kw_only=True):
    input: str | Annotated[list[InputItem], Meta(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Budget | None = None
    reasoning: Reasoning | None = None
    tools: Annotated[list[FlatTool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | FlatToolChoice | None = None
    text: TextOptions | None = None
    include: list[Literal["message.output_text.logprobs"]] | None = None
    store: bool | None = None
    background: Literal[False] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    max_tool_calls: None = None
    previous_response_id: None = None
    conversation: None = None
    prompt: None = None
    context_management: None = None


class CompletionBody(_Generation, kw_only=True):
    """The legacy completions format."""

    prompt: str | Annotated[list[str | int | list[int]], Meta(min_length=1)]
    max_tokens: Budget | None = None
    n: Literal[1] | None = 1
    best_of: Literal[1] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: Seed | None = None
    stop: Stop | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    echo: Literal[False] | None = None
    logit_bias: Annotated[dict[str, float], Meta(max_length=0)] | None = None
    suffix: None = None


class EmbeddingBody(Strict, kw_only=True):
    model: str
    input: str | Annotated[list[str | int | list[int]], Meta(min_length=1, max_length=2048)]
    dimensions: Budget | None = None
    encoding_format: Literal["float", "base64"] | None = "float"
    user: str | None = None
