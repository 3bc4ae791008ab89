"""The chat completions format: whole answers, and the events of a stream as bytes."""

from typing import Any

from msgspec.json import encode

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.content import Content
from relayload.fakerelay.events import Events
from relayload.fakerelay.logprobs import chat_logprob
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.tokens import JSON_WORDS, STRIDE

_FIRST = b'"choices":[{"index":0,'


def completion(parsed: ParsedRequest, reply: Reply, created: int, words: list[str]) -> dict[str, Any]:
    """Return the body of an answer that is not streamed, with these words."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(words[reply.reasoning_tokens :])}
    message["refusal"] = None
    logprobs = None
    if reply.content is not None:
        shown = words[reply.reasoning_tokens :]
        if calls := whole_calls(reply, reply.content, shown):
            message |= {"content": None, "tool_calls": calls}
        logprobs = _logprobs(reply, reply.content, reply.reasoning_tokens, shown)
    if reply.show_reasoning and reply.reasoning_tokens:
        message["reasoning_content"] = "".join(words[: reply.reasoning_tokens])
    choice = {"message": message, "logprobs": logprobs, "finish_reason": reply.finish_reason}
    choices = [{"index": number, **choice} for number in range(parsed.choices)]
    return {**_head(parsed, reply, created, "chat.completion"), "choices": choices, "usage": usage(parsed, reply)}


def usage(parsed: ParsedRequest, reply: Reply) -> dict[str, Any]:
    """Return the usage in the chat format: the input counts once, and the output of every choice."""
    told = reply.usage(parsed)
    output_tokens = told.output_tokens * parsed.choices
    return {
        "prompt_tokens": told.input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": told.input_tokens + output_tokens,
        "prompt_tokens_details": {"cached_tokens": told.cached_input_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": told.reasoning_tokens * parsed.choices,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _head(parsed: ParsedRequest, reply: Reply, created: int, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-fake{reply.number:024x}",
        "object": kind,
        "created": created,
        "model": reply.named or parsed.model,
        "service_tier": "default",
        "system_fingerprint": reply.fingerprint,
    }


class ChatEvents(Events):
    """The events of one streamed answer. Their common parts are encoded once, so that a token costs one join."""

    def __init__(self, parsed: ParsedRequest, reply: Reply, created: int) -> None:
        self._parsed = parsed
        self._reply = reply
        head = encode(_head(parsed, reply, created, "chat.completion.chunk"))[:-1]
        self._usage_field = b',"usage":null' if parsed.include_usage else b""
        self._head = b"data: " + head
        self._delta = self._head + b',"choices":[{"index":0,"delta":{"'
        self._content = self._delta + b'content":"'
        self._thought = self._delta + b'reasoning_content":"'
        self._after = b'"},"logprobs":null,"finish_reason":null}]%b}\n\n' % self._usage_field

    def opening(self) -> list[bytes]:
        return [self._delta + b'role":"assistant","content":"' + self._after]

    def token(self, token: int, word: str | None = None) -> bytes:
        before = self._thought if token < self._reply.reasoning_tokens else self._content
        made_up = JSON_WORDS[(self._reply.first_word + token * STRIDE) % len(JSON_WORDS)]
        return b"".join((before, made_up if word is None else encode(word)[1:-1], self._after))

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        reason = self._reply.finish_reason.encode()
        choice = b',"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"%b"}]' % reason
        events = [b"%b%b%b}\n\n" % (self._head, choice, self._usage_field)]
        if self._parsed.include_usage and with_usage:
            events.append(b'%b,"choices":[],"usage":%b}\n\n' % (self._head, encode(usage(self._parsed, self._reply))))
        return [*events, b"data: [DONE]\n\n"]


def chat_events(parsed: ParsedRequest, reply: Reply, created: int) -> Events:
    """Return the events of an answer, with or without special content."""
    if reply.content is None:
        events = ChatEvents(parsed, reply, created)
    else:
        events = ContentChatEvents(parsed, reply, created, reply.content)
    return events if parsed.choices == 1 else EventsOfChoices(events, parsed.choices)


class EventsOfChoices(Events):
    """The events of several choices, each of which has its own."""

    def __init__(self, events: ChatEvents, choices: int) -> None:
        self._events = events
        self._choices = choices

    def opening(self) -> list[bytes]:
        return self._of_each(self._events.opening())

    def token(self, token: int, word: str | None = None) -> bytes:
        return b"".join(self._of_each([self._events.token(token, word)]))

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        return self._of_each(self._events.closing(with_usage=with_usage))

    def _of_each(self, events: list[bytes]) -> list[bytes]:
        return [
            event.replace(_FIRST, b'"choices":[{"index":%d,' % number)
            for event in events
            for number in range(self._choices if _FIRST in event else 1)
        ]


class ContentChatEvents(ChatEvents):
    """The events of an answer with special content; each is encoded individually."""

    def __init__(self, parsed: ParsedRequest, reply: Reply, created: int, content: Content) -> None:
        super().__init__(parsed, reply, created)
        self._content_of_reply = content
        self._positions = content.positions

    def opening(self) -> list[bytes]:
        text = None if self._content_of_reply.calls else ""
        return [self._event({"role": "assistant", "content": text, "refusal": None})]

    def token(self, token: int, word: str | None = None) -> bytes:
        reply, content = self._reply, self._content_of_reply
        if token < reply.reasoning_tokens:
            return super().token(token, word)
        position = self._positions[token - reply.reasoning_tokens]
        text = position.text if word is None else word
        if not content.calls:
            return self._event({"content": text}, _logprobs(reply, content, token, [text]))
        arguments = self._event({"tool_calls": [{"index": position.segment, "function": {"arguments": text}}]})
        if not position.is_first:
            return arguments
        call = {"index": position.segment, **_call(reply, position.segment, position.function, "")}
        return self._event({"tool_calls": [call]}) + arguments

    def _event(self, delta: dict[str, Any], logprobs: dict[str, Any] | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": None}
        return b'%b,"choices":[%b]%b}\n\n' % (self._head, encode(choice), self._usage_field)


def whole_calls(reply: Reply, content: Content, words: list[str]) -> list[dict[str, Any]]:
    """Return the calls of an answer, with these words as arguments; empty if it has text."""
    return [_call(reply, *each) for each in content.spread(words) if each[1] is not None]


def _call(reply: Reply, index: int, function: str | None, arguments: str) -> dict[str, Any]:
    return {
        "id": call_id(reply, index),
        "type": "function",
        "function": {"name": function, "arguments": arguments},
    }


def call_id(reply: Reply, index: int) -> str:
    """Return the id of one call of an answer."""
    return f"call_fake{reply.number:020x}{index:02x}"


def _logprobs(reply: Reply, content: Content, first: int, words: list[str]) -> dict[str, Any] | None:
    """Return the logprobs of text tokens, numbered from `first`."""
    top = content.top_logprobs
    if top is None or content.calls:
        return None
    entries = [chat_logprob(word, reply.number + first + index, top) for index, word in enumerate(words) if word]
    return {"content": entries, "refusal": None}
