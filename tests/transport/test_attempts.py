import json

import msgspec
import pytest

from relayload.core.metrics.fold import Fold
from relayload.core.model.record import Attempt, Outcome
from relayload.core.stats.histogram import bucket
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import Endpoint
from relayload.core.wire.responses import responses_request
from relayload.core.wire.stream import TokenStream
from relayload.transport.attempts import Phases, Reading, answer
from relayload.transport.redaction import Secrets

STOP = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


def said(text, field="content"):
    return {"choices": [{"delta": {field: text}}]}


def spoken(text, kind="output_text"):
    return {"type": f"response.{kind}.delta", "delta": text}


def usage(output, reasoning=None):
    details = {} if reasoning is None else {"completion_tokens_details": {"reasoning_tokens": reasoning}}
    return {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": output} | details}


def completed(output, reasoning):
    told = {"output_tokens": output, "output_tokens_details": {"reasoning_tokens": reasoning}}
    return {"type": "response.completed", "response": {"status": "completed", "usage": told}}


def every(step_s, from_s, events):
    return [(round(from_s + step_s * number, 6), event) for number, event in enumerate(events)]


def thoughts(count, from_s, step_s):
    return every(step_s, from_s, [said("I see. ", "reasoning_content")] * count)


def words(count, from_s=0.2, step_s=0.03):
    return every(step_s, from_s, [said("word ")] * count)


def streamed(events, ended_at_s=None, sent_at_s=100.0) -> Attempt:
    """What an attempt comes to whose events came so long after its send."""
    request = responses_request("m", "hi") if "type" in events[0][1] else chat_request("m", [])
    stream = TokenStream(request.endpoint, bucket)
    for after_s, event in events:
        stream.feed(f"data: {json.dumps(event)}\n\n".encode(), sent_at_s + after_s)
    ended_at_s = events[-1][0] if ended_at_s is None else ended_at_s
    phases = Phases(sent_at_s=sent_at_s, last_byte_at_s=sent_at_s + ended_at_s)
    return answer(Reading(request=request, status=200, stream=stream), phases, Secrets("sk-test", ())).attempt


def metric(name, attempt, request_line, folded) -> float:
    fields = {field: getattr(attempt, field) for field in Attempt.__struct_fields__}
    fold: Fold = folded([request_line(0, **fields)])
    (tagged,) = fold.by_tags.values()
    return tagged.columns[name][0]


TPOT = {
    "ten words": ([*words(10), (0.5, STOP), (0.5, usage(10))], 10, 0.03),
    "no usage": ([*words(10), (0.5, STOP)], 10, 0.03),
    "a usage of nothing": ([*words(10), (0.5, STOP), (0.5, usage(0))], 10, 0.03),
    "a usage half a second late": ([*words(3), (0.26, STOP), (0.76, usage(3))], 3, 0.03),
    "two tokens a chunk": ([*words(10), (0.5, STOP), (0.5, usage(19))], 19, 0.015),
    "silent thoughts": ([*words(10), (0.5, STOP), (0.5, usage(1010, 1000))], 10, 0.03),
    "silent thoughts and a word": ([*words(1), (0.5, STOP), (0.5, usage(1001, 1000))], 1, None),
    "thoughts streamed whole": (
        [*thoughts(10, 0.2, 0.02), *words(10, 0.4, 0.02), (0.6, usage(20, 10)), (0.6, STOP)],
        20,
        0.02,
    ),
    "thoughts streamed in part": (
        [(0.2, said("Hm.", "reasoning")), *words(10, 0.4), (0.7, usage(1010, 1000)), (0.7, STOP)],
        None,
        None,
    ),
    "silent thoughts beside the output": ([*words(10), (0.5, usage(10, 1000)), (0.5, STOP)], 10, 0.03),
    "one token": ([*words(1), (0.5, STOP), (0.5, usage(1))], 1, None),
    "all in one chunk": ([(0.2, said("a b c d e")), (0.9, STOP), (0.9, usage(5))], 5, None),
    "all events at once": ([*words(10, step_s=0.0), (0.9, STOP), (0.9, usage(10))], 10, None),
    "no token": ([(0.2, said("")), (0.9, STOP), (0.9, usage(7, 7))], None, None),
    "a response": ([*every(0.03, 0.2, [spoken("word ")] * 10), (0.5, completed(10, 0))], 10, 0.03),
    "a response with silent thoughts": (
        [*every(0.03, 0.2, [spoken("word ")] * 10), (0.5, completed(1010, 1000))],
        10,
        0.03,
    ),
    "a response with a summary": (
        [(0.2, spoken("hm", "reasoning_summary_text")), (0.3, spoken("a")), (0.6, spoken("b")), (0.6, completed(4, 2))],
        None,
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "tokens", "tpot_s"), TPOT.values(), ids=TPOT)
def test_the_time_per_token_is_of_the_tokens_that_were_streamed(events, tokens, tpot_s, request_line, folded):
    attempt = streamed(events)
    assert attempt.streamed_tokens == tokens
    assert metric("tpot", attempt, request_line, folded) == pytest.approx(
        float("nan") if tpot_s is None else tpot_s, nan_ok=True
    )


def test_the_last_token_is_told_from_the_send_as_the_first_one_is():
    attempt = streamed([*words(3), (0.26, STOP), (0.76, usage(3))], ended_at_s=0.8)
    assert (attempt.ttft_s, attempt.last_token_s, attempt.service_s) == pytest.approx((0.2, 0.26, 0.8))
    assert attempt.output_tokens == 3


@pytest.mark.parametrize(
    ("events", "rate"),
    [
        ([*words(10), (0.5, STOP), (5.0, usage(10))], 10 / 0.47),
        ([*words(10), (0.5, STOP), (0.5, usage(1010, 1000))], 1010 / 0.47),
        ([(0.25, said("a b c d e")), (0.9, STOP), (0.9, usage(5))], 5 / 0.25),
        ([(0.2, said("")), (0.7, STOP), (0.7, usage(7, 7))], 7 / 0.7),
    ],
    ids=["a late usage", "silent thoughts", "all in one chunk", "nothing but silence"],
)
def test_the_output_rate_lasts_from_the_send_to_the_last_token(events, rate, request_line, folded):
    assert metric("output_rate", streamed(events), request_line, folded) == pytest.approx(rate)


def test_an_answer_in_one_piece_has_an_output_rate_and_no_time_per_token(request_line, folded):
    request = chat_request("m", [], stream=False)
    body = json.dumps(
        {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": {"completion_tokens": 20}}
    )
    reading = Reading(request=request, status=200, body=body.encode())
    attempt = answer(reading, Phases(sent_at_s=1.0, last_byte_at_s=1.5), Secrets("sk-test", ())).attempt
    assert (attempt.last_token_s, attempt.streamed_tokens, attempt.output_tokens) == (None, None, 20)
    assert metric("output_rate", attempt, request_line, folded) == pytest.approx(40.0)
    assert metric("tpot", attempt, request_line, folded) != metric("tpot", attempt, request_line, folded)


@pytest.mark.parametrize(
    ("location", "body", "said"),
    [
        (
            "https://relay.example/v1/chat/completions",
            b"<html><title>301 Moved Permanently</title></html>",
            "301 Moved Permanently: redirects to https://relay.example/v1/chat/completions",
        ),
        ("/login?token=abc#x", b"", "redirects to /login?***"),
        ("https://me:sk-test@relay.example/?sk-test", b"", "redirects to https://relay.example/?***"),
        (None, b"gone", "gone"),
    ],
)
def test_a_redirect_says_where_it_leads_without_a_key(location, body, said):
    headers = {} if location is None else {"location": location}
    reading = Reading(request=chat_request("m", []), status=301, headers=headers, body=body)
    attempt = answer(reading, Phases(), Secrets("sk-test", ())).attempt
    assert (attempt.outcome, attempt.error, attempt.relay_message) == (Outcome.REJECTED, "http_301", said)


def test_errors_that_are_none_take_no_room_in_a_record():
    stream = TokenStream(Endpoint.CHAT, bucket)
    stream.feed(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', 2.0)
    stream.date(1.5, exact=True)
    reading = Reading(request=chat_request("o3", []), status=200, stream=stream)
    attempt = answer(reading, Phases(sent_at_s=1.0), Secrets("")).attempt
    assert b"error_" not in msgspec.json.encode(attempt)
