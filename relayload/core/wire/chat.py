"""Chat completions: our words to a request, and answers back to our words.

Relays are lenient with the format, so is this: what they may leave out may be missing, what nobody reads may be
anything. Source: OpenAI API reference, `chat.completion` and `chat.completion.chunk`.
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
    Tokens,
    WholeAnswer,
    name_of_answer,
)
from relayload.core.wire.faults import (
    Told,
    fault_of,
    fault_of_body,
    fault_of_error,
    fault_of_words,
    is_error,
    read_told,
)
from relayload.core.wire.finish import USUAL_FINISHES, failed_finish, finish_named
from relayload.core.wire.form import OPENAI, Form
from relayload.core.wire.lenient import UNREADABLE, read_leniently
from relayload.core.wire.request import Endpoint, RelayFault, WireRequest, with_fields
from relayload.core.wire.thoughts import has_summary, is_thought, thought_text
from relayload.core.wire.usage import Usage, together, tokens
from relayload.core.wire.whole_text import WholeText, is_whole

DONE = b"[DONE]"
"""The last event of a stream."""

_PARTS = (list, dict)
"""What a content is that is no text."""

BUDGET_FIELDS = ("max_completion_tokens", "max_tokens")
"""Where a request says how long its answer may be; the second one is what older relays know."""


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
    """A request for one chat completion. What is None is left out; `extra` goes before all else in the body."""
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
    """What a message says: a text, or one with pictures."""
    images = chat_images(image_urls, detail)
    return [{"type": "text", "text": text}, *images] if images else text


def chat_images(urls: Iterable[str], detail: str | None = None) -> list[dict[str, Any]]:
    """Pictures as parts of what a message says."""
    shown = {} if detail is None else {"detail": detail}
    return [{"type": "image_url", "image_url": {"url": url, **shown}} for url in urls]


class Delta(Struct, gc=False):
    """What an event adds to a message, or a whole message. Text is a string, or a list of parts."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
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
    """Where Moonshot has it."""
    error: Any = None
    """Where OpenRouter has that of its upstream."""


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
    """What an event says; None for one that says nothing. Raises MalformedAnswer."""
    if name and name.lower() == b"error":
        return Event(fault=fault_of_body(data))
    if data.startswith(DONE):  # some relays put a space after it
        return Event(done=True)
    if not data:
        return None
    try:
        chunk = read_chunk(data)
    except MalformedAnswer:
        if data.lstrip().startswith(DONE):  # and some before it
            return Event(done=True)
        raise
    return chat_event(chunk, read_told(data) if may_fail(chunk) else None)


def may_fail(chunk: Chunk) -> bool:
    """Whether it may tell of an error: then what else it says is looked at, too."""
    return bool(chunk.error) or not chunk.choices


def chat_event(chunk: Chunk, told: Told | None = None) -> Event:
    """An event in our words. Several choices make one token, and the first of them is the text."""
    event = Event(answer_id=name_of_answer(chunk.id))
    if told is not None:
        event.fault = fault_of(told) if chunk.choices or chunk.usage is not None else fault_of_words(told)
    if chunk.usage is not None or chunk.x_groq is not None:
        event.tokens = _tokens_of(chunk)
    for choice in chunk.choices or ():
        _add_choice(event, choice)
    return event


def _add_choice(event: Event, choice: Choice) -> None:
    if choice.finish_reason and not failed_finish(event.finish_reason):
        event.finish_reason = finish_named(choice.finish_reason) or event.finish_reason
    if choice.delta is not None:
        _add_delta(event, choice.delta, spoken=not choice.index)
    if choice.usage is not None:
        event.tokens = together(tokens(choice.usage), event.tokens or NO_TOKENS)
    if choice.error and event.fault is None and is_error(choice.error):
        event.fault = fault_of_error(choice.error)


def _tokens_of(chunk: Chunk) -> Tokens:
    """What the usage at the top says, before that of a part."""
    in_part = chunk.x_groq and chunk.x_groq.usage
    return together(tokens(in_part), tokens(chunk.usage)) if in_part else tokens(chunk.usage)


def _add_delta(event: Event, delta: Delta, *, spoken: bool) -> None:
    content = delta.content
    if content and isinstance(content, str):
        event.has_token = event.visible = True
        if spoken:
            event.text += content
    elif _is_visible(delta):
        event.has_token = event.visible = True
        if spoken:
            event.text += visible_text(delta)
    if (
        delta.reasoning_content
        or delta.reasoning
        or delta.reasoning_details
        or delta.thinking
        or delta.thinking_blocks
        or isinstance(content, _PARTS)
    ):
        _add_thought(event, delta)
    if not event.has_token and (_calls(delta.tool_calls) or _calls_function(delta.function_call)):
        event.has_token = True


def _add_thought(event: Event, delta: Delta) -> None:
    if thought := thought_of(delta):
        event.has_token = True
        event.thought += thought
        event.summarised = event.summarised or has_summary(delta.reasoning_details)


def _is_visible(delta: Delta) -> bool:
    """Whether a person would see something of it: text, a picture, sound."""
    content = delta.content
    if content and (isinstance(content, str) or any(map(_is_visible_part, _parts(content)))):
        return True
    return bool(delta.refusal or delta.images or (delta.audio and _is_heard(delta.audio)))


def _is_visible_part(part: Any) -> bool:
    if isinstance(part, str):
        return bool(part)
    if not isinstance(part, dict) or is_thought(part):
        return False
    return bool(part["text"]) if "text" in part else len(part) > 1  # a picture has no text, but more than its type


def _is_heard(audio: Any) -> bool:
    return isinstance(audio, dict) and bool(audio.get("transcript") or audio.get("data"))


def thought_of(delta: Delta) -> str:
    """What the model thinks. A relay that tells it in several fields tells the same in each."""
    told = (
        delta.reasoning_content or delta.reasoning,
        delta.reasoning_details,
        delta.thinking or delta.thinking_blocks,
    )
    among_parts = [part for part in _parts(delta.content) if is_thought(part)] if delta.content else []
    return max((thought_text(each) for each in (*told, among_parts) if each), key=len, default="")


def _parts(content: Any) -> list[Any]:
    if isinstance(content, dict):
        return [content]
    return content if isinstance(content, list) else []


def _calls(tool_calls: Any) -> bool:
    return isinstance(tool_calls, list) and any(
        _calls_function(each.get("function")) or _calls_function(each.get("custom"))
        for each in tool_calls
        if isinstance(each, dict)
    )


def _calls_function(function: Any) -> bool:
    """Whether something of a call is told: its name, or some of its arguments."""
    return isinstance(function, dict) and any(function.get(name) for name in ("name", "arguments", "input"))


def read_completion(body: bytes, _request: WireRequest) -> WholeAnswer:
    """What a whole answer says. Raises MalformedAnswer."""
    completion = read_chunk(body)
    return _usual_answer(completion) or _any_answer(completion, body)


def _usual_answer(completion: Chunk) -> WholeAnswer | None:
    """What nearly every answer is: one choice, which says a text and ended as usual. None for all others."""
    choices = completion.choices
    if choices is None or len(choices) != 1 or completion.error or completion.x_groq is not None:
        return None
    (choice,) = choices
    message, reason = choice.message, choice.finish_reason
    if message is None or choice.error or choice.usage is not None or reason not in USUAL_FINISHES:
        return None
    text, counted = message.content, tokens(completion.usage)
    if type(text) is not str or not text or not is_whole(text) or counted.output == 0:
        return None
    return WholeAnswer(tokens=counted, finish_reason=reason, answer_id=name_of_answer(completion.id), text=text)


def _any_answer(completion: Chunk, body: bytes) -> WholeAnswer:
    fault = _fault_in(completion, body)
    if fault is not None:
        return WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=fault)
    if not completion.choices:
        return WholeAnswer(flaw=AnswerFlaw.NO_CHOICES, fault=fault_of_body(body))
    return _whole_answer(completion, completion.choices)


def _fault_in(completion: Chunk, body: bytes) -> RelayFault | None:
    if is_error(completion.error):
        return fault_of(read_told(body))
    errors = (choice.error for choice in completion.choices or ())
    return next((fault_of_error(error) for error in errors if is_error(error)), None)


def _whole_answer(completion: Chunk, choices: list[Choice]) -> WholeAnswer:
    first, text = choices[0], WholeText()
    reasons = [reason for choice in choices if (reason := finish_named(choice.finish_reason))]
    failed, said = next(filter(failed_finish, reasons), None), _said(choices)
    counted = together(tokens(first.usage), _tokens_of(completion))
    zero_usage = said and counted.output == 0
    return WholeAnswer(
        flaw=AnswerFlaw.FAILED_FINISH if failed else None if reasons or said else AnswerFlaw.NO_OUTPUT,
        tokens=counted._replace(output=None) if zero_usage else counted,
        zero_usage=zero_usage,
        finish_reason=failed or finish_named(first.finish_reason),
        answer_id=name_of_answer(completion.id),
        text=text.add(visible_text(first.message) if first.message else "") + text.end(),
        replaced=text.replaced,
    )


def _said(choices: list[Choice]) -> bool:
    """Whether something was generated at all."""
    event = Event()
    for choice in choices:
        if choice.message is not None:
            _add_delta(event, choice.message, spoken=False)
    return event.has_token


def visible_text(delta: Delta) -> str:
    """The text a person would read, of a delta or a message."""
    content = delta.content or delta.refusal
    return content if isinstance(content, str) else "".join(map(_part_text, _parts(content)))


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, dict) and not is_thought(part) else None
    return text if isinstance(text, str) else ""
