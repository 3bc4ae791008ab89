"""The responses format: whole answers, and the events of a stream, as bytes."""

from typing import Any

from msgspec.json import encode

from relayload.fakerelay.asks import Ask
from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.tokens import JSON_WORDS, STRIDE, words

_OPENING_EVENTS = 4
"""Events before the first token, where no thoughts are shown."""
_TURNING_EVENTS = 4
"""Events between the last thought and the first visible token."""


def response(ask: Ask, reply: Reply, created: int, text: list[str]) -> dict[str, Any]:
    """The body of an answer that is not streamed, made of these words."""
    thought, visible = text[: reply.reasoning_tokens], text[reply.reasoning_tokens :]
    items = [_thinking(reply, "".join(thought))] if _shows_thoughts(reply) else []
    return {
        **_head(ask, reply, created, _status(reply)),
        "output": [*items, _message(reply, "".join(visible), "completed")],
        "usage": usage(ask, reply),
    }


def usage(ask: Ask, reply: Reply) -> dict[str, Any]:
    """Tokens as the responses format counts them."""
    return {
        "input_tokens": ask.input_tokens,
        "input_tokens_details": {"cached_tokens": reply.cached_input_tokens},
        "output_tokens": reply.output_tokens,
        "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        "total_tokens": ask.input_tokens + reply.output_tokens,
    }


def _status(reply: Reply) -> str:
    return "incomplete" if reply.finish_reason == "length" else "completed"


def _shows_thoughts(reply: Reply) -> bool:
    return reply.show_reasoning and reply.reasoning_tokens > 0


def _head(ask: Ask, reply: Reply, created: int, status: str) -> dict[str, Any]:
    incomplete = {"reason": "max_output_tokens"} if status == "incomplete" else None
    return {
        "id": f"resp_fake{reply.number:024x}",
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": incomplete,
        "instructions": None,
        "max_output_tokens": ask.max_output_tokens,
        "model": ask.model,
        "parallel_tool_calls": True,
        "reasoning": {"effort": ask.effort, "summary": None},
        "tool_choice": "auto",
        "tools": [],
        "temperature": 1.0,
        "top_p": 1.0,
        "metadata": {},
    }


def _message(reply: Reply, text: str | None, status: str) -> dict[str, Any]:
    content = [] if text is None else [_text_part(text)]
    name = f"msg_fake{reply.number:024x}"
    return {"id": name, "type": "message", "status": status, "role": "assistant", "content": content}


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _thinking(reply: Reply, text: str | None) -> dict[str, Any]:
    content = [] if text is None else [{"type": "reasoning_text", "text": text}]
    return {"id": f"rs_fake{reply.number:024x}", "type": "reasoning", "summary": [], "content": content}


class ResponseEvents:
    """The events of one streamed answer; each names its type and carries its number in the sequence."""

    def __init__(self, ask: Ask, reply: Reply, created: int) -> None:
        self._ask = ask
        self._reply = reply
        self._created = created
        self._thinks = _shows_thoughts(reply)
        self._index = 1 if self._thinks else 0
        self._item = f"msg_fake{reply.number:024x}"
        self._text_delta = _delta_prefix("response.output_text.delta", self._item, self._index)
        self._thought_delta = _delta_prefix("response.reasoning_text.delta", f"rs_fake{reply.number:024x}", 0)

    def opening(self) -> list[bytes]:
        body = {**_head(self._ask, self._reply, self._created, "in_progress"), "output": [], "usage": None}
        started = [("response.created", {"response": body}), ("response.in_progress", {"response": body})]
        if self._thinks:
            thinking = {"output_index": 0, "item": _thinking(self._reply, None)}
            return _numbered([*started, ("response.output_item.added", thinking)], 0)
        return _numbered([*started, *self._message_begins()], 0)

    def first(self, token: int, wall_ns: int, word: str | None = None) -> bytes:
        stamp = b',"x_relayload":{"first_token_ns":%d}}\n\n' % wall_ns
        return self.token(token, word)[: -len(b"}\n\n")] + stamp

    def token(self, token: int, word: str | None = None) -> bytes:
        made_up = JSON_WORDS[(self._reply.number + token * STRIDE) % len(JSON_WORDS)]
        text = made_up if word is None else encode(word)[1:-1]
        prefix = self._thought_delta if token < self._reply.reasoning_tokens else self._text_delta
        event = b'%b%b","logprobs":[],"sequence_number":%d}\n\n' % (prefix, text, self._number(token))
        if self._thinks and token == self._reply.reasoning_tokens:
            return b"".join([*self._turn(), event])
        return event

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        reply = self._reply
        text = words(reply.number, reply.output_tokens)
        visible = "".join(text[reply.reasoning_tokens :])
        body = response(self._ask, reply, self._created, text)
        if not with_usage:
            body["usage"] = None
        status = body["status"]
        place = {"item_id": self._item, "output_index": self._index, "content_index": 0}
        events: list[tuple[str, dict[str, Any]]] = [
            ("response.output_text.done", {**place, "text": visible, "logprobs": []}),
            ("response.content_part.done", {**place, "part": _text_part(visible)}),
            ("response.output_item.done", {"output_index": self._index, "item": body["output"][-1]}),
            (f"response.{status}", {"response": body}),
        ]
        return _numbered(events, self._number(reply.output_tokens))

    def _number(self, token: int) -> int:
        """In the sequence, of the event that holds a token."""
        shown = token - self._reply.first_shown
        if not self._thinks:
            return _OPENING_EVENTS + shown
        return _OPENING_EVENTS - 1 + shown + (_TURNING_EVENTS if token >= self._reply.reasoning_tokens else 0)

    def _turn(self) -> list[bytes]:
        """The end of the thoughts, and the beginning of the message."""
        reply = self._reply
        thought = "".join(words(reply.number, reply.reasoning_tokens))
        item = _thinking(reply, thought)
        events: list[tuple[str, dict[str, Any]]] = [
            (
                "response.reasoning_text.done",
                {"item_id": item["id"], "output_index": 0, "content_index": 0, "text": thought},
            ),
            ("response.output_item.done", {"output_index": 0, "item": item}),
            *self._message_begins(),
        ]
        return _numbered(events, self._number(reply.reasoning_tokens) - _TURNING_EVENTS)

    def _message_begins(self) -> list[tuple[str, dict[str, Any]]]:
        place = {"item_id": self._item, "output_index": self._index, "content_index": 0}
        item = _message(self._reply, None, "in_progress")
        return [
            ("response.output_item.added", {"output_index": self._index, "item": item}),
            ("response.content_part.added", {**place, "part": _text_part("")}),
        ]


def _numbered(events: list[tuple[str, dict[str, Any]]], first: int) -> list[bytes]:
    return [
        b"event: %b\ndata: %b\n\n" % (name.encode(), encode({"type": name, **data, "sequence_number": first + index}))
        for index, (name, data) in enumerate(events)
    ]


def _delta_prefix(name: str, item: str, output_index: int) -> bytes:
    """All of a delta's event up to the text."""
    place = {"type": name, "item_id": item, "output_index": output_index, "content_index": 0}
    return b'event: %b\ndata: %b,"delta":"' % (name.encode(), encode(place)[:-1])
