"""Chat completions: builds requests and reads answers.

Reading is lenient, because relays are: optional fields may be missing, and unused fields may hold anything.
Source: OpenAI API reference, `chat.completion` and `chat.completion.chunk`.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import (
    NO_TOKENS,
    AnswerFlaw,
    Event,
    MalformedAnswer,
    OtherChoice,
    Tokens,
    WholeAnswer,
    answer_id_of,
)
from relayload.core.wire.chat_calls import call_parts
from relayload.core.wire.faults import (
    ErrorFields,
    fault_of,
    fault_of_body,
    fault_of_error,
    fault_of_message,
    is_error,
    read_error_fields,
)
from relayload.core.wire.finish import USUAL_FINISHES, failed_finish, finish_reason_of
from relayload.core.wire.form import OPENAI, Form
from relayload.core.wire.lenient import UNREADABLE, read_leniently
from relayload.core.wire.request import Endpoint, RelayFault, WireRequest, with_fields
from relayload.core.wire.thoughts import has_summary, is_thought, thought_text
from relayload.core.wire.usage import Usage, merged, tokens
from relayload.core.wire.whole_text import WholeText, is_whole

DONE = b"[DONE]"
"""The last event of a stream."""

_PARTS = (list, dict)
"""The types of a content that is not plain text."""

BUDGET_FIELDS = ("max_completion_tokens", "max_tokens")
"""The fields that limit the length of the answer. Older relays know only the second one."""


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
    form: Form = OPENAI,
) -> WireRequest:
    """Return a request for one chat completion. None values are omitted; `extra` overrides fields of the body."""
    body: dict[str, Any] = {"model": model, "messages": messages}
    if max_output_tokens is not None and form.max_tokens_field != "none":
        body[form.max_tokens_field] = max_output_tokens
    if temperature is not None:
        body["temperature"] = temperature
    if reasoning_effort is not None:
        body["reasoning_effort"] = reasoning_effort
    if stream:
        body["stream"] = True
        if form.stream_options:
            body["stream_options"] = {"include_usage": True}
    return WireRequest(Endpoint.CHAT, with_fields(body, extra), headers or {}, max_output_tokens)


def chat_content(text: str, image_urls: Iterable[str] = (), detail: str | None = None) -> str | list[dict[str, Any]]:
    """Return the content of a message: the text, or parts if there are images."""
    images = chat_images(image_urls, detail)
    return [{"type": "text", "text": text}, *images] if images else text


def chat_images(urls: Iterable[str], detail: str | None = None) -> list[dict[str, Any]]:
    """Return images as parts of a message's content."""
    shown = {} if detail is None else {"detail": detail}
    return [{"type": "image_url", "image_url": {"url": url, **shown}} for url in urls]


class Delta(Struct, gc=False):
    """What an event adds to a message, or a whole message. Content is a string or a list of parts."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_text: Any = None
    reasoning_details: Any = None
    thinking: Any = None
    thinking_blocks: Any = None
    tool_calls: Any = None
    function_call: Any = None
    refusal: Any = None
    images: Any = None
    audio: Any = None


class Choice(Struct, gc=False):
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    index: Any = None
    usage: Usage | None = None
    """Moonshot reports usage here."""
    error: Any = None
    """OpenRouter reports an error of its upstream here."""


class Groq(Struct, gc=False):
    usage: Usage | None = None


class Chunk(Struct, gc=False):
    """One event of a stream, or a whole answer."""

    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: Any = None
    x_groq: Groq | None = None
    id: Any = None


_decode_chunk = msgspec.json.Decoder(Chunk).decode


def read_chunk(data: bytes) -> Chunk:
    """Read an event's data, or a whole answer. Raises MalformedAnswer."""
    try:
        return _decode_chunk(data)
    except UNREADABLE:
        return read_leniently(data, Chunk, lambda error: Chunk(error=error))


def read_chat_event(data: bytes, name: bytes) -> Event | None:
    """Read an event; None if it is empty. Raises MalformedAnswer."""
    if name and name.lower() == b"error":
        return Event(fault=fault_of_body(data))
    if data.startswith(DONE):  # some relays put a space after it
        return Event(done=True)
    if not data:
        return None
    try:
        chunk = read_chunk(data)
    except MalformedAnswer:
        if data.lstrip().startswith(DONE):  # some put one before it
            return Event(done=True)
        raise
    return chat_event(chunk, read_error_fields(data) if may_fail(chunk) else None)


def may_fail(chunk: Chunk) -> bool:
    """Return whether it may be an error, so that its error fields must be read, too."""
    return bool(chunk.error) or not chunk.choices


def chat_event(chunk: Chunk, fields: ErrorFields | None = None) -> Event:
    """Convert a chunk to an Event. Several choices count as one token; the text is that of the first choice."""
    event = Event(answer_id=answer_id_of(chunk.id))
    if fields is not None:
        event.fault = fault_of(fields) if chunk.choices or chunk.usage is not None else fault_of_message(fields)
    if chunk.usage is not None or chunk.x_groq is not None:
        event.tokens = _tokens_of(chunk)
    for choice in chunk.choices or ():
        _add_choice(event, choice)
    return event


def _add_choice(event: Event, choice: Choice) -> None:
    if choice.finish_reason and not failed_finish(event.finish_reason):
        event.finish_reason = finish_reason_of(choice.finish_reason) or event.finish_reason
    if choice.delta is not None:
        _add_delta(event, choice.delta, choice.index)
    if choice.index:
        _add_other(event, choice, choice.delta)
    if choice.usage is not None:
        event.tokens = merged(tokens(choice.usage), event.tokens or NO_TOKENS)
    if choice.error and event.fault is None and is_error(choice.error):
        event.fault = fault_of_error(choice.error)


def _tokens_of(chunk: Chunk) -> Tokens:
    """Return the top-level usage, completed from `x_groq`."""
    in_part = chunk.x_groq and chunk.x_groq.usage
    return merged(tokens(in_part), tokens(chunk.usage)) if in_part else tokens(chunk.usage)


def _add_other(event: Event, choice: Choice, delta: Delta | None) -> None:
    """Note what there is of a choice after the first, which is put together on its own."""
    text, finished = visible_text(delta) if delta else "", finish_reason_of(choice.finish_reason) is not None
    if isinstance(choice.index, int) and (text or finished or _is_call(delta)):
        event.others = (*event.others, OtherChoice(choice.index, text, finished))


def _add_delta(event: Event, delta: Delta, index: Any) -> None:
    content = delta.content
    if content and isinstance(content, str):
        event.has_token = event.visible = True
        if not index:
            event.text += content
    elif _is_visible(delta):
        event.has_token = event.visible = True
        if not index:
            event.text += visible_text(delta)
    if (
        delta.reasoning_content
        or delta.reasoning
        or delta.reasoning_text
        or delta.reasoning_details
        or delta.thinking
        or delta.thinking_blocks
        or isinstance(content, _PARTS)
    ):
        _add_thought(event, delta)
    if delta.tool_calls or delta.function_call:
        _add_calls(event, delta, index)


def _add_thought(event: Event, delta: Delta) -> None:
    if thought := thought_of(delta):
        event.has_token = True
        event.thought += thought
        event.summarised = event.summarised or has_summary(delta.reasoning_details)


def _is_visible(delta: Delta) -> bool:
    """Return whether it contains output for the user: text, an image or audio."""
    content = delta.content
    if content and (isinstance(content, str) or any(map(_is_visible_part, _parts(content)))):
        return True
    return bool(delta.refusal or delta.images or (delta.audio and _has_audio(delta.audio)))


def _is_visible_part(part: Any) -> bool:
    if isinstance(part, str):
        return bool(part)
    if not isinstance(part, dict) or is_thought(part):
        return False
    return (
        bool(part["text"]) if "text" in part else len(part) > 1
    )  # an image has no text, but more fields than its type


def _has_audio(audio: Any) -> bool:
    return isinstance(audio, dict) and bool(audio.get("transcript") or audio.get("data"))


def thought_of(delta: Delta) -> str:
    """Return the reasoning. A relay that sends it in several fields repeats the same text."""
    fields = (
        delta.reasoning_content or delta.reasoning or delta.reasoning_text,
        delta.reasoning_details,
        delta.thinking or delta.thinking_blocks,
    )
    among_parts = [part for part in _parts(delta.content) if is_thought(part)] if delta.content else []
    return max((thought_text(each) for each in (*fields, among_parts) if each), key=len, default="")


def _parts(content: Any) -> list[Any]:
    if isinstance(content, dict):
        return [content]
    return content if isinstance(content, list) else []


def _add_calls(event: Event, delta: Delta, choice: Any) -> None:
    if parts := call_parts(delta.tool_calls, delta.function_call, choice):
        event.has_token = True
        event.calls = (*event.calls, *parts)


def _is_call(delta: Delta | None) -> bool:
    return delta is not None and bool(delta.tool_calls or delta.function_call)


def read_completion(body: bytes, _request: WireRequest) -> WholeAnswer:
    """Read a whole answer. Raises MalformedAnswer."""
    completion = read_chunk(body)
    return _usual_answer(completion) or _any_answer(completion, body)


def completion_thoughts(body: bytes) -> str:
    """Return the reasoning in a whole answer. Raises MalformedAnswer."""
    messages = (choice.message for choice in read_chunk(body).choices or ())
    return "".join(thought_of(message) for message in messages if message is not None)


def _usual_answer(completion: Chunk) -> WholeAnswer | None:
    """Read the common case fast: one choice with a text and a usual finish reason. None for other answers."""
    choices = completion.choices
    if choices is None or len(choices) != 1 or completion.error or completion.x_groq is not None:
        return None
    (choice,) = choices
    message, reason = choice.message, choice.finish_reason
    if message is None or choice.error or choice.usage is not None or reason not in USUAL_FINISHES:
        return None
    if message.tool_calls or message.function_call:
        return None
    text, counted = message.content, tokens(completion.usage)
    if type(text) is not str or not text or not is_whole(text) or counted.output == 0:
        return None
    return WholeAnswer(tokens=counted, finish_reason=reason, answer_id=answer_id_of(completion.id), text=text)


def _any_answer(completion: Chunk, body: bytes) -> WholeAnswer:
    fault = _fault_in(completion, body)
    if fault is not None:
        return WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=fault)
    if not completion.choices:
        return WholeAnswer(flaw=AnswerFlaw.NO_CHOICES, fault=fault_of_body(body))
    return _whole_answer(completion, completion.choices)


def _fault_in(completion: Chunk, body: bytes) -> RelayFault | None:
    if is_error(completion.error):
        return fault_of(read_error_fields(body))
    errors = (choice.error for choice in completion.choices or ())
    return next((fault_of_error(error) for error in errors if is_error(error)), None)


def _whole_answer(completion: Chunk, choices: list[Choice]) -> WholeAnswer:
    first, text = choices[0], WholeText()
    reasons = [reason for choice in choices if (reason := finish_reason_of(choice.finish_reason))]
    output = _output(choices)
    failed, has_output = next(filter(failed_finish, reasons), None), output.has_token
    counted = merged(tokens(first.usage), _tokens_of(completion))
    zero_usage = has_output and counted.output == 0
    return WholeAnswer(
        flaw=AnswerFlaw.FAILED_FINISH if failed else None if reasons or has_output else AnswerFlaw.NO_OUTPUT,
        tokens=counted._replace(output=None) if zero_usage else counted,
        zero_usage=zero_usage,
        finish_reason=failed or finish_reason_of(first.finish_reason),
        answer_id=answer_id_of(completion.id),
        text=text.add(visible_text(first.message) if first.message else "") + text.end(),
        replaced=text.replaced,
        calls=output.calls,
        other_texts=tuple(visible_text(choice.message) for choice in choices[1:] if choice.message),
    )


def _output(choices: list[Choice]) -> Event:
    """Return all choices as one event, whose text is of no interest."""
    event = Event()
    for number, choice in enumerate(choices):
        if choice.message is not None:
            _add_delta(event, choice.message, number)
    return event


def visible_text(delta: Delta) -> str:
    """Return the visible text of a delta or a message."""
    content = delta.content or delta.refusal
    return content if isinstance(content, str) else "".join(map(_part_text, _parts(content)))


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, dict) and not is_thought(part) else None
    return text if isinstance(text, str) else ""
