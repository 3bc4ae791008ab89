"""The chat completions format: whole answers, and the events of a stream, as bytes."""

from typing import Any

from msgspec.json import encode

from relayload.fakerelay.asks import Ask
from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.tokens import STRIDE, WORDS, words
from relayload.fakerelay.wire import chunk

FINGERPRINT = "fp_fake_relay"
_JSON_WORDS = tuple(encode(word)[1:-1] for word in WORDS)


def completion(ask: Ask, reply: Reply, created: int) -> bytes:
    """The body of an answer that is not streamed."""
    text = words(reply.number, reply.output_tokens)
    message = {"role": "assistant", "content": "".join(text[reply.reasoning_tokens :]), "refusal": None}
    if reply.show_reasoning and reply.reasoning_tokens:
        message["reasoning_content"] = "".join(text[: reply.reasoning_tokens])
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    head = _head(ask, reply, created, "chat.completion")
    return encode({**head, "choices": [choice], "usage": usage(ask, reply)})


def usage(ask: Ask, reply: Reply) -> dict[str, Any]:
    """Tokens as the chat format counts them."""
    return {
        "prompt_tokens": ask.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": ask.input_tokens + reply.output_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_input_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reply.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _head(ask: Ask, reply: Reply, created: int, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-fake{reply.number:024x}",
        "object": kind,
        "created": created,
        "model": ask.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


class ChatStream:
    """The events of one streamed answer, each in an HTTP chunk of its own.

    What all events of a stream share is encoded once: a token costs one join.
    """

    def __init__(self, ask: Ask, reply: Reply, created: int) -> None:
        self._ask = ask
        self._reply = reply
        self._head = encode(_head(ask, reply, created, "chat.completion.chunk"))[:-1]
        usage_field = b',"usage":null' if ask.include_usage else b""
        self._before = b'data: %b,"choices":[{"index":0,"delta":{"' % self._head
        self._after = b'"},"logprobs":null,"finish_reason":null}]%b}\n\n' % usage_field
        self._usage_field = usage_field
        self._content = self._before + b'content":"'
        self._thought = self._before + b'reasoning_content":"'

    def opening(self) -> bytes:
        """The event with the role, which comes with the first token."""
        return chunk(self._before + b'role":"assistant","content":"' + self._after)

    def first(self, token: int, wall_ns: int) -> bytes:
        """The first token, stamped with the instant it was written at."""
        before, word = self._token(token)
        stamp = b',"x_relayload":{"first_token_ns":%d}}\n\n' % wall_ns
        return chunk(b"".join((before, word, self._after[:-3], stamp)))

    def next(self, token: int) -> bytes:
        """A later token."""
        before, word = self._token(token)
        after = self._after
        return b"%x\r\n%b%b%b\r\n" % (len(before) + len(word) + len(after), before, word, after)

    def closing(self) -> bytes:
        """The finish reason, the usage if asked for, and the end."""
        reason = self._reply.finish_reason.encode()
        choice = b'"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"%b"}]' % reason
        events = [b"data: %b,%b%b}\n\n" % (self._head, choice, self._usage_field)]
        if self._ask.include_usage:
            counted = encode(usage(self._ask, self._reply))
            events.append(b'data: %b,"choices":[],"usage":%b}\n\n' % (self._head, counted))
        return b"".join(chunk(event) for event in [*events, b"data: [DONE]\n\n"])

    def _token(self, token: int) -> tuple[bytes, bytes]:
        before = self._thought if token < self._reply.reasoning_tokens else self._content
        return before, _JSON_WORDS[(self._reply.number + token * STRIDE) % len(_JSON_WORDS)]
