"""The chat completions format: whole answers, and the events of a stream, as bytes."""

from typing import Any

from msgspec.json import encode

from relayload.fakerelay.asks import Ask
from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.tokens import JSON_WORDS, STRIDE

FINGERPRINT = "fp_fake_relay"


def completion(ask: Ask, reply: Reply, created: int, words: list[str]) -> dict[str, Any]:
    """The body of an answer that is not streamed, made of these words."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(words[reply.reasoning_tokens :])}
    message["refusal"] = None
    if reply.show_reasoning and reply.reasoning_tokens:
        message["reasoning_content"] = "".join(words[: reply.reasoning_tokens])
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    return {**_head(ask, reply, created, "chat.completion"), "choices": [choice], "usage": usage(ask, reply)}


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


class ChatEvents:
    """The events of one streamed answer. What all of them share is encoded once: a token costs one join."""

    def __init__(self, ask: Ask, reply: Reply, created: int) -> None:
        self._ask = ask
        self._reply = reply
        head = encode(_head(ask, reply, created, "chat.completion.chunk"))[:-1]
        self._usage_field = b',"usage":null' if ask.include_usage else b""
        self._head = b"data: " + head
        self._delta = self._head + b',"choices":[{"index":0,"delta":{"'
        self._content = self._delta + b'content":"'
        self._thought = self._delta + b'reasoning_content":"'
        self._after = b'"},"logprobs":null,"finish_reason":null}]%b}\n\n' % self._usage_field

    def opening(self) -> list[bytes]:
        return [self._delta + b'role":"assistant","content":"' + self._after]

    def first(self, token: int, wall_ns: int, word: str | None = None) -> bytes:
        stamp = b',"x_relayload":{"first_token_ns":%d}}\n\n' % wall_ns
        return self.token(token, word)[: -len(b"}\n\n")] + stamp

    def token(self, token: int, word: str | None = None) -> bytes:
        before = self._thought if token < self._reply.reasoning_tokens else self._content
        made_up = JSON_WORDS[(self._reply.number + token * STRIDE) % len(JSON_WORDS)]
        return b"".join((before, made_up if word is None else encode(word)[1:-1], self._after))

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        reason = self._reply.finish_reason.encode()
        choice = b',"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"%b"}]' % reason
        events = [b"%b%b%b}\n\n" % (self._head, choice, self._usage_field)]
        if self._ask.include_usage and with_usage:
            events.append(b'%b,"choices":[],"usage":%b}\n\n' % (self._head, encode(usage(self._ask, self._reply))))
        return [*events, b"data: [DONE]\n\n"]
