"""The Messages format: whole answers, and the events of a stream as bytes."""

from typing import Any

from msgspec.json import decode, encode

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.events import Events
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.tokens import JSON_WORDS, STRIDE

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_SIGNATURE = "ZmFrZS1yZWxheQ=="


def message(parsed: ParsedRequest, reply: Reply, _created: int, words: list[str]) -> dict[str, Any]:
    """Return the body of an answer that is not streamed, with these words."""
    thought, shown = "".join(words[: reply.reasoning_tokens]), words[reply.reasoning_tokens :]
    blocks: list[dict[str, Any]] = (
        [{"type": "thinking", "thinking": thought, "signature": _SIGNATURE}] if _thinks(reply) else []
    )
    if reply.content is None or not reply.content.calls:
        blocks.append({"type": "text", "text": "".join(shown), "citations": None})
    else:
        blocks += [_call(reply, *each) for each in reply.content.spread(shown)]
    return {**_head(parsed, reply), "content": blocks, **_end(reply), "usage": usage(parsed, reply)}


def usage(parsed: ParsedRequest, reply: Reply) -> dict[str, Any]:
    """Return the usage, whose input excludes what was cached."""
    told = reply.usage(parsed)
    return {
        "input_tokens": told.input_tokens - told.cached_input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": told.cached_input_tokens,
        "output_tokens": told.output_tokens,
    }


def _head(parsed: ParsedRequest, reply: Reply) -> dict[str, Any]:
    name = f"msg_fake{reply.number:020x}"
    return {"id": name, "type": "message", "role": "assistant", "model": reply.named or parsed.model}


def _thinks(reply: Reply) -> bool:
    return reply.show_reasoning and reply.reasoning_tokens > 0


def _end(reply: Reply) -> dict[str, str | None]:
    stopped_by = reply.content.stopped_by if reply.content else None
    return {"stop_reason": "stop_sequence" if stopped_by else _stop_reason(reply), "stop_sequence": stopped_by}


def _stop_reason(reply: Reply) -> str:
    calls = reply.content is not None and reply.content.calls and reply.finish_reason != "length"
    return "tool_use" if calls else _STOP_REASONS[reply.finish_reason]


def _call(reply: Reply, number: int, function: str | None, arguments: str) -> dict[str, Any]:
    """Return a call. Arguments that were cut can't be written as an object, and are left out."""
    try:
        given = decode(arguments or "{}")
    except ValueError:
        given = {}
    return {"type": "tool_use", "id": _call_id(reply, number), "name": function, "input": given}


def _call_id(reply: Reply, number: int) -> str:
    return f"toolu_fake{reply.number:020x}{number:02x}"


class MessageEvents(Events):
    """The events of one streamed answer."""

    def __init__(self, parsed: ParsedRequest, reply: Reply, _created: int) -> None:
        self._parsed = parsed
        self._reply = reply
        self._first_visible = int(_thinks(reply))
        """The number of the first block that is not thinking."""
        self._positions = reply.content.positions if reply.content else []

    def opening(self) -> list[bytes]:
        counted = {**usage(self._parsed, self._reply), "output_tokens": 1}
        empty: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": counted}
        start = {**_head(self._parsed, self._reply), **empty}
        return [_event("message_start", message=start), _event("ping")]

    def token(self, token: int, word: str | None = None) -> bytes:
        reply = self._reply
        begins = [*self._ends(token), *self._begins(token)] if self._is_first(token) else []
        if token < reply.reasoning_tokens:
            kind, field = b"thinking_delta", b"thinking"
        elif self._positions and self._positions[token - reply.reasoning_tokens].function is not None:
            kind, field = b"input_json_delta", b"partial_json"
        else:
            kind, field = b"text_delta", b"text"
        delta = b'"delta":{"type":"%b","%b":"%b"}' % (kind, field, self._text(token, word))
        data = b'{"type":"content_block_delta","index":%d,%b}' % (self._block(token), delta)
        return b"".join((*begins, b"event: content_block_delta\ndata: %b\n\n" % data))

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        reply = self._reply
        end = {"delta": _end(reply)}
        counted = {"usage": usage(self._parsed, reply)} if with_usage else {}
        return [
            *self._ends(reply.output_tokens),
            _event("message_delta", **end, **counted),
            _event("message_stop"),
        ]

    def _text(self, token: int, word: str | None) -> bytes:
        """Return the text of a token as it is written in JSON."""
        if word is None and (not self._positions or token < self._reply.reasoning_tokens):
            return JSON_WORDS[(self._reply.first_word + token * STRIDE) % len(JSON_WORDS)]
        if word is None:
            word = self._positions[token - self._reply.reasoning_tokens].text
        return encode(word)[1:-1]

    def _block(self, token: int) -> int:
        """Return the number of the block that a token is in."""
        visible = token - self._reply.reasoning_tokens
        if visible < 0:
            return 0
        return self._first_visible + (self._positions[visible].segment if self._positions else 0)

    def _is_first(self, token: int) -> bool:
        """Return whether a token is the first of its block."""
        return token == self._reply.first_shown or self._block(token) != self._block(token - 1)

    def _begins(self, token: int) -> list[bytes]:
        block = self._block(token)
        visible = token - self._reply.reasoning_tokens
        position = self._positions[visible] if self._positions and visible >= 0 else None
        content: dict[str, Any] = {"type": "text", "text": ""}
        if visible < 0:
            content = {"type": "thinking", "thinking": "", "signature": ""}
        elif position is not None and position.function is not None:
            content = _call(self._reply, position.segment, position.function, "")
        return [_event("content_block_start", index=block, content_block=content)]

    def _ends(self, token: int) -> list[bytes]:
        """Return the end of the block before a token that is the first of its own."""
        if token == self._reply.first_shown:
            return []
        block, thought = self._block(token - 1), token - 1 < self._reply.reasoning_tokens
        signature = {"type": "signature_delta", "signature": _SIGNATURE}
        signed = [_event("content_block_delta", index=block, delta=signature)] if thought else []
        return [*signed, _event("content_block_stop", index=block)]


def _event(name: str, **data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode({"type": name, **data}))
