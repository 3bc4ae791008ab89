"""What is kept of a sampled answer: its texts, and what it says of itself."""

import json
from typing import Any

import pytest

from relayload.core.stats.histogram import bucket
from relayload.core.wire.kept import MOST_BYTES, SelfReport
from relayload.core.wire.request import Endpoint
from relayload.core.wire.stream import TokenStream


def _events(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def _delta(**delta: Any) -> dict[str, Any]:
    return {"model": "m-1", "system_fingerprint": "fp", "choices": [{"index": 0, "delta": delta}]}


def _stream(endpoint: Endpoint, *events: Any, **options: Any) -> TokenStream:
    stream = TokenStream(endpoint, bucket, **{"sampled": True, **options})
    for number, event in enumerate(events):
        stream.feed(_events(event), float(number))
    stream.end(float(len(events)))
    return stream


def _facts(report: SelfReport) -> tuple[str | None, str | None, int | None, bool]:
    return report.model, report.fingerprint, report.total_tokens, report.has_logprobs


CHAT = {
    "model": "gpt-4o-2024-08-06",
    "system_fingerprint": "fp_1",
    "choices": [{"message": {"content": "hi"}, "logprobs": {"content": [{"token": "hi", "logprob": -0.1}]}}],
    "usage": {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9},
}
RESPONSE = {"model": "o3", "usage": {"total_tokens": 9}, "output": [{"content": [{"text": "hi", "logprobs": [{}]}]}]}
MESSAGE = {"model": "claude-x", "usage": {"input_tokens": 8, "output_tokens": 1}, "content": []}


@pytest.mark.parametrize(
    ("answers", "facts"),
    [
        ([CHAT], ("gpt-4o-2024-08-06", "fp_1", 9, True)),
        ([RESPONSE], ("o3", None, 9, True)),
        ([{"type": "response.completed", "response": RESPONSE}], ("o3", None, 9, False)),
        ([MESSAGE], ("claude-x", None, None, False)),
        ([{"type": "message_start", "message": MESSAGE}], ("claude-x", None, None, False)),
        ([{"model": "a"}, {"model": "b", "usage": {"total_tokens": 3}}, {"usage": None}], ("a", None, 3, False)),
        ([{"model": 7, "system_fingerprint": "", "usage": [1], "choices": "no"}], (None, None, None, False)),
        ([{"usage": {"total_tokens": -1}}, {"usage": {"total_tokens": True}}], (None, None, None, False)),
    ],
)
def test_an_answer_names_its_model_and_its_total(answers, facts):
    report = SelfReport()
    for answer in answers:
        report.hear(json.dumps(answer).encode())
    assert _facts(report) == facts
    report = SelfReport()
    for answer in answers:
        report.hear_fields(answer)
    assert _facts(report) == facts


@pytest.mark.parametrize("data", [b"", b"[DONE]", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_answer_says_nothing(data):
    report = SelfReport()
    report.hear(data)
    assert _facts(report) == (None, None, None, False)


def test_a_stream_keeps_its_text_its_thoughts_and_its_calls_apart_from_the_caller():
    words = [_delta(content=text) for text in ("One", " two", " three")]
    thoughts = [_delta(reasoning_content=text) for text in ("I", " think", " ünd", " so")]
    call = _delta(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": '{"a": 1}'}}])
    usage = {"model": "other", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}}
    stream = _stream(Endpoint.CHAT, *thoughts, *words, call, usage)
    assert stream.kept is not None
    assert stream.calls is not None
    assert (stream.kept.text, stream.kept.thoughts) == ("One two three", "I think ünd so")
    assert stream.calls.arguments == ('{"a": 1}',)
    assert _facts(stream.kept.report) == ("m-1", "fp", 9, False)
    assert stream.text == ""
    assert stream.chunks == 8


def test_a_stream_that_is_not_sampled_keeps_nothing():
    stream = _stream(Endpoint.CHAT, _delta(content="a"), sampled=False)
    assert (stream.kept, stream.text) == (None, "")


def test_a_text_for_the_caller_is_kept_beside():
    stream = _stream(Endpoint.CHAT, _delta(content="a"), _delta(content="b"), keep_text=True)
    assert stream.kept is not None
    assert (stream.text, stream.kept.text) == ("ab", "ab")


def test_characters_that_are_split_between_events_are_whole():
    stream = _stream(Endpoint.CHAT, _delta(content="\ud83d"), _delta(content="\ude00"), _delta(reasoning="\ud83d"))
    assert stream.kept is not None
    assert (stream.kept.text, stream.kept.thoughts) == ("\U0001f600", "\ufffd")


def test_a_text_that_is_too_long_is_dropped_and_the_stream_goes_on():
    piece = "a" * 65_536
    events = [_delta(content=piece) for _ in range(MOST_BYTES // len(piece) + 1)]
    stream = _stream(Endpoint.CHAT, *events, _delta(content="end"))
    assert stream.kept is not None
    assert (stream.kept.cut, stream.kept.text, stream.chunks) == (True, "", len(events) + 1)


def test_responses_and_messages_are_kept_alike():
    response = _stream(
        Endpoint.RESPONSES,
        {"type": "response.created", "response": {"model": "o3", "output": []}},
        {"type": "response.reasoning_text.delta", "delta": "hm"},
        {"type": "response.output_text.delta", "delta": "hi", "logprobs": [{"token": "hi"}]},
        {"type": "response.completed", "response": {"model": "o3", "usage": {"total_tokens": 9}}},
    )
    message = _stream(
        Endpoint.MESSAGES,
        {"type": "message_start", "message": {"id": "m", "model": "claude", "usage": {"input_tokens": 5}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "message_stop"},
    )
    assert response.kept is not None
    assert message.kept is not None
    assert (response.kept.text, response.kept.thoughts) == ("hi", "hm")
    assert _facts(response.kept.report) == ("o3", None, 9, True)
    assert (message.kept.text, message.kept.thoughts) == ("hi", "hm")
    assert _facts(message.kept.report) == ("claude", None, None, False)
