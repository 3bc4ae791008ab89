"""Whatever stands at whatever place of a message: it is read, or malformed."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.wire.answers import MalformedAnswer, WholeAnswer
from relayload.core.wire.chat import chat_request, read_chat_event, read_completion
from relayload.core.wire.embeddings import embeddings_request, read_embeddings, vectors
from relayload.core.wire.faults import fault_of_body
from relayload.core.wire.lenient import parse_loosely
from relayload.core.wire.request import RelayFault
from relayload.core.wire.responses import read_response, read_response_event, responses_request

READERS: dict[str, Callable[[bytes], Any]] = {
    "chat event": lambda data: read_chat_event(data, b""),
    "chat error event": lambda data: read_chat_event(data, b"error"),
    "completion": lambda data: read_completion(data, chat_request("m", [])),
    "response event": lambda data: read_response_event(data, b""),
    "response error event": lambda data: read_response_event(data, b"error"),
    "response": lambda data: read_response(data, responses_request("m", "a")),
    "embeddings": lambda data: read_embeddings(data, embeddings_request("m", ["a"])),
    "vectors": vectors,
    "fault": fault_of_body,
}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}}
ERROR = {"message": "m", "type": "t", "code": "c"}
PART = {"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}
CALL = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
SAID = {
    "content": [PART, {"type": "text", "text": "a"}],
    "reasoning_details": [{"type": "reasoning.summary", "summary": "s"}],
    "reasoning": "h",
    "thinking_blocks": [PART],
    "tool_calls": [CALL],
    "audio": {"data": "AA"},
    "refusal": "no",
}
MESSAGES: list[dict[str, Any]] = [
    {"id": "c1", "choices": [{"index": 0, "delta": SAID, "finish_reason": "stop", "usage": USAGE}], "usage": USAGE},
    {"id": "c1", "choices": [{"index": 0, "message": SAID, "finish_reason": "stop"}], "x_groq": {"usage": USAGE}},
    {"choices": [{"error": ERROR}]},
    {"error": ERROR, "code": 7, "message": "m", "error_code": 1, "error_msg": "m"},
    {"base_resp": {"status_code": 1008, "status_msg": "m"}, "detail": [{"loc": ["a"]}]},
    {"type": "response.output_text.delta", "delta": "a"},
    {"type": "response.completed", "response": {"id": "r1", "status": "completed", "usage": USAGE, "error": ERROR}},
    {
        "id": "r1",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "a"}]}],
        "usage": {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 1}},
    },
    {"data": [{"index": 0, "embedding": [1.0, 2.0]}], "usage": USAGE},
]
ODD = [
    b"null", b"true", b"-1", b"0", b"1.5", b"1e999", b"NaN", b"-Infinity", b"9" * 400, b"9" * 5_000, b'""', b'" "',
    b'"\\ud83d"', b'"\xff"', b'"' + b"9" * 5_000 + b'"', b"[]", b"{}", b"[[]]", b"[null]", b'{"type":{}}',
    b'[{"text":[]}]', b"[" * 200 + b"]" * 200, b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
]  # fmt: skip


def _with_odd(value: Any) -> Iterator[Any]:
    """The value with a mark in place of each of its parts."""
    yield MARK
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        for changed in _with_odd(part):
            copy = value.copy()
            copy[key] = changed
            yield copy


MARK = "\N{SNOWMAN}"


@pytest.mark.parametrize("name", READERS)
def test_nothing_at_any_place_of_any_message_raises_more_than_malformed(name):
    read = READERS[name]
    for message in MESSAGES:
        for changed in _with_odd(message):
            text = json.dumps(changed, ensure_ascii=False).encode()
            for odd in ODD:
                with suppress(MalformedAnswer):
                    _check(read(text.replace(b'"' + MARK.encode() + b'"', odd)))


def _check(told: Any) -> None:
    """Every text can be written down, and every count is one."""
    fault = told if isinstance(told, RelayFault) else getattr(told, "fault", None)
    told_texts = [getattr(told, "finish_reason", None), getattr(told, "answer_id", None)]
    for text in (*told_texts, *((fault.message, fault.type, fault.code) if fault else ())):
        assert text is None or text.encode().decode() == text
    if isinstance(told, WholeAnswer):
        assert told.text.encode().decode() == told.text
    for count in getattr(told, "tokens", None) or ():
        assert count is None or (type(count) is int and 0 <= count <= 2**40)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=4),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(sorted({*SAID, *USAGE, *ERROR})), each),
    max_leaves=8,
)


@pytest.mark.parametrize("name", READERS)
@given(st.data())
def test_any_value_is_read_or_malformed(name, data):
    message = data.draw(st.sampled_from(MESSAGES)) | data.draw(
        st.dictionaries(st.sampled_from(sorted({key for each in MESSAGES for key in each})), _JSON, max_size=3)
    )
    with suppress(MalformedAnswer):
        READERS[name](json.dumps(message).encode())


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\xef\xbb\xbf{}", {}),
        (b"[Infinity, -Infinity]", [float("inf"), float("-inf")]),
        (b"9" * 401, "9" * 401),
        (b'"\xff"', "\udcff"),
        (b'"\\ud83d"', "\ud83d"),
    ],
)
def test_json_is_read_for_what_it_says(data, value):
    assert parse_loosely(data) == value


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b'{"a" 1}'])
def test_what_is_no_json_is_malformed(data):
    with pytest.raises(MalformedAnswer):
        parse_loosely(data)
