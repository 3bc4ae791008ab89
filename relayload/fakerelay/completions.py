"""The legacy completions format: whole answers, and the events of a stream."""

from itertools import accumulate
from typing import Any

from msgspec.json import encode

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.chat import usage
from relayload.fakerelay.events import Events
from relayload.fakerelay.logprobs import completion_logprobs
from relayload.fakerelay.parsed_request import ParsedRequest


def text_completion(parsed: ParsedRequest, reply: Reply, created: int, words: list[str]) -> dict[str, Any]:
    """Return the body of an answer that is not streamed, with these words."""
    shown = words[reply.reasoning_tokens :]
    choice = _choice("".join(shown), _logprobs(reply, reply.reasoning_tokens, shown, 0), reply.finish_reason)
    return {**_head(parsed, reply, created), "choices": [choice], "usage": usage(parsed, reply)}


def _head(parsed: ParsedRequest, reply: Reply, created: int) -> dict[str, Any]:
    return {
        "id": f"cmpl-fake{reply.number:024x}",
        "object": "text_completion",
        "created": created,
        "model": reply.named or parsed.model,
        "system_fingerprint": reply.fingerprint,
    }


def _choice(text: str, logprobs: dict[str, Any] | None, finish_reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish_reason}


def _logprobs(reply: Reply, first: int, words: list[str], offset: int) -> dict[str, Any] | None:
    if reply.content is None or reply.content.top_logprobs is None:
        return None
    placed = [(reply.number + first + index, word) for index, word in enumerate(words) if word]
    return completion_logprobs(placed, reply.content.top_logprobs, offset)


class TextEvents(Events):
    """The events of one streamed answer."""

    def __init__(self, parsed: ParsedRequest, reply: Reply, created: int) -> None:
        self._parsed = parsed
        self._reply = reply
        self._words = reply.words()
        self._offsets = list(accumulate(map(len, self._words), initial=0))
        self._head = b"data: " + encode(_head(parsed, reply, created))[:-1]
        self._usage_field = b',"usage":null' if parsed.include_usage else b""

    def opening(self) -> list[bytes]:
        return []

    def token(self, token: int, word: str | None = None) -> bytes:
        text = self._words[token] if word is None else word
        return self._event(_choice(text, _logprobs(self._reply, token, [text], self._offsets[token]), None))

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        events = [self._event(_choice("", None, self._reply.finish_reason))]
        if self._parsed.include_usage and with_usage:
            events.append(b'%b,"choices":[],"usage":%b}\n\n' % (self._head, encode(usage(self._parsed, self._reply))))
        return [*events, b"data: [DONE]\n\n"]

    def _event(self, choice: dict[str, Any]) -> bytes:
        return b'%b,"choices":[%b]%b}\n\n' % (self._head, encode(choice), self._usage_field)
