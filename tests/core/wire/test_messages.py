import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import present

from relayload.core.stats.histogram import bucket
from relayload.core.wire.answers import AnswerFlaw, MalformedAnswer, Tokens, WholeAnswer
from relayload.core.wire.form import Form
from relayload.core.wire.messages import MAX_TOKENS, messages_request, read_message, read_message_event
from relayload.core.wire.request import Endpoint, RelayFault
from relayload.core.wire.stream import StreamFlaw, TokenStream

REQUEST = messages_request("claude", [{"role": "user", "content": "hi"}], stream=False)
START_USAGE = {"input_tokens": 3, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 100, "output_tokens": 1}


def event(kind, **fields):
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields)}\n\n".encode()


def started(usage=START_USAGE):
    return event("message_start", message={"id": "msg_1", "type": "message", "content": [], "usage": usage})


def delta(index=0, **fields):
    return event("content_block_delta", index=index, delta=fields)


def text(value):
    return delta(type="text_delta", text=value)


def ended(reason="end_turn", **usage):
    return event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 9} | usage)


STOP = event("message_stop")


def stream_of(*arrivals):
    stream = TokenStream(Endpoint.MESSAGES, bucket, keep_text=True)
    for at_s, data in arrivals:
        stream.feed(data, at_s)
    stream.end(arrivals[-1][0])
    return stream


def at_once(*events):
    return stream_of(*((0.1 * number, data) for number, data in enumerate(events)))


def test_a_stream_is_measured_by_its_deltas() -> None:
    stream = stream_of(
        (0.1, started()),
        (0.1, event("content_block_start", index=0, content_block={"type": "text", "text": ""})),
        (0.2, event("ping")),
        (0.5, text("Hel")),
        (0.7, text("lo")),
        (0.8, event("content_block_stop", index=0)),
        (0.9, ended()),
        (0.9, STOP),
    )
    assert (stream.first_token_at_s, stream.last_token_at_s, stream.chunks) == (0.5, 0.7, 2)
    assert (stream.text, stream.finish_reason, stream.answer_id) == ("Hello", "end_turn", "msg_1")
    assert (stream.flaw, stream.done_at_s) == (None, 0.9)


def test_the_input_includes_what_is_cached() -> None:
    assert at_once(started(), text("a"), ended(), STOP).tokens == Tokens(input=123, cached_input=100, output=9)


@pytest.mark.parametrize(
    ("start", "last", "tokens"),
    [
        ({"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 7}, Tokens(input=7, output=9)),
        # the last event repeats the input, with or without its cached part
        (START_USAGE, {"input_tokens": 3}, Tokens(input=123, cached_input=100, output=9)),
        (START_USAGE, START_USAGE | {"output_tokens": 9}, Tokens(input=123, cached_input=100, output=9)),
        ({}, {"prompt_tokens": 7, "completion_tokens": 9}, Tokens(input=7, output=9)),
    ],
)
def test_the_input_is_found_in_either_event(start: dict, last: dict, tokens: Tokens) -> None:
    assert at_once(started(start), text("a"), ended(**last), STOP).tokens == tokens


def test_a_stream_that_breaks_off_has_no_output_tokens() -> None:
    stream = at_once(started(), text("a"), text("b"))
    assert (stream.flaw, stream.tokens) == (StreamFlaw.NO_FINISH, Tokens(input=123, cached_input=100))


def test_thinking_counts_as_a_token_that_is_not_visible() -> None:
    stream = stream_of(
        (0.1, event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""})),
        (0.2, delta(type="thinking_delta", thinking="hm")),
        (0.3, delta(type="signature_delta", signature="abc")),
        (0.4, text("a")),
        (0.5, ended()),
    )
    assert (stream.first_token_at_s, stream.first_visible_at_s, stream.chunks) == (0.2, 0.4, 2)
    assert (stream.thought_bytes, stream.text) == (2, "a")


@pytest.mark.parametrize(
    "block",
    [{"type": "thinking", "thinking": "", "signature": ""}, {"type": "redacted_thinking", "data": "abc"}],
)
def test_of_hidden_thinking_the_streamed_tokens_are_unknown(block: dict) -> None:
    stream = at_once(event("content_block_start", index=0, content_block=block), text("a"), ended())
    assert (stream.summarised, stream.chunks) == (True, 1)


def test_a_call_is_a_token_by_its_name_and_by_its_arguments() -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
    stream = at_once(
        event("content_block_start", index=0, content_block=block),
        delta(type="input_json_delta", partial_json=""),
        delta(type="input_json_delta", partial_json='{"a"'),
        delta(type="input_json_delta", partial_json=":1}"),
        ended("tool_use"),
    )
    assert (stream.chunks, stream.first_visible_at_s, stream.finish_reason) == (3, None, "tool_use")


@pytest.mark.parametrize(
    ("kind", "code"),
    [("overloaded_error", "529"), ("rate_limit_error", "429"), ("api_error", "500"), ("billing_error", "402")],
)
def test_an_error_in_a_stream_has_the_status_of_its_type(kind: str, code: str) -> None:
    stream = at_once(started(), text("a"), event("error", error={"type": kind, "message": "Overloaded"}))
    assert (stream.flaw, stream.fault) == (StreamFlaw.ERROR_EVENT, RelayFault("Overloaded", kind, code))


def test_an_error_needs_no_name_of_its_event() -> None:
    data = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    read = read_message_event(data, b"")
    assert read is not None
    assert read.fault == RelayFault("Overloaded", "overloaded_error", "529")


def test_the_last_event_of_other_apis_is_ignored() -> None:
    assert at_once(text("a"), ended(), STOP, b"data: [DONE]\n\n").flaw is None


def whole(**fields):
    body = {"id": "msg_1", "type": "message", "stop_reason": "end_turn", "usage": START_USAGE | {"output_tokens": 2}}
    return read_message(json.dumps(body | fields).encode(), REQUEST)


def test_a_whole_answer_has_the_text_of_all_its_blocks() -> None:
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert whole(content=blocks) == WholeAnswer(
        tokens=Tokens(input=123, cached_input=100, output=2), finish_reason="end_turn", answer_id="msg_1", text="ab"
    )


def test_an_empty_answer_that_ended_in_order_is_one() -> None:
    assert whole(content=[]).flaw is None
    assert whole(content=[], stop_reason=None).flaw is AnswerFlaw.NO_OUTPUT


def test_an_error_body_is_read_whatever_its_status() -> None:
    answer = whole(type="error", error={"type": "not_found_error", "message": "model: x"})
    assert (answer.flaw, answer.fault) == (AnswerFlaw.ERROR_BODY, RelayFault("model: x", "not_found_error", "404"))


def test_no_output_in_the_usage_of_an_answer_with_text_is_no_count() -> None:
    answer = whole(content=[{"type": "text", "text": "a"}], usage={"input_tokens": 1, "output_tokens": 0})
    assert (answer.zero_usage, answer.tokens) == (True, Tokens(input=1))


def test_our_words_become_theirs() -> None:
    request = messages_request(
        "claude",
        [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        max_output_tokens=9,
        temperature=0.0,
        reasoning_effort="high",
        extra={"top_k": 3},
    )
    assert (request.path, request.stream, request.endpoint.headers) == (
        "/messages",
        True,
        {"anthropic-version": "2023-06-01"},
    )
    assert request.body == {
        "model": "claude",
        "max_tokens": 9,
        "system": "be brief",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.0,
        "output_config": {"effort": "high"},
        "stream": True,
        "top_k": 3,
    }


def test_a_request_always_has_a_budget_unless_a_target_wants_none() -> None:
    assert messages_request("m", []).body["max_tokens"] == MAX_TOKENS
    assert "max_tokens" not in messages_request("m", [], form=Form("none")).body


def test_a_conversation_keeps_its_system_prompt() -> None:
    first = messages_request("m", [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}])
    later = [*first.messages, {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    assert messages_request("m", later).body["system"] == "be brief"
    assert len(messages_request("m", later).body["messages"]) == 3


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with suppress(MalformedAnswer):
        read_message_event(data, b"")
    with suppress(MalformedAnswer):
        read_message(data, REQUEST)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "delta",
                    "text",
                    "index",
                    "usage",
                    "message",
                    "content",
                    "content_block",
                    "thinking",
                    "error",
                    "id",
                    "input_tokens",
                    "stop_reason",
                    "partial_json",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KINDS = st.sampled_from(["message_start", "content_block_start", "content_block_delta", "message_delta", "error", "x"])


@given(JSON, KINDS)
def test_no_json_raises_anything_else(value: object, kind: str) -> None:
    fields = value if isinstance(value, dict) else {"delta": value, "message": value, "content_block": value}
    data = json.dumps(fields | {"type": kind}).encode()
    with suppress(MalformedAnswer):
        read_message_event(data, b"")
    with suppress(MalformedAnswer):
        read_message(json.dumps(fields).encode(), REQUEST)


@pytest.mark.parametrize("given", ["\ud83d", {"\ud83d": 1}, {"n": 10**40}])
def test_arguments_that_are_no_text_of_unicode_are_a_call(given: object) -> None:
    block = {"type": "tool_use", "name": "f", "input": given}
    found = read_message(json.dumps({"content": [block], "stop_reason": "tool_use"}).encode(), REQUEST)
    assert [json.loads(part.arguments) for part in found.calls] == [given]
    data = json.dumps({"type": "content_block_start", "index": 0, "content_block": block}).encode()
    (part,) = present(read_message_event(data, b"")).calls
    assert json.loads(part.arguments) == given


def test_a_usage_with_a_name_that_is_no_text_of_unicode_is_read_but_for_that() -> None:
    usage = {"in\udcccput_tokens": 7, "input_tokens": 3}
    data = json.dumps({"type": "message_start", "message": {"usage": usage}}).encode()
    assert present(read_message_event(data, b"")).tokens == Tokens(3)
