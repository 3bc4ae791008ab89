"""Answers that no relay should send, made of ones that relays do send: the same number makes the same answer.

They are aware of structure: what is changed is a value in the JSON, a field of an event, a line of the header or the
framing of the body, so that most of an answer is still read and the odd part of it is come to.
"""

import gzip
import json
from random import Random
from typing import Any, NamedTuple

SECRET = "sk-fuzz-0123456789abcdef"
MESSAGES = [{"role": "user", "content": "hi"}]

_USAGE = {
    "prompt_tokens": 7,
    "completion_tokens": 5,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
_RESPONSE_USAGE = {"input_tokens": 7, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}}
_ERROR = {"error": {"message": "no", "type": "server_error", "code": "500", "param": None}}
_PART = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
_DETAILS = [{"type": "reasoning.text", "text": "hm"}, {"type": "reasoning.summary", "summary": "hm"}]
_CALLS = [{"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{}"}}]
_MESSAGE_USAGE = {"input_tokens": 7, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 1, "output_tokens": 1}
_USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
_OVERLOADED = {"error": {"type": "overloaded_error", "message": "Overloaded"}}
MESSAGES_FROM = 5_000_000
"""The numbers of the cases of Anthropic's Messages API."""


def _chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


_STREAMS: dict[str, list[list[Any]]] = {
    "chat": [
        [
            _chunk({"role": "assistant", "content": ""}),
            _chunk({"reasoning_content": "hm"}),
            _chunk({"content": "hel"}),
            _chunk({"content": "lo"}),
            _chunk({}, "stop"),
            {"id": "c1", "choices": [], "usage": _USAGE},
            "[DONE]",
        ],
        [_chunk({"content": [_PART, {"type": "text", "text": "a"}], "reasoning_details": _DETAILS}), "[DONE]"],
        [_chunk({"tool_calls": _CALLS}), _chunk({}, "tool_calls", usage=_USAGE), "[DONE]"],
        [_chunk({"content": "a"}), _ERROR, "[DONE]"],
    ],
    "responses": [
        [
            {"type": "response.created", "response": {"id": "r1", "status": "in_progress", "output": []}},
            {"type": "response.reasoning_summary_text.delta", "delta": "hm"},
            {"type": "response.output_text.delta", "delta": "hello", "item_id": "i", "output_index": 0},
            {"type": "response.completed", "response": {"id": "r1", "status": "completed", "usage": _RESPONSE_USAGE}},
        ],
        [{"type": "response.failed", "response": {"id": "r1", "status": "failed", **_ERROR}}],
        [{"type": "error", "message": "no", "code": "server_error"}],
    ],
    "embeddings": [["[DONE]"]],
    "messages": [
        [
            {"type": "message_start", "message": {"id": "m1", "model": "m", "usage": _MESSAGE_USAGE}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
            {"type": "ping"},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "hello"}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
        ],
        [
            {"type": "message_start", "message": {"id": "m1", "model": "m", "usage": _MESSAGE_USAGE}},
            {"type": "content_block_start", "index": 0, "content_block": _USE},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
        ],
        [{"type": "message_start", "message": {"id": "m1"}}, {"type": "error", **_OVERLOADED}],
    ],
}
_BODIES: dict[str, list[Any]] = {
    "chat": [
        {
            "id": "c1",
            "choices": [{"index": 0, "message": {"content": "hello", "reasoning": "hm"}, "finish_reason": "stop"}],
            "usage": _USAGE,
        },
        {"id": "c1", "choices": [{"message": {"content": None, "tool_calls": _CALLS}, "finish_reason": "tool_calls"}]},
    ],
    "responses": [
        {
            "id": "r1",
            "status": "completed",
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "message", "content": [{"type": "output_text", "text": "hello"}]},
            ],
            "usage": _RESPONSE_USAGE,
            "error": None,
            "incomplete_details": None,
        }
    ],
    "embeddings": [{"data": [{"index": 0, "embedding": [0.5, -1.0]}], "usage": {"prompt_tokens": 3}}],
    "messages": [
        {
            "id": "m1",
            "type": "message",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hello"}, _USE],
            "stop_reason": "end_turn",
            "usage": _MESSAGE_USAGE,
        }
    ],
}
_ERRORS = [
    _ERROR,
    {"type": "error", **_OVERLOADED},
    {"error": "no"},
    {"detail": [{"loc": ["body", "model"], "msg": "no"}]},
    {"message": "no", "code": 429},
    {"error": {"message": f"Incorrect API key provided: {SECRET}", "code": "invalid_api_key"}},
]
_ODD: list[Any] = [
    None, True, -1, 0, 1.5, 1e308, 2**53, 2**63, 2**64, 10**400, float("nan"), float("inf"), "", " ", "null", "5",
    "\ud83d", "\x00\x1b[2J", "\u202eabc", "::error::x", "\N{GRINNING FACE}", SECRET, f"Bearer {SECRET}", "9" * 5000,
    "x" * 20_000, [], {}, [[]], [None], [1], [{}], {"a": 1}, {"text": 5}, {"type": []}, "stop", "error", "abort",
]  # fmt: skip
_KEYS = ("choices", "delta", "message", "content", "usage", "error", "id", "finish_reason", "type", "response", "code")
_DEPTHS = (50, 300, 2000)
_LABELS = ("text/event-stream", "application/json", "text/html", "", "text/event-stream; charset=utf-8")
_WAITS = ("1", "-1", "nan", "9" * 500, "Fri, 31 Dec 9999 23:59:59 GMT", "2026-01-01T00:00:00Z")
_STATUSES = (200, 200, 200, 200, 201, 204, 302, 400, 401, 404, 413, 429, 500, 502, 503, 599, 999)


class Case(NamedTuple):
    """What to ask, and the bytes of the answer."""

    endpoint: str
    stream: bool
    answer: bytes


def case(number: int) -> Case:
    """The case of that number."""
    rng = Random(f"fuzz:{number}")
    endpoint = rng.choice(("chat", "chat", "chat", "responses", "responses", "embeddings"))
    endpoint = "messages" if number >= MESSAGES_FROM else endpoint
    stream = endpoint != "embeddings" and rng.random() < 0.7
    return Case(endpoint, stream, _answer(rng, _body(rng, endpoint, stream)))


def _body(rng: Random, endpoint: str, stream: bool) -> bytes:
    if rng.random() < 0.1:
        body = _json(rng, rng.choice(_ERRORS))
    elif stream != (rng.random() < 0.05):
        body = b"".join(_event(rng, each) for each in _shuffled(rng, rng.choice(_STREAMS[endpoint])))
    else:
        body = _json(rng, rng.choice(_BODIES[endpoint]))
    return _damaged(rng, body) if rng.random() < 0.15 else body


def _shuffled(rng: Random, events: list[Any]) -> list[Any]:
    events = list(events)
    while rng.random() < 0.2:
        at = rng.randrange(len(events) + 1)
        match rng.randrange(3):
            case 0:
                events.insert(at, rng.choice([*events, "[DONE]", "", _ERROR]))
            case 1 if len(events) > 1:
                del events[at - 1]
            case _:
                rng.shuffle(events)
    return events


def _event(rng: Random, value: Any) -> bytes:
    data = value.encode() if isinstance(value, str) else _json(rng, value)
    end = rng.choice((b"\n", b"\n", b"\n", b"\r\n", b"\r"))
    field = rng.choice((b"data: ", b"data: ", b"data: ", b"data:", b"error: ", b"data"))
    named = rng.choice((b"", b"", b"", b"event: error" + end, b"event: message" + end, b": hm" + end, b"id: 1" + end))
    lines = data.split(b",") if rng.random() < 0.03 else [data]
    return named + b"".join(field + line + end for line in lines) + (end if rng.random() < 0.97 else b"")


def _json(rng: Random, value: Any) -> bytes:
    changes = rng.choice((0, 1, 1, 1, 2, 5))
    for _ in range(changes):
        value = _changed(rng, value)
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.02:
        depth = rng.choice(_DEPTHS)
        text = text.replace("null", "[" * depth + "]" * depth, 1)
    return text.encode("utf-8", "surrogatepass")


def _changed(rng: Random, value: Any) -> Any:
    """The value with something else at one place of it."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {**{name: each for name, each in value.items() if name != key}, rng.choice(_KEYS): value[key]}
        return {**value, key: _changed(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        changed = [] if rng.random() < 0.2 else [_changed(rng, value[at])] * rng.choice((1, 1, 2))
        return [*value[:at], *changed, *value[at + 1 :]]
    return rng.choice(_ODD)


def _damaged(rng: Random, data: bytes) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    match rng.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        case 2:
            return data[:at] + rng.randbytes(rng.randrange(20)) + data[at:]
    return data[:at] + data[at // 2 :]


def _answer(rng: Random, body: bytes) -> bytes:
    status = rng.choice(_STATUSES)
    fields = [f"content-type: {rng.choice(_LABELS)}", *_odd_fields(rng)]
    if rng.random() < 0.1:
        fields.append(f"content-encoding: {rng.choice(('gzip', 'deflate', 'br', 'identity', 'x'))}")
        body = gzip.compress(body, mtime=0) if rng.random() < 0.7 else body
    match rng.randrange(3):
        case 0:
            fields.append(f"content-length: {len(body)}")
        case 1:
            fields.append("transfer-encoding: chunked")
            body = _chunked(rng, body)
    end = rng.choice(("\r\n", "\r\n", "\r\n", "\n"))
    head = end.join([f"HTTP/1.1 {status}{rng.choice((' OK', ' ', ''))}", *fields, "", ""]).encode("latin-1")
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" * (rng.random() < 0.03)
    answer = interim + head + body
    return _damaged(rng, answer) if rng.random() < 0.05 else answer


def _odd_fields(rng: Random) -> list[str]:
    odd = [
        f"x-request-id: {rng.choice(('r1', '', SECRET, 'i' * 5000, chr(27) + '[2J'))}",
        f"retry-after: {rng.choice(_WAITS)}",
        f"ratelimit: {rng.choice(('default;r=0;t=30', 'limit=1, remaining=0, reset=5', '=;=', ';' * 500))}",
        f"x-ratelimit-remaining-requests: {rng.choice(('0', '-5', '9' * 400, 'x'))}",
        f"x-ratelimit-reset-requests: {rng.choice(('1s', '1e308s', 'NaN', '9' * 400 + 'm', '2026-01-01'))}",
        "x-folded: a\r\n b",
    ]
    return rng.sample(odd, rng.choice((0, 0, 1, 3)))


def _chunked(rng: Random, body: bytes) -> bytes:
    pieces = []
    while body:
        size = rng.choice((1, 3, 20, 200, 5000))
        pieces.append(b"%x\r\n%b\r\n" % (len(body[:size]), body[:size]))
        body = body[size:]
    return b"".join(pieces) + (b"0\r\n\r\n" if rng.random() < 0.95 else b"")
