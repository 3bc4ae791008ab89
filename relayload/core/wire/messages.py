"""Anthropic's Messages API: builds requests and reads answers.

Its `input_tokens` exclude what was read from the cache or written to it; `Tokens.input` includes both, as everywhere.
How much of the thinking is streamed is unknown: newer models stream a summary of it, or nothing at all.

Source: Anthropic API reference, Messages, and its streaming events.
"""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import NO_TOKENS, AnswerFlaw, Event, Tokens, WholeAnswer, answer_id_of, token_count
from relayload.core.wire.faults import ErrorFields, fault_of, fault_of_body, fault_of_message, read_error_fields
from relayload.core.wire.finish import failed_finish, finish_reason_of
from relayload.core.wire.form import OPENAI, Form
from relayload.core.wire.lenient import UNREADABLE, as_json, read_leniently
from relayload.core.wire.message_input import message_input
from relayload.core.wire.request import Endpoint, RelayFault, WireRequest, with_fields
from relayload.core.wire.thoughts import is_thought, thought_text
from relayload.core.wire.tool_calls import CallPart
from relayload.core.wire.usage import Usage, tokens
from relayload.core.wire.whole_text import WholeText

MAX_TOKENS = 4096
"""The budget of requests without one, which the API does not accept."""
_STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "invalid_request_error": "400",
        "authentication_error": "401",
        "billing_error": "402",
        "permission_error": "403",
        "not_found_error": "404",
        "request_too_large": "413",
        "rate_limit_error": "429",
        "api_error": "500",
        "timeout_error": "504",
        "overloaded_error": "529",
    }
)
"""The status of each type of error, which stands for it where the error comes within a stream."""
_END = b"[DONE]"


def messages_request(
    model: str,
    messages: list[dict[str, Any]],
    *,
    stream: bool = True,
    max_output_tokens: int | None = None,
    temperature: float | None = None,
    reasoning_effort: str | None = None,
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    form: Form = OPENAI,
) -> WireRequest:
    """Return a request for one message. None values are omitted, except for the budget, which is MAX_TOKENS then.

    `messages` may be in the format of chat completions. `extra` overrides fields of the body.
    """
    system, turns = message_input(messages)
    body: dict[str, Any] = {"model": model, "messages": turns}
    if form.max_tokens_field != "none":
        body["max_tokens"] = max_output_tokens or MAX_TOKENS
    if system:
        body["system"] = system
    if temperature is not None:
        body["temperature"] = temperature
    if reasoning_effort is not None:
        body["output_config"] = {"effort": reasoning_effort}
    if stream:
        body["stream"] = True
    return WireRequest(Endpoint.MESSAGES, with_fields(body, extra), headers or {}, max_output_tokens)


class _Usage(Usage, gc=False):
    """Anthropic's usage. Some relays send OpenAI's names instead."""

    cache_creation_input_tokens: Any = None
    cache_read_input_tokens: Any = None


class _Message(Struct, gc=False):
    id: Any = None
    type: Any = None
    content: Any = None
    stop_reason: Any = None
    usage: _Usage | None = None
    error: Any = None


class _Delta(Struct, gc=False):
    """What an event adds to a block, or to the message."""

    type: Any = None
    text: Any = None
    thinking: Any = None
    partial_json: Any = None
    stop_reason: Any = None


class _MessageEvent(Struct, gc=False):
    """One event of a stream, distinguished by its type."""

    type: str = ""
    index: Any = None
    delta: _Delta | None = None
    content_block: Any = None
    message: Any = None
    usage: _Usage | None = None
    error: Any = None


_decode_event = msgspec.json.Decoder(_MessageEvent).decode
_decode_message = msgspec.json.Decoder(_Message).decode


def read_message_event(data: bytes, name: bytes) -> Event | None:
    """Read an event; None if it is empty or a ping. Raises MalformedAnswer."""
    if name == b"error":
        return Event(fault=with_status(fault_of_body(data)))
    if not data or data.startswith(_END):  # some relays end with OpenAI's last event as well
        return None
    try:
        read = _decode_event(data)
    except UNREADABLE:
        read = read_leniently(data, _MessageEvent, lambda error: _MessageEvent(type="error", error=error))
    match read.type:
        case "content_block_delta":
            return _event_of_delta(read.delta or _Delta(), read.index)
        case "ping" | "content_block_stop":
            return None
        case "content_block_start":
            return _event_of_block(read.content_block, read.index)
        case "message_start":
            return _event_of_start(read.message)
        case "message_delta":
            reason = None if read.delta is None else _reason(read.delta.stop_reason)
            return Event(finish_reason=reason, tokens=None if read.usage is None else _tokens(read.usage))
        case "message_stop":
            return Event(done=True)
        case _:
            return _other_event(data, read)


def _event_of_delta(delta: _Delta, index: Any) -> Event:
    if isinstance(delta.text, str) and delta.text:
        return Event(has_token=True, visible=True, text=delta.text)
    if delta.type in ("thinking_delta", "signature_delta") or delta.thinking:
        thought = thought_text(delta.thinking)
        return Event(has_token=bool(thought), thought=thought, summarised=True)
    part = delta.partial_json
    if not isinstance(part, str) or not part:
        return Event()
    return Event(has_token=True, calls=(CallPart(_place(index), arguments=part),))


def _event_of_block(block: Any, index: Any) -> Event:
    """Convert the beginning of a block: that of a call has its name; others are usually empty."""
    if not isinstance(block, dict):
        return Event()
    if is_thought(block):
        thought = thought_text(block.get("thinking"))
        return Event(has_token=bool(thought), thought=thought, summarised=True)
    text, calls = _text_of(block), (_call(block, _place(index)),) if _is_call(block) else ()
    return Event(has_token=bool(text or calls), visible=bool(text), text=text, calls=calls)


def _event_of_start(message: Any) -> Event:
    """Convert the beginning of a message. Its output tokens are those of an empty message."""
    if not isinstance(message, dict):
        return Event()
    usage = message.get("usage")
    counted = _tokens(_usage_of(usage))._replace(output=None) if isinstance(usage, dict) else None
    return Event(answer_id=answer_id_of(message.get("id")), tokens=counted)


def _usage_of(fields: dict[str, Any]) -> _Usage:
    return _Usage(**{name: fields.get(name) for name in _Usage.__struct_fields__})


def _other_event(data: bytes, read: _MessageEvent) -> Event:
    """Convert an error, or an event that is none of Anthropic's."""
    fields = read_error_fields(data) if read.type == "error" or read.error or not read.type else ErrorFields()
    found = fault_of(fields) or (fault_of_message(fields) if read.type == "error" else None)
    return Event(fault=None if found is None else with_status(found))


def with_status(fault: RelayFault) -> RelayFault:
    """Return an error with the status that its type stands for as its code, unless it has a code."""
    status = _STATUSES.get(fault.type or "")
    return fault if fault.code is not None or status is None else replace(fault, code=status)


def read_message(body: bytes, _request: WireRequest) -> WholeAnswer:
    """Read a whole answer. Raises MalformedAnswer."""
    try:
        message = _decode_message(body)
    except UNREADABLE:
        message = read_leniently(body, _Message, lambda error: _Message(type="error", error=error))
    if message.type == "error" or message.error:
        return WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=with_status(fault_of_body(body)))
    blocks = [block for block in message.content if isinstance(block, dict)] if _is_list(message.content) else []
    reason = _reason(message.stop_reason)
    if not blocks and reason is None:
        return WholeAnswer(flaw=AnswerFlaw.NO_OUTPUT, fault=fault_of_body(body))
    return _whole_answer(message, blocks, reason)


def message_thoughts(body: bytes) -> str:
    """Return the reasoning in a whole answer. Raises MalformedAnswer."""
    try:
        content = _decode_message(body).content
    except UNREADABLE:
        content = read_leniently(body, _Message, lambda error: _Message(error=error)).content
    blocks = [block for block in content if is_thought(block)] if _is_list(content) else []
    return "".join(thought_text(block.get("thinking")) for block in blocks)


def _whole_answer(message: _Message, blocks: list[dict[str, Any]], reason: str | None) -> WholeAnswer:
    counted, text = NO_TOKENS if message.usage is None else _tokens(message.usage), WholeText()
    zero_usage = bool(blocks) and counted.output == 0
    return WholeAnswer(
        flaw=AnswerFlaw.FAILED_FINISH if failed_finish(reason) else None,
        tokens=counted._replace(output=None) if zero_usage else counted,
        zero_usage=zero_usage,
        finish_reason=reason,
        answer_id=answer_id_of(message.id),
        text=text.add("".join(map(_text_of, blocks))) + text.end(),
        replaced=text.replaced,
        calls=tuple(_call(block, number) for number, block in enumerate(blocks) if _is_call(block)),
    )


def _tokens(usage: _Usage) -> Tokens:
    """Return the counts, with the cached input as part of the input."""
    counted = tokens(usage)
    read, written = token_count(usage.cache_read_input_tokens), token_count(usage.cache_creation_input_tokens)
    if counted.input is None or (read is None and written is None):
        return counted
    return counted._replace(input=counted.input + (read or 0) + (written or 0), cached_input=read)


def _reason(value: Any) -> str | None:
    return finish_reason_of(value) if isinstance(value, str) else None


def _text_of(block: dict[str, Any]) -> str:
    text = block.get("text") if block.get("type") == "text" else None
    return text if isinstance(text, str) else ""


def _is_call(block: dict[str, Any]) -> bool:
    return block.get("type") == "tool_use" and bool(block.get("name"))


def _call(block: dict[str, Any], place: Hashable) -> CallPart:
    """Return a call, whose arguments are an object; in a stream they follow, and `{}` stands for them."""
    given = block.get("input")
    return CallPart(place, str(block["name"]), as_json(given) if given else "")


def _place(index: Any) -> Hashable:
    return index if isinstance(index, int) else None


def _is_list(content: Any) -> bool:
    return isinstance(content, list)
