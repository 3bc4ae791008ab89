"""The events of a response with special content: function calls, JSON, or text with logprobs."""

from typing import Any

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.content import Content, TokenPosition
from relayload.fakerelay.events import Events
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.responses import (
    ResponseEvents,
    call_item,
    content_items,
    head,
    logprobs_of,
    message,
    numbered,
    response,
    shows_thoughts,
    text_part,
    thinking,
)

_Event = tuple[str, dict[str, Any]]


def response_events(parsed: ParsedRequest, reply: Reply, created: int) -> Events:
    """Return the events of an answer, with or without special content."""
    if reply.content is None:
        return ResponseEvents(parsed, reply, created)
    return ContentResponseEvents(parsed, reply, created, reply.content)


class ContentResponseEvents(Events):
    """Renders all events in advance, numbered in order. The last event of each token contains its text."""

    def __init__(self, parsed: ParsedRequest, reply: Reply, created: int, content: Content) -> None:
        self._parsed = parsed
        self._reply = reply
        self._created = created
        self._content = content
        self._thinks = shows_thoughts(reply)
        self._words = reply.words()
        self._items = content_items(reply, content, self._words[reply.reasoning_tokens :])
        body = {**head(parsed, reply, created, "in_progress"), "output": [], "usage": None}
        self._opening: list[_Event] = [
            ("response.created", {"response": body}),
            ("response.in_progress", {"response": body}),
        ]
        self._tokens = self._all_tokens()
        self._starts = self._numbers()

    def opening(self) -> list[bytes]:
        return numbered(self._opening, 0)

    def token(self, token: int, word: str | None = None) -> bytes:
        events = self._tokens[token - self._reply.first_shown]
        if word is not None:
            name, data = events[-1]
            events = [*events[:-1], (name, {**data, "delta": word})]
        return b"".join(numbered(events, self._starts[token - self._reply.first_shown]))

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        body = response(self._parsed, self._reply, self._created, self._words)
        if not with_usage:
            body["usage"] = None
        last = self._content.positions[-1]
        ends = [*self._end_of(last), (f"response.{body['status']}", {"response": body})]
        return numbered(ends, self._starts[-1])

    def _all_tokens(self) -> list[list[_Event]]:
        """Return the events of each token that is sent."""
        reply = self._reply
        thoughts = self._words[: reply.reasoning_tokens] if self._thinks else []
        tokens = [[_thought_delta(reply, word)] for word in thoughts]
        if tokens:
            tokens[0].insert(0, ("response.output_item.added", {"output_index": 0, "item": thinking(reply, None)}))
        before: TokenPosition | None = None
        for index, position in enumerate(self._content.positions):
            events: list[_Event] = []
            if position.is_first:
                events += self._thoughts_end("".join(thoughts)) if before is None else self._end_of(before)
                events += self._begin_of(position)
            tokens.append([*events, self._delta(position, reply.reasoning_tokens + index)])
            before = position
        return tokens

    def _numbers(self) -> list[int]:
        """Return the sequence number of each token's first event, and of the first event after all tokens."""
        numbers = [len(self._opening)]
        for events in self._tokens:
            numbers.append(numbers[-1] + len(events))
        return numbers

    def _thoughts_end(self, text: str) -> list[_Event]:
        if not self._thinks:
            return []
        item = thinking(self._reply, text)
        where = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        return [
            ("response.reasoning_text.done", {**where, "text": text}),
            ("response.output_item.done", {"output_index": 0, "item": item}),
        ]

    def _begin_of(self, position: TokenPosition) -> list[_Event]:
        index = self._index(position)
        if position.function is not None:
            item = call_item(self._reply, position.segment, position.function, "", "in_progress")
            return [("response.output_item.added", {"output_index": index, "item": item})]
        item = message(self._reply, None, "in_progress")
        where = {"item_id": item["id"], "output_index": index, "content_index": 0}
        return [
            ("response.output_item.added", {"output_index": index, "item": item}),
            ("response.content_part.added", {**where, "part": text_part("")}),
        ]

    def _delta(self, position: TokenPosition, token: int) -> _Event:
        where = {"item_id": self._items[position.segment]["id"], "output_index": self._index(position)}
        if position.function is not None:
            return "response.function_call_arguments.delta", {**where, "delta": position.text}
        logprobs = logprobs_of(self._reply, self._content, token, [position.text])
        return "response.output_text.delta", {**where, "content_index": 0, "delta": position.text, "logprobs": logprobs}

    def _end_of(self, position: TokenPosition) -> list[_Event]:
        item, index = self._items[position.segment], self._index(position)
        where = {"item_id": item["id"], "output_index": index}
        if position.function is not None:
            about = {**where, "name": position.function, "arguments": item["arguments"]}
            done = [("response.function_call_arguments.done", about)]
        else:
            part = item["content"][0]
            where["content_index"] = 0
            done = [
                ("response.output_text.done", {**where, "text": part["text"], "logprobs": part["logprobs"]}),
                ("response.content_part.done", {**where, "part": part}),
            ]
        return [*done, ("response.output_item.done", {"output_index": index, "item": item})]

    def _index(self, position: TokenPosition) -> int:
        """Return the index among the items of the answer."""
        return position.segment + self._thinks


def _thought_delta(reply: Reply, word: str) -> _Event:
    where = {"item_id": f"rs_fake{reply.number:024x}", "output_index": 0, "content_index": 0}
    return "response.reasoning_text.delta", {**where, "delta": word, "logprobs": []}
