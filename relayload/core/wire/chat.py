"""Chat completions: our words to a request, and answers back to our words. The only place with OpenAI's names.

Relays are lenient with the format, so is this: what they may leave out may be missing, what nobody reads may be
anything. Source: OpenAI API reference, `chat.completion` and `chat.completion.chunk`; `reasoning_content` is
DeepSeek's and vLLM's name for a thought, `reasoning` OpenRouter's.
"""

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from relayload.core.wire.request import RelayFault, WireRequest

CHAT_PATH = "/chat/completions"
DONE = b"[DONE]"
"""The last event of a stream."""

_FAULT_TEXT_LENGTH = 500


def chat_request(
    model: str,
    messages: list[dict[str, Any]],
    *,
    stream: bool = True,
    max_output_tokens: int | None = None,
    temperature: float | None = None,
    reasoning_effort: str | None = None,
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> WireRequest:
    """A request for one chat completion. What is None is left out; `extra` goes into the body as it is."""
    body: dict[str, Any] = {"model": model, "messages": messages}
    if max_output_tokens is not None:
        body["max_completion_tokens"] = max_output_tokens
    if temperature is not None:
        body["temperature"] = temperature
    if reasoning_effort is not None:
        body["reasoning_effort"] = reasoning_effort
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    if extra:
        body.update(extra)
    return WireRequest(CHAT_PATH, body, headers or {})


class MalformedAnswer(ValueError):
    """The relay sent something that is no JSON, or not of this format."""


class Usage(Struct, gc=False):
    """Tokens as the relay counted them. Relays put all kinds of values here: read them through `tokens`."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    prompt_tokens_details: Any = None
    completion_tokens_details: Any = None


class Delta(Struct, gc=False):
    """What an event adds to a message, or a whole message. Text is a string, or a list of parts."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: Any = None
    function_call: Any = None
    refusal: Any = None


class Choice(Struct, gc=False):
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None


class Chunk(Struct, gc=False):
    """One event of a stream, or a whole answer."""

    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: Any = None
    id: Any = None


class Tokens(NamedTuple):
    """Tokens of one answer, as far as the relay told them."""

    input: int | None = None
    cached_input: int | None = None
    output: int | None = None
    reasoning: int | None = None


class _Fault(Struct, gc=False):
    """An error body, in any of the shapes in use."""

    error: Any = None
    message: Any = None
    detail: Any = None
    type: Any = None
    code: Any = None


_decode_chunk = msgspec.json.Decoder(Chunk).decode
_decode_fault = msgspec.json.Decoder(_Fault).decode


def read_chunk(data: bytes) -> Chunk:
    """Read an event's data, or a whole answer. Raises MalformedAnswer."""
    try:
        return _decode_chunk(data)
    except ValueError:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return _read_leniently(data)


def _read_leniently(data: bytes) -> Chunk:
    repaired = data.decode("utf-8", errors="replace").encode()
    try:
        return _decode_chunk(repaired)
    except ValueError as malformed:
        try:
            fault = _decode_fault(repaired)
        except ValueError:
            raise MalformedAnswer(str(malformed)) from None
        if not fault.error:
            raise MalformedAnswer(str(malformed)) from None
        return Chunk(error=fault.error)


def tokens(usage: Usage | None) -> Tokens:
    """The usage in our words; None where the relay said nothing that can be understood."""
    if usage is None:
        return Tokens()
    return Tokens(
        input=_count(usage.prompt_tokens),
        cached_input=_detail(usage.prompt_tokens_details, "cached_tokens"),
        output=_count(usage.completion_tokens),
        reasoning=_detail(usage.completion_tokens_details, "reasoning_tokens"),
    )


def _detail(details: Any, name: str) -> int | None:
    return _count(details.get(name)) if isinstance(details, dict) else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None  # a bool is no count


def visible_text(delta: Delta) -> str:
    """The text a person would read, of a delta or a message."""
    content = delta.content or delta.refusal
    if isinstance(content, list):
        return "".join(_part_text(part) for part in content)
    return content if isinstance(content, str) else ""


def _part_text(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""


def fault_of_error(error: Any) -> RelayFault:
    """The value of an `error` field, which may be an object or a text."""
    if not isinstance(error, dict):
        return RelayFault(message=_clipped(error))
    return RelayFault(
        message=_clipped(error.get("message")), type=_name(error.get("type")), code=_name(error.get("code"))
    )


def fault_of_body(body: bytes) -> RelayFault:
    """The relay's error as it put it: OpenAI's shape, a bare message, or whatever text there is."""
    try:
        fault = _decode_fault(body)
    except ValueError:
        return RelayFault(message=_clipped(body.decode("utf-8", errors="replace").strip()))
    if fault.error:
        return fault_of_error(fault.error)
    return RelayFault(message=_clipped(fault.message or fault.detail), type=_name(fault.type), code=_name(fault.code))


def _clipped(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text[:_FAULT_TEXT_LENGTH]


def _name(value: Any) -> str | None:
    return None if value is None else str(value)
