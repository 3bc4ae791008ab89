import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.wire.answers import AnswerFlaw, MalformedAnswer, Tokens, WholeAnswer
from relayload.core.wire.chat import Delta, chat_request, read_chat_event, read_chunk, read_completion, visible_text
from relayload.core.wire.form import Form
from relayload.core.wire.request import RelayFault
from relayload.core.wire.usage import tokens

MESSAGES = [{"role": "user", "content": "hi"}]


def test_a_streamed_request_asks_for_usage():
    request = chat_request("o3", MESSAGES)
    assert request.path == "/chat/completions"
    assert request.stream
    assert request.body == {
        "model": "o3",
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_plain_request_says_nothing_about_streams():
    request = chat_request("o3", MESSAGES, stream=False)
    assert not request.stream
    assert request.body == {"model": "o3", "messages": MESSAGES}


def test_our_words_become_theirs():
    request = chat_request(
        "o3",
        MESSAGES,
        stream=False,
        max_output_tokens=9,
        temperature=0.0,
        reasoning_effort="high",
        extra={"seed": 4},
        headers={"x-tenant": "a"},
    )
    assert request.body == {
        "model": "o3",
        "messages": MESSAGES,
        "max_completion_tokens": 9,
        "temperature": 0.0,
        "reasoning_effort": "high",
        "seed": 4,
    }
    assert request.headers == {"x-tenant": "a"}


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (Form(), {"max_completion_tokens": 9, "stream_options": {"include_usage": True}}),
        (Form("max_tokens"), {"max_tokens": 9, "stream_options": {"include_usage": True}}),
        (Form("none"), {"stream_options": {"include_usage": True}}),
        (Form("max_tokens", stream_options=False), {"max_tokens": 9}),
    ],
)
def test_each_relay_is_told_budget_and_usage_in_its_own_form(form, told):
    request = chat_request("o3", MESSAGES, max_output_tokens=9, form=form)
    assert request.body == {"model": "o3", "messages": MESSAGES, "stream": True, **told}


def test_further_fields_go_first_and_one_that_is_none_is_not_sent():
    extra = {"max_completion_tokens": None, "max_tokens": 20, "stream_options": None, "seed": None}
    request = chat_request("o3", MESSAGES, max_output_tokens=9, extra=extra)
    assert request.body == {"model": "o3", "messages": MESSAGES, "stream": True, "max_tokens": 20}


def test_usage_is_read_in_our_words():
    chunk = read_chunk(
        b'{"usage":{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16,'
        b'"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":2}}}'
    )
    assert tokens(chunk.usage) == Tokens(input=11, cached_input=8, output=5, reasoning=2)


@pytest.mark.parametrize(
    "usage",
    [b"null", b"{}", b'{"prompt_tokens":"many","completion_tokens":-1}', b'{"prompt_tokens":true}',
     b'{"prompt_tokens":null,"prompt_tokens_details":null}', b'{"prompt_tokens_details":[1],"completion_tokens":1.5}'],
)  # fmt: skip
def test_usage_that_makes_no_sense_is_not_measured(usage):
    assert tokens(read_chunk(b'{"usage":%b}' % usage).usage) == Tokens()


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"7", b'{"choices":{}}', b'{"choices":[7]}', b"\xff\xfe", b"<html>"]
)
def test_what_is_no_answer_is_malformed(data):
    with pytest.raises(MalformedAnswer):
        read_chunk(data)


def test_invalid_utf8_is_replaced_and_counted():
    answer = read_completion(b'{"choices":[{"message":{"content":"a\xffb"}}]}', chat_request("o3", MESSAGES))
    assert (answer.text, answer.replaced) == ("a\ufffdb", 1)


def test_an_error_is_read_whatever_else_is_wrong():
    assert read_chunk(b'{"error":{"message":"no"},"choices":"none"}').error == {"message": "no"}


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_malformed(data):
    with suppress(MalformedAnswer):
        read_chunk(data)


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (Delta(content="a"), "a"),
        (Delta(refusal="no"), "no"),
        (Delta(content=[{"type": "text", "text": "a"}, {"type": "image"}, 7, {"text": "b"}]), "ab"),
        (Delta(content={"odd": 1}), ""),
        (Delta(reasoning_content="hm"), ""),
    ],
)
def test_visible_text_is_what_a_person_reads(delta, text):
    assert visible_text(delta) == text


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            b'{"id":"c1","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}',
            WholeAnswer(tokens=Tokens(input=3), finish_reason="stop", answer_id="c1", text="hi"),
        ),
        (b'{"choices":[{"finish_reason":"stop"}]}', WholeAnswer(finish_reason="stop")),
        (b'{"choices":[{}]}', WholeAnswer(flaw=AnswerFlaw.NO_OUTPUT)),
        (b'{"error":"no"}', WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=RelayFault("no"))),
        (b'{"message":"no"}', WholeAnswer(flaw=AnswerFlaw.NO_CHOICES, fault=RelayFault("no"))),
    ],
)
def test_a_whole_answer_is_read_in_our_words(body, answer):
    assert read_completion(body, chat_request("o3", MESSAGES, stream=False)) == answer


@pytest.mark.parametrize(
    ("delta", "thought"),
    [
        ({"reasoning_content": "hm"}, "hm"),  # DeepSeek, vLLM, SGLang
        ({"reasoning": "hm"}, "hm"),  # OpenRouter, newer vLLM, Groq
        ({"reasoning_text": "hm"}, "hm"),  # GitHub Copilot
        ({"thinking": "hm"}, "hm"),  # Ollama
        ({"reasoning": "hm", "reasoning_content": "hm"}, "hm"),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, "hm"),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]}, "hm"),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, "hm"),  # Mistral
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, ""),
    ],
)
def test_reasoning_is_a_thought_in_every_spelling(delta, thought):
    read = read_chat_event(json.dumps({"choices": [{"delta": delta}]}).encode(), b"")
    assert read is not None
    assert (read.thought, read.has_token, read.visible) == (thought, bool(thought), False)


def test_reasoning_within_the_text_is_text():
    read = read_chat_event(json.dumps({"choices": [{"delta": {"content": "<think>hm</think>"}}]}).encode(), b"")
    assert read is not None
    assert (read.text, read.thought, read.visible) == ("<think>hm</think>", "", True)
