"""The Responses API: builds requests and reads answers.

Reading is as lenient as for chat completions. Source: OpenAI API reference, the `response` object and its streaming
events.
"""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import AnswerFlaw, Event, WholeAnswer, answer_id_of
from relayload.core.wire.faults import (
    ErrorFields,
    fault_of,
    fault_of_body,
    fault_of_error,
    fault_of_message,
    is_error,
    read_error_fields,
)
from relayload.core.wire.finish import failed_finish
from relayload.core.wire.form import OPENAI, Form
from relayload.core.wire.lenient import UNREADABLE, read_leniently
from relayload.core.wire.request import Endpoint, RelayFault, WireRequest, with_fields
from relayload.core.wire.thoughts import thought_text
from relayload.core.wire.tool_calls import CallPart
from relayload.core.wire.usage import Usage, tokens
from relayload.core.wire.whole_text import WholeText, whole_name


class _Part(Enum):
    """The kind of output that a token belongs to."""

    VISIBLE = auto()
    SOUND = auto()
    THOUGHT = auto()
    SUMMARY = auto()
    CALL = auto()


_TOKENS: Mapping[str, _Part] = MappingProxyType(
    {
        "response.output_text.delta": _Part.VISIBLE,
        "response.text.delta": _Part.VISIBLE,
        "response.refusal.delta": _Part.VISIBLE,
        "response.audio.delta": _Part.SOUND,
        "response.audio.transcript.delta": _Part.VISIBLE,
        "response.output_audio.delta": _Part.SOUND,
        "response.output_audio_transcript.delta": _Part.VISIBLE,
        "response.reasoning.delta": _Part.THOUGHT,
        "response.reasoning_text.delta": _Part.THOUGHT,
        "response.reasoning_summary.delta": _Part.SUMMARY,
        "response.reasoning_summary_text.delta": _Part.SUMMARY,
        "response.function_call_arguments.delta": _Part.CALL,
        "response.custom_tool_call_input.delta": _Part.CALL,
        "response.mcp_call_arguments.delta": _Part.CALL,
        "response.mcp_call.arguments_delta": _Part.CALL,
        "response.code_interpreter_call_code.delta": _Part.CALL,
    }
)
"""The events that contain a token, and its kind."""
_REASONING = "response.reasoning"
_FAILED = "response.failed"
_FINAL = frozenset(
    {"response.completed", "response.done", "response.incomplete", "response.cancelled", "response.canceled", _FAILED}
)
_ERRORS = frozenset({"error", "response.error"})
_CALL_FIELDS: Mapping[str, str] = MappingProxyType({"function_call": "arguments", "custom_tool_call": "input"})
"""The items that are calls of the client's tools, and where each has its arguments."""


def responses_request(
    model: str,
    input: str | list[dict[str, Any]],
    *,
    stream: bool = True,
    max_output_tokens: int | None = None,
    temperature: float | None = None,
    reasoning_effort: str | None = None,
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    form: Form = OPENAI,
) -> WireRequest:
    """Return a request for one response. None values are omitted; `extra` overrides fields of the body."""
    body: dict[str, Any] = {"model": model, "input": input}
    if max_output_tokens is not None and form.max_tokens_field != "none":
        body["max_output_tokens"] = max_output_tokens
    if temperature is not None:
        body["temperature"] = temperature
    if reasoning_effort is not None:
        body["reasoning"] = {"effort": reasoning_effort}
    if stream:
        body["stream"] = True
    return WireRequest(Endpoint.RESPONSES, with_fields(body, extra), headers or {}, max_output_tokens)


def response_content(
    text: str, image_urls: Iterable[str] = (), detail: str | None = None
) -> str | list[dict[str, Any]]:
    """Return the content of an input message: the text, or parts if there are images."""
    shown = {} if detail is None else {"detail": detail}
    images = [{"type": "input_image", "image_url": url, **shown} for url in image_urls]
    return [{"type": "input_text", "text": text}, *images] if images else text


class Response(Struct, gc=False):
    """The response object of an event. Its text came in earlier events."""

    id: Any = None
    status: Any = None
    usage: Usage | None = None
    error: Any = None
    incomplete_details: Any = None


class _WholeResponse(Response, gc=False):
    output: list[Any] | None = None


class ResponseEvent(Struct, gc=False):
    """One event of a stream, distinguished by its type."""

    type: str = ""
    delta: Any = None
    response: Response | None = None
    error: Any = None
    message: Any = None
    code: Any = None
    usage: Usage | None = None
    """Some relays report usage here, beside the response."""
    item: Any = None
    output_index: Any = None


_decode_event = msgspec.json.Decoder(ResponseEvent).decode
_decode_response = msgspec.json.Decoder(_WholeResponse).decode
_END = b"[DONE]"


def read_response_event(data: bytes, name: bytes) -> Event | None:
    """Read an event; None if it is empty. Raises MalformedAnswer."""
    if name and name.lower() == b"error":
        return Event(fault=fault_of_body(data))
    if data.startswith(_END):  # some relays send it after the final event; it is not a final event itself
        return None
    if not data:
        return None
    try:
        read = _decode_event(data)
    except UNREADABLE:
        if data.lstrip().startswith(_END):
            return None
        read = read_leniently(data, ResponseEvent, lambda error: ResponseEvent(error=error))
    return response_event(read, None if read.type else read_error_fields(data))


def response_event(read: ResponseEvent, fields: ErrorFields | None = None) -> Event:
    """Convert an event. `fields` are the error fields of an event without a type."""
    part = _part_of(read.type)
    if part is not None:
        return _event_of_token(part, read)
    if fault := _fault_of_event(read, fields):
        return Event(fault=fault)
    if read.type == "response.output_item.done":
        return Event(calls=_calls_of([read.item], read.output_index))
    event = Event() if read.response is None and read.type not in _FINAL else _event_of_response(read)
    if event.tokens is None and read.usage is not None:
        event.tokens = tokens(read.usage)
    return event


def _part_of(kind: str) -> _Part | None:
    part = _TOKENS.get(kind)
    if part is None and kind.startswith(_REASONING) and kind.endswith(".delta"):  # some relays use other names
        return _Part.SUMMARY if "summary" in kind else _Part.THOUGHT
    return part


def _event_of_token(part: _Part, read: ResponseEvent) -> Event:
    if part in (_Part.THOUGHT, _Part.SUMMARY):
        thought = thought_text(read.delta)
        return Event(has_token=bool(thought), thought=thought, summarised=bool(thought) and part is _Part.SUMMARY)
    has_token = bool(read.delta)
    text = read.delta if part is _Part.VISIBLE and isinstance(read.delta, str) else ""
    return Event(has_token=has_token, visible=has_token and part is not _Part.CALL, text=text)


def _fault_of_event(read: ResponseEvent, fields: ErrorFields | None) -> RelayFault | None:
    if read.type in _ERRORS:
        return fault_of_error(read.error or {"message": read.message, "code": read.code})
    if fields is None:
        return fault_of_error(read.error) if is_error(read.error) else None
    return fault_of(fields) if read.response is not None else fault_of_message(fields)


def _event_of_response(read: ResponseEvent) -> Event:
    kind, response = read.type, read.response or Response()
    final = kind in _FINAL
    return Event(
        answer_id=answer_id_of(response.id),
        tokens=None if response.usage is None else tokens(response.usage),
        finish_reason=_finish_reason(response, kind.rpartition(".")[2]) if final else None,
        fault=fault_of_error(response.error) if kind == _FAILED or is_error(response.error) else None,
        done=final,
    )


def read_response(body: bytes, _request: WireRequest) -> WholeAnswer:
    """Read a whole answer. Raises MalformedAnswer."""
    try:
        response = _decode_response(body)
    except UNREADABLE:
        response = read_leniently(body, _WholeResponse, lambda error: _WholeResponse(error=error))
    fault = _fault_in(response, body)
    if fault is not None:
        return WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=fault)
    reason, text = _finish_reason(response, None), WholeText()
    flaw = AnswerFlaw.FAILED_FINISH if failed_finish(reason) else None
    if flaw is None and not response.output and response.status != "incomplete":
        return WholeAnswer(flaw=AnswerFlaw.NO_OUTPUT, fault=fault_of_body(body))
    counted = tokens(response.usage)
    zero_usage = bool(response.output) and counted.output == 0
    return WholeAnswer(
        flaw=flaw,
        tokens=counted._replace(output=None) if zero_usage else counted,
        zero_usage=zero_usage,
        finish_reason=reason,
        answer_id=answer_id_of(response.id),
        text=text.add("".join(map(_visible_text, response.output or ()))) + text.end(),
        replaced=text.replaced,
        calls=_calls_of(response.output or []),
    )


def response_thoughts(body: bytes) -> str:
    """Return the reasoning in a whole answer, or its summary. Raises MalformedAnswer."""
    try:
        items = _decode_response(body).output
    except UNREADABLE:
        items = read_leniently(body, _WholeResponse, lambda error: _WholeResponse(error=error)).output
    thoughts = [item for item in items or () if isinstance(item, dict) and item.get("type") == "reasoning"]
    return "".join(thought_text(item.get("content")) or thought_text(item.get("summary")) for item in thoughts)


def _fault_in(response: _WholeResponse, body: bytes) -> RelayFault | None:
    if is_error(response.error):
        return fault_of(read_error_fields(body))
    return fault_of_error(response.error) if response.status == "failed" else None


def _calls_of(items: list[Any], first: Any = 0) -> tuple[CallPart, ...]:
    """Return the calls among items of the output, the first of which has that number."""
    numbered = enumerate(items, first if isinstance(first, int) else 0)
    return tuple(part for number, item in numbered if isinstance(item, dict) and (part := _call_of(item, number)))


def _call_of(item: dict[str, Any], number: int) -> CallPart | None:
    field = _CALL_FIELDS.get(str(item.get("type")))
    if field is None:
        return None
    name, given = item.get("name"), item.get(field)
    words = given if isinstance(given, str) else ""
    return CallPart(number, name if isinstance(name, str) else "", words, field == "input")


def _finish_reason(response: Response, otherwise: str | None) -> str | None:
    """Return why it is incomplete, such as `max_output_tokens`, or else its status, or else `otherwise`."""
    details = response.incomplete_details
    reason = details.get("reason") if isinstance(details, dict) else None
    named = reason or response.status
    return whole_name(named) if isinstance(named, str) and named.strip() else otherwise


def _visible_text(item: Any) -> str:
    """Return the visible text of an output item."""
    if not isinstance(item, dict) or item.get("type") != "message":
        return ""
    parts = item.get("content")
    return "".join(map(_part_text, parts)) if isinstance(parts, list) else ""


def _part_text(part: Any) -> str:
    text = (part.get("text") or part.get("refusal")) if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""
