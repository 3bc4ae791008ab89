import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.stats.histogram import bucket
from relayload.core.wire.answers import AnswerFlaw, MalformedAnswer, Tokens, WholeAnswer
from relayload.core.wire.request import Endpoint, RelayFault
from relayload.core.wire.responses import read_response, read_response_event, responses_request
from relayload.core.wire.stream import StreamFlaw, TokenStream

USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 8},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
}
TOKENS = Tokens(input=11, cached_input=8, output=5, reasoning=2)
REQUEST = responses_request("o3", "hi", stream=False)


def event(kind, **fields):
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields)}\n\n".encode()


def final(kind="response.completed", **fields):
    return event(kind, response={"id": "resp_1", "status": kind.partition(".")[2], "usage": USAGE} | fields)


def content(text):
    return event("response.output_text.delta", item_id="m", delta=text, logprobs=[])


def stream_of(*arrivals):
    stream = TokenStream(Endpoint.RESPONSES, bucket, keep_text=True)
    for at_s, data in arrivals:
        stream.feed(data, at_s)
    stream.end(arrivals[-1][0])
    return stream


def test_our_words_become_theirs():
    request = responses_request(
        "o3",
        [{"role": "user", "content": "hi"}],
        max_output_tokens=9,
        temperature=0.0,
        reasoning_effort="high",
        extra={"store": False},
        headers={"x-tenant": "a"},
    )
    assert (request.path, request.stream, request.headers) == ("/responses", True, {"x-tenant": "a"})
    assert request.body == {
        "model": "o3",
        "input": [{"role": "user", "content": "hi"}],
        "max_output_tokens": 9,
        "temperature": 0.0,
        "reasoning": {"effort": "high"},
        "stream": True,
        "store": False,
    }


def test_a_plain_request_says_nothing_about_streams():
    assert REQUEST.body == {"model": "o3", "input": "hi"}
    assert not REQUEST.stream


def test_a_stream_is_timed_from_its_first_token_to_its_final_event():
    stream = stream_of(
        (1.0, event("response.created", response={"id": "resp_1", "status": "in_progress", "usage": None})),
        (1.5, content("")),
        (2.0, event("response.reasoning_summary_text.delta", delta="hm")),
        (2.5, content("a")),
        (3.0, content("b")),
        (3.0, event("response.output_text.done", text="ab")),
        (4.0, final()),
    )
    assert (stream.first_token_at_s, stream.first_visible_at_s, stream.last_token_at_s) == (2.0, 2.5, 3.0)
    assert (stream.chunks, stream.text, stream.gap_counts) == (3, "ab", {bucket(0.5): 2})
    assert (stream.tokens, stream.answer_id, stream.finish_reason) == (TOKENS, "resp_1", "completed")
    assert (stream.flaw, stream.done_at_s) == (None, 4.0)


@pytest.mark.parametrize(
    ("kind", "summarised"),
    [
        ("response.reasoning_text.delta", False),
        ("response.reasoning.delta", False),
        ("response.reasoning_content.delta", False),
        ("response.reasoning_summary_text.delta", True),
        ("response.reasoning_summary.delta", True),
    ],
)
@pytest.mark.parametrize("delta", ["h\u00fc", {"text": "h\u00fc"}])
def test_thoughts_are_measured(kind, summarised, delta):
    stream = stream_of((1.0, event(kind, delta=delta)), (2.0, content("a")), (3.0, final()))
    assert (stream.first_token_at_s, stream.first_visible_at_s, stream.chunks) == (1.0, 2.0, 2)
    assert (stream.thought_bytes, stream.summarised) == (3, summarised)


def test_sound_is_no_text():
    stream = stream_of((1.0, event("response.output_audio.delta", delta="AbC")), (2.0, final()))
    assert (stream.first_visible_at_s, stream.text) == (1.0, "")


@pytest.mark.parametrize(
    ("kind", "visible_at_s"),
    [
        ("response.output_text.delta", 1.0),
        ("response.refusal.delta", 1.0),
        ("response.reasoning_text.delta", None),
        ("response.reasoning_summary_text.delta", None),
        ("response.function_call_arguments.delta", None),
        ("response.custom_tool_call_input.delta", None),
    ],
)
def test_every_delta_is_a_token_unless_it_is_empty(kind, visible_at_s):
    stream = stream_of((0.5, event(kind, delta="")), (1.0, event(kind, delta="x")), (2.0, final()))
    assert (stream.chunks, stream.first_token_at_s, stream.first_visible_at_s) == (1, 1.0, visible_at_s)


def test_an_answer_cut_by_its_budget_is_whole_and_says_why():
    stream = stream_of(
        (1.0, content("a")), (2.0, final("response.incomplete", incomplete_details={"reason": "max_output_tokens"}))
    )
    assert (stream.flaw, stream.finish_reason, stream.tokens) == (None, "max_output_tokens", TOKENS)


@pytest.mark.parametrize("ending", [b"", b"data: [DONE]\n\n", event("response.output_text.done", text="a")])
def test_without_a_final_event_the_stream_is_broken(ending):
    stream = stream_of((1.0, content("a")), (2.0, ending))
    assert (stream.flaw, stream.finished) == (StreamFlaw.NO_FINISH, False)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (
            final("response.failed", error={"code": "server_error", "message": "m"}),
            RelayFault("m", None, "server_error"),
        ),
        (event("response.failed", response=None), RelayFault()),
        (event("error", message="m", code="c", param=None), RelayFault("m", None, "c")),
        (b'data: {"type":"error","message":"m","code":"c"}\n\n', RelayFault("m", None, "c")),
        (event("error", error={"message": "m", "type": "t"}), RelayFault("m", "t")),
        (b'data: {"error":{"message":"m","code":429}}\n\n', RelayFault("m", None, "429")),
        (b'data: {"error":"m","response":7}\n\n', RelayFault("m")),
    ],
)
def test_a_failed_answer_and_an_error_event_are_errors_even_before_the_end(data, fault):
    stream = stream_of((1.0, content("a")), (2.0, data), (3.0, final()))
    assert (stream.flaw, stream.fault) == (StreamFlaw.ERROR_EVENT, fault)


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: []\n\n", b'data: {"type":7}\n\n'])
def test_an_event_that_can_not_be_read_makes_the_stream_malformed(data):
    assert stream_of((1.0, content("a")), (2.0, data), (3.0, final())).flaw is StreamFlaw.MALFORMED_EVENT


@pytest.mark.parametrize("data", [b"data:\n\n", b"data: {}\n\n", b": ping\n\n", event("response.of_another_day", x=1)])
def test_what_says_nothing_changes_nothing(data):
    stream = stream_of((1.0, data), (2.0, content("a")), (3.0, data), (4.0, final()))
    assert (stream.chunks, stream.first_token_at_s, stream.flaw) == (1, 2.0, None)


def message(*parts):
    return {"type": "message", "content": list(parts)}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            {
                "id": "resp_1",
                "status": "completed",
                "error": None,
                "output": [
                    {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},
                    message({"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "b"}, 7),
                ],
                "usage": USAGE,
            },
            WholeAnswer(tokens=TOKENS, finish_reason="completed", answer_id="resp_1", text="ab"),
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []},
            WholeAnswer(finish_reason="max_output_tokens"),
        ),
        ({"output": [message(), {"type": "message"}, 7]}, WholeAnswer()),
        ({"output": [], "status": "completed"}, WholeAnswer(flaw=AnswerFlaw.NO_OUTPUT, fault=RelayFault())),
        ({"message": "no"}, WholeAnswer(flaw=AnswerFlaw.NO_OUTPUT, fault=RelayFault("no"))),
        (
            {"status": "failed", "error": {"code": "c", "message": "m"}, "output": []},
            WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=RelayFault("m", None, "c")),
        ),
        ({"status": "failed"}, WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=RelayFault())),
        ({"error": "no", "output": "none"}, WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=RelayFault("no"))),
    ],
)
def test_a_whole_answer_is_read_in_our_words(body, answer):
    assert read_response(json.dumps(body).encode(), REQUEST) == answer


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"output":7}', b"<html>"])
def test_what_is_no_answer_is_malformed(body):
    with pytest.raises(MalformedAnswer):
        read_response(body, REQUEST)


@pytest.mark.parametrize(
    "usage",
    [{}, {"input_tokens": "many", "output_tokens": -1}, {"input_tokens": True, "output_tokens_details": [1]}],
)
def test_usage_that_makes_no_sense_is_not_measured(usage):
    assert stream_of((1.0, final(usage=usage))).tokens == Tokens()


@given(st.binary(max_size=100), st.sampled_from([b"", b"error", b"response.created"]))
def test_any_bytes_are_read_or_malformed(data, name):
    with suppress(MalformedAnswer):
        read_response_event(data, name)
    with suppress(MalformedAnswer):
        read_response(data, REQUEST)


def test_a_final_event_with_a_blank_status_ends_as_its_type_says():
    stream = stream_of((1.0, content("a")), (2.0, final(status="")))
    assert (stream.finish_reason, stream.flaw) == ("completed", None)
