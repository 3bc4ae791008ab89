import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.stats.histogram import bucket
from relayload.core.wire.chat import chat_request, read_completion
from relayload.core.wire.chat_calls import call_parts
from relayload.core.wire.messages import read_message
from relayload.core.wire.request import Endpoint
from relayload.core.wire.response_limits import ResponseLimits, TooLarge
from relayload.core.wire.responses import read_response
from relayload.core.wire.stream import StreamFlaw, TokenStream
from relayload.core.wire.tool_calls import CallCounts, CallPart, ToolCalls

REQUEST = chat_request("o3", [])


def counts(*parts: CallPart, **more: bool) -> CallCounts:
    calls = ToolCalls()
    calls.add(parts)
    return calls.counts(**more)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([CallPart(0, "f", ""), CallPart(0, "", '{"a"'), CallPart(0, "", ": 1}")], (1, 1)),
        ([CallPart(0, "f", "{}"), CallPart(1, "g", "{}"), CallPart(0, "", "")], (2, 2)),
        ([CallPart(0, "f", '{"a"'), CallPart(1, "g", "{}"), CallPart(0, "", ": 1}")], (2, 2)),  # interleaved
        ([CallPart(0, "f", "{}"), CallPart(None, "", " ")], (1, 1)),
        ([CallPart(0, "f", '{"a": 1')], (1, 0)),
        ([CallPart(0, "f", "{}{}")], (1, 0)),
        ([CallPart(0, "f", "[1]")], (1, 0)),
        ([CallPart(0, "f", "")], (1, 0)),
        ([CallPart(0, "", "{}")], (1, 0)),
        ([CallPart(0, "shell", "ls -l", is_free=True)], (1, 1)),
        ([], (0, 0)),
    ],
)
def test_calls_are_put_together_and_parsed(parts: list[CallPart], expected: tuple[int, int]) -> None:
    assert counts(*parts) == expected


def test_empty_arguments_are_an_object_where_the_api_says_so() -> None:
    assert counts(CallPart(0, "f"), empty_is_valid=True) == (1, 1)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), st.lists(st.integers(0, 400)))
def test_arguments_parse_however_they_are_cut(arguments: dict[str, Any], cuts: list[int]) -> None:
    text = json.dumps(arguments, ensure_ascii=False)
    ends = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    parts = [CallPart(0, "", text[low:high]) for low, high in pairwise(ends)]
    assert counts(CallPart(0, "f"), *parts) == (1, 1)


def stream_of(endpoint: Endpoint, *events: dict[str, Any], **more: Any) -> TokenStream:
    stream = TokenStream(endpoint, bucket, **more)
    for number, event in enumerate(events):
        stream.feed(f"data: {json.dumps(event)}\n\n".encode(), 0.1 * number)
    stream.end(1.0)
    return stream


def call_delta(*calls: dict[str, Any], choice: int = 0, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": choice, "delta": {"tool_calls": list(calls)}, "finish_reason": reason}]}


def function(index: int | None, name: str | None = None, arguments: str = "", **more: Any) -> dict[str, Any]:
    numbered = {} if index is None else {"index": index}
    return {**numbered, **more, "function": {"name": name, "arguments": arguments}}


def chat_counts(*events: dict[str, Any]) -> CallCounts:
    calls = stream_of(Endpoint.CHAT, *events).calls
    assert calls is not None
    return calls.counts()


def test_calls_of_a_chat_come_in_deltas() -> None:
    assert chat_counts(
        call_delta(function(0, "f", id="a")),
        call_delta(function(0, arguments='{"a":')),
        call_delta(function(1, "g", '{"b', id="b"), function(0, arguments="1}")),
        call_delta(function(1, arguments='": 2}'), reason="tool_calls"),
    ) == (2, 2)


def test_calls_without_numbers_are_told_apart_by_their_ids() -> None:
    assert chat_counts(
        call_delta(function(None, "f", '{"a":', id="a")),
        call_delta(function(None, arguments="1}")),
        call_delta(function(None, "f", "{}", id="b")),
    ) == (2, 2)


@pytest.mark.parametrize("given", [{"\ud83d": 1}, {"n": 10**40}])
def test_arguments_that_are_no_text_of_unicode_are_a_call(given: dict[str, Any]) -> None:
    (part,) = call_parts([{"index": 0, "function": {"name": "f", "arguments": given}}], None, 0)
    assert json.loads(part.arguments) == given


@pytest.mark.parametrize("index", [{"a": 1}, [None], "0", None])
def test_a_choice_without_a_number_is_the_first(index: Any) -> None:
    parts = call_parts([function(0, "f", "{}")], {"name": "g"}, index)
    assert [part.place for part in parts] == [(0, 0), (0, None)]


def test_each_choice_has_calls_of_its_own() -> None:
    assert chat_counts(
        call_delta(function(0, "f", '{"a":')),
        call_delta(function(0, "f", '{"a":'), choice=1),
        call_delta(function(0, arguments="1}")),
        call_delta(function(0, arguments="1"), choice=1),
    ) == (2, 1)


@pytest.mark.parametrize("message", [{"content": None}, {"content": "wait"}])
def test_calls_of_a_whole_chat_are_read_beside_a_text(message: dict[str, Any]) -> None:
    calls = [function(None, "f", "{}", id="a"), function(None, "g", "{", id="b")]
    choice = {"index": 0, "message": message | {"tool_calls": calls}, "finish_reason": "tool_calls"}
    answer = read_completion(json.dumps({"choices": [choice]}).encode(), REQUEST)
    assert counts(*answer.calls) == (2, 1)


def test_calls_of_a_response_are_whole_at_their_end() -> None:
    item = {"type": "function_call", "name": "f", "arguments": '{"a": 1}'}
    stream = stream_of(
        Endpoint.RESPONSES,
        {"type": "response.output_item.added", "output_index": 0, "item": item | {"arguments": ""}},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"a": 1}'},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 1, "item": {"type": "message", "content": []}},
    )
    assert stream.calls is not None
    assert (stream.calls.counts(), stream.chunks) == ((1, 1), 1)
    whole = read_response(json.dumps({"output": [item, item | {"arguments": "{"}]}).encode(), REQUEST)
    assert counts(*whole.calls) == (2, 1)


def test_calls_of_a_message_come_as_blocks() -> None:
    block = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    delta = {"type": "input_json_delta"}
    stream = stream_of(
        Endpoint.MESSAGES,
        {"type": "content_block_start", "index": 1, "content_block": block},
        {"type": "content_block_delta", "index": 1, "delta": delta | {"partial_json": '{"a"'}},
        {"type": "content_block_delta", "index": 1, "delta": delta | {"partial_json": ": 1}"}},
        {"type": "content_block_start", "index": 2, "content_block": block},
        {"type": "content_block_start", "index": 3, "content_block": block},
        {"type": "content_block_delta", "index": 3, "delta": delta | {"partial_json": "{"}},
    )
    assert stream.calls is not None
    assert stream.calls.counts(empty_is_valid=True) == (3, 2)
    whole = read_message(json.dumps({"content": [block, block | {"input": {"a": 1}}]}).encode(), REQUEST)
    assert counts(*whole.calls, empty_is_valid=True) == (2, 2)


def test_what_calls_take_is_bounded() -> None:
    parts = [call_delta(function(number, "f")) for number in range(10)]
    with pytest.raises(TooLarge):
        stream_of(Endpoint.CHAT, *parts, limits=ResponseLimits(body_bytes=1000))


def text_delta(index: int, content: str, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": {"content": content}, "finish_reason": reason}]}


def test_choices_are_put_together_apart() -> None:
    stream = stream_of(
        Endpoint.CHAT,
        text_delta(0, "a"),
        text_delta(1, "x"),
        text_delta(2, "1"),
        text_delta(1, "y", "stop"),
        text_delta(0, "b", "stop"),
        text_delta(2, "2", "stop"),
        keep_text=True,
    )
    assert (stream.text, stream.other_texts, stream.flaw, stream.chunks) == ("ab", ("xy", "12"), None, 6)


def test_a_stream_in_which_one_choice_does_not_end_is_broken() -> None:
    stream = stream_of(Endpoint.CHAT, text_delta(0, "a", "stop"), text_delta(1, "x"))
    assert stream.flaw is StreamFlaw.NO_FINISH


def test_the_usage_of_several_choices_counts_once() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 4}}
    stream = stream_of(Endpoint.CHAT, text_delta(0, "a", "stop"), text_delta(1, "x", "stop"), usage)
    assert (stream.tokens.input, stream.tokens.output) == (5, 4)
