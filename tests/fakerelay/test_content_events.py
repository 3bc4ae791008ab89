"""The events of answers that are more than made-up words, as faults ask for them: again, and with odd words."""

import json

import pytest

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.chat import chat_events
from relayload.fakerelay.completions import TextEvents
from relayload.fakerelay.content import Content, Segment
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.response_content import response_events
from relayload.fakerelay.schema import RequestKind

PARSED = ParsedRequest("m", RequestKind.SIMPLE, 10, stream=True, include_usage=True)
CALLS = Content((Segment(('{"a":', "1", "}"), "f"), Segment(("{}",), "g")), "tool_calls")
TEXT = Content((Segment((" a", " b", " c", " d")),), "stop", top_logprobs=1)
NS = 10**18


def reply(content: Content, thoughts: int, *, shown: bool) -> Reply:
    return Reply(
        3, 1.0, output_tokens=4 + thoughts, reasoning_tokens=thoughts, show_reasoning=shown, content=content,
        finish_reason=content.finish_reason,
    )  # fmt: skip


def datas(event: bytes) -> list[dict]:
    lines = event.decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


@pytest.mark.parametrize("make", [chat_events, response_events, TextEvents])
@pytest.mark.parametrize("content", [CALLS, TEXT])
@pytest.mark.parametrize(("thoughts", "shown"), [(0, True), (2, True), (2, False)])
def test_an_event_is_the_same_whenever_it_is_asked_for(make, content, thoughts, shown):
    if make is TextEvents and content is CALLS:
        content = TEXT  # completions know no calls
    answer = reply(content, thoughts, shown=shown)
    one, other = make(PARSED, answer, 0), make(PARSED, answer, 0)
    numbers = range(answer.first_shown, answer.output_tokens)
    backwards = [other.token(number) for number in reversed(numbers)][::-1]
    assert [one.token(number) for number in numbers] == backwards
    assert one.opening() == other.opening()
    assert one.closing() == other.closing() == one.closing()
    first = one.first(answer.first_shown, NS)
    assert datas(first)[-1].pop("x_relayload") == {"first_token_ns": NS}
    assert first.count(b"x_relayload") == 1


@pytest.mark.parametrize("content", [CALLS, TEXT])
@pytest.mark.parametrize(("thoughts", "shown"), [(0, True), (2, True), (2, False)])
def test_the_events_of_a_response_are_numbered_without_a_gap(content, thoughts, shown):
    answer = reply(content, thoughts, shown=shown)
    events = response_events(PARSED, answer, 0)
    tokens = [events.token(number) for number in range(answer.first_shown, answer.output_tokens)]
    told = datas(b"".join([*events.opening(), *tokens, *events.closing()]))
    assert [event["sequence_number"] for event in told] == list(range(len(told)))


@pytest.mark.parametrize("make", [chat_events, response_events, TextEvents])
def test_an_odd_word_stands_in_place_of_a_token(make):
    events = make(PARSED, reply(TEXT, 0, shown=True), 0)
    assert b'" odd"' in events.token(1, " odd")
    assert b'" b"' in events.token(1)


@pytest.mark.parametrize("make", [chat_events, response_events])
def test_an_odd_word_may_stand_in_the_arguments_of_a_call(make):
    events = make(PARSED, reply(CALLS, 0, shown=True), 0)
    assert b'" odd"' in events.token(0, " odd")
    assert b'"name":"f"' in events.token(0, " odd")


def test_usage_can_be_missing():
    for make in (chat_events, response_events, TextEvents):
        told = datas(b"".join(make(PARSED, reply(TEXT, 0, shown=True), 0).closing(with_usage=False)))
        assert not any((event.get("response") or event).get("usage") for event in told)
