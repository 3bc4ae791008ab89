"""The responses format: whole answers, and the events of a stream as bytes."""

from typing import Any

from msgspec.json import encode

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.chat import call_id
from relayload.fakerelay.content import Content
from relayload.fakerelay.events import Events
from relayload.fakerelay.logprobs import chat_logprob
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.tokens import JSON_WORDS, STRIDE, words

_OPENING_EVENTS = 4
"""The number of events before the first token if no thoughts are sent."""
_TURNING_EVENTS = 4
"""The number of events between the last thought and the first visible token."""


def response(parsed: ParsedRequest, reply: Reply, created: int, text: list[str]) -> dict[str, Any]:
    """Return the body of an answer that is not streamed, with these words."""
    thought, visible = text[: reply.reasoning_tokens], text[reply.reasoning_tokens :]
    items = [thinking(reply, "".join(thought))] if shows_thoughts(reply) else []
    if reply.content is None:
        items.append(message(reply, "".join(visible), "completed"))
    else:
        items += content_items(reply, reply.content, visible)
    return {
        **head(parsed, reply, created, _status(reply)),
        "output": items,
        "usage": usage(parsed, reply),
    }


def usage(parsed: ParsedRequest, reply: Reply) -> dict[str, Any]:
    """Return the usage in the responses format."""
    told = reply.usage(parsed)
    return {
        "input_tokens": told.input_tokens,
        "input_tokens_details": {"cached_tokens": told.cached_input_tokens},
        "output_tokens": told.output_tokens,
        "output_tokens_details": {"reasoning_tokens": told.reasoning_tokens},
        "total_tokens": told.input_tokens + told.output_tokens,
    }


def content_items(reply: Reply, content: Content, words: list[str]) -> list[dict[str, Any]]:
    """Return the items of an answer with special content, with these words."""
    if content.calls:
        spread = content.spread(words)
        status = _status(reply)
        return [
            call_item(reply, number, function, arguments, status if number == len(spread) - 1 else "completed")
            for number, function, arguments in spread
        ]
    item = message(reply, "".join(words), "completed")
    item["content"][0]["logprobs"] = logprobs_of(reply, content, reply.reasoning_tokens, words)
    return [item]


def call_item(reply: Reply, number: int, function: str | None, arguments: str, status: str) -> dict[str, Any]:
    """Return the item of one function call."""
    return {
        "id": f"fc_fake{reply.number:022x}{number:02x}",
        "type": "function_call",
        "status": status,
        "call_id": call_id(reply, number),
        "name": function,
        "arguments": arguments,
    }


def logprobs_of(reply: Reply, content: Content, first: int, words: list[str]) -> list[dict[str, Any]]:
    """Return the logprobs of text tokens, numbered from `first`; empty if not requested."""
    top = content.top_logprobs
    if top is None:
        return []
    return [chat_logprob(word, reply.number + first + index, top) for index, word in enumerate(words) if word]


def _status(reply: Reply) -> str:
    return "incomplete" if reply.finish_reason == "length" else "completed"


def response_id(reply: Reply) -> str:
    """Return the id of a response."""
    return f"resp_fake{reply.number:024x}"


def shows_thoughts(reply: Reply) -> bool:
    """Return whether thoughts are sent."""
    return reply.show_reasoning and reply.reasoning_tokens > 0


def head(parsed: ParsedRequest, reply: Reply, created: int, status: str) -> dict[str, Any]:
    """Return the fields of a response except output and usage."""
    incomplete = {"reason": "max_output_tokens"} if status == "incomplete" else None
    return {
        "id": response_id(reply),
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": incomplete,
        "instructions": None,
        "max_output_tokens": parsed.max_output_tokens,
        "model": reply.named or parsed.model,
        "parallel_tool_calls": True,
        "reasoning": {"effort": parsed.effort, "summary": None},
        "tool_choice": "auto",
        "tools": [],
        "temperature": 1.0,
        "top_p": 1.0,
        "metadata": {},
        **(parsed.echo or {}),
    }


def message(reply: Reply, text: str | None, status: str) -> dict[str, Any]:
    """Return the item with the text."""
    content = [] if text is None else [text_part(text)]
    name = f"msg_fake{reply.number:024x}"
    return {"id": name, "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(text: str) -> dict[str, Any]:
    """Return the content part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def thinking(reply: Reply, text: str | None) -> dict[str, Any]:
    """Return the item with the thoughts."""
    content = [] if text is None else [{"type": "reasoning_text", "text": text}]
    return {"id": f"rs_fake{reply.number:024x}", "type": "reasoning", "summary": [], "content": content}


class ResponseEvents(Events):
    """The events of one streamed answer, each with its type and sequence number."""

    def __init__(self, parsed: ParsedRequest, reply: Reply, created: int) -> None:
        self._parsed = parsed
        self._reply = reply
        self._created = created
        self._thinks = shows_thoughts(reply)
        self._index = 1 if self._thinks else 0
        self._item = f"msg_fake{reply.number:024x}"
        self._text_delta = _delta_prefix("response.output_text.delta", self._item, self._index)
        self._thought_delta = _delta_prefix("response.reasoning_text.delta", f"rs_fake{reply.number:024x}", 0)

    def opening(self) -> list[bytes]:
        body = {**head(self._parsed, self._reply, self._created, "in_progress"), "output": [], "usage": None}
        started = [("response.created", {"response": body}), ("response.in_progress", {"response": body})]
        if self._thinks:
            added = {"output_index": 0, "item": thinking(self._reply, None)}
            return numbered([*started, ("response.output_item.added", added)], 0)
        return numbered([*started, *self._message_begins()], 0)

    def token(self, token: int, word: str | None = None) -> bytes:
        made_up = JSON_WORDS[(self._reply.first_word + token * STRIDE) % len(JSON_WORDS)]
        text = made_up if word is None else encode(word)[1:-1]
        prefix = self._thought_delta if token < self._reply.reasoning_tokens else self._text_delta
        event = b'%b%b","logprobs":[],"sequence_number":%d}\n\n' % (prefix, text, self._number(token))
        if self._thinks and token == self._reply.reasoning_tokens:
            return b"".join([*self._turn(), event])
        return event

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        reply = self._reply
        text = reply.words()
        visible = "".join(text[reply.reasoning_tokens :])
        body = response(self._parsed, reply, self._created, text)
        if not with_usage:
            body["usage"] = None
        status = body["status"]
        place = {"item_id": self._item, "output_index": self._index, "content_index": 0}
        events: list[tuple[str, dict[str, Any]]] = [
            ("response.output_text.done", {**place, "text": visible, "logprobs": []}),
            ("response.content_part.done", {**place, "part": text_part(visible)}),
            ("response.output_item.done", {"output_index": self._index, "item": body["output"][-1]}),
            (f"response.{status}", {"response": body}),
        ]
        return numbered(events, self._number(reply.output_tokens))

    def _number(self, token: int) -> int:
        """Return the sequence number of the event with this token."""
        shown = token - self._reply.first_shown
        if not self._thinks:
            return _OPENING_EVENTS + shown
        return _OPENING_EVENTS - 1 + shown + (_TURNING_EVENTS if token >= self._reply.reasoning_tokens else 0)

    def _turn(self) -> list[bytes]:
        """Return the events that end the thoughts and begin the message."""
        reply = self._reply
        thought = "".join(words(reply.first_word, reply.reasoning_tokens))
        item = thinking(reply, thought)
        events: list[tuple[str, dict[str, Any]]] = [
            (
                "response.reasoning_text.done",
                {"item_id": item["id"], "output_index": 0, "content_index": 0, "text": thought},
            ),
            ("response.output_item.done", {"output_index": 0, "item": item}),
            *self._message_begins(),
        ]
        return numbered(events, self._number(reply.reasoning_tokens) - _TURNING_EVENTS)

    def _message_begins(self) -> list[tuple[str, dict[str, Any]]]:
        place = {"item_id": self._item, "output_index": self._index, "content_index": 0}
        item = message(self._reply, None, "in_progress")
        return [
            ("response.output_item.added", {"output_index": self._index, "item": item}),
            ("response.content_part.added", {**place, "part": text_part("")}),
        ]


def numbered(events: list[tuple[str, dict[str, Any]]], first: int) -> list[bytes]:
    """Render events as bytes, with sequence numbers from `first`."""
    return [
        b"event: %b\ndata: %b\n\n" % (name.encode(), encode({"type": name, **data, "sequence_number": first + index}))
        for index, (name, data) in enumerate(events)
    ]


def _delta_prefix(name: str, item: str, output_index: int) -> bytes:
    """Return a delta event up to its text."""
    place = {"type": name, "item_id": item, "output_index": output_index, "content_index": 0}
    return b'event: %b\ndata: %b,"delta":"' % (name.encode(), encode(place)[:-1])
