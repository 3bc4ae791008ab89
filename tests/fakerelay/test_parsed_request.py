import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.fakerelay.parsed_request import guessed_kind, parse_chat, parse_embedding, parse_response
from relayload.fakerelay.refusals import Reason, Refusal
from relayload.fakerelay.schema import RequestKind


def chat(content="hi", headers=None, **more):
    body = {"model": "o3", "messages": [{"role": "user", "content": content}], **more}
    return parse_chat(json.dumps(body).encode(), headers or {})


def test_a_chat_request_is_read():
    parsed = chat("one two three", stream=True, stream_options={"include_usage": True}, max_tokens=7)
    assert (parsed.model, parsed.stream, parsed.include_usage, parsed.max_output_tokens) == ("o3", True, True, 7)
    assert parsed.input_tokens == 3 + 4 + 3  # words, the message, the reply
    assert parsed.kind is RequestKind.SIMPLE


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_budget_has_two_names_and_takes_one_of_them(name):
    assert chat(**{name: 7}).max_output_tokens == 7
    with pytest.raises(Refusal, match="at the same time is not supported"):
        chat(max_tokens=7, max_completion_tokens=5)


def test_images_are_counted_and_make_it_image_reasoning():
    url = {"url": "data:image/png;base64,AAAA"}
    parts = [{"type": "text", "text": "what is this"}, {"type": "image_url", "image_url": {**url, "detail": "low"}}]
    parsed = chat([*parts, {"type": "image_url", "image_url": url}])
    assert (parsed.images, parsed.kind) == (2, RequestKind.IMAGE_REASONING)
    assert parsed.input_tokens == 3 + 4 + 3 + 85 + 765


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("What is the capital of France?", RequestKind.SIMPLE),
        ("Prove that there are infinitely many primes.", RequestKind.MATH_PROOF),
        ("请证明勾股定理", RequestKind.MATH_PROOF),
        ("Implement a queue in Python", RequestKind.CODE),
        ("fix this: ```x = 1```", RequestKind.CODE),
        ("waterproof decoder", RequestKind.SIMPLE),
    ],
)
def test_the_kind_is_guessed_from_the_prompt(prompt, kind):
    assert guessed_kind(prompt) is kind


def test_the_header_names_the_kind_and_a_name_it_does_not_know_is_no_fault():
    assert chat(headers={b"x-relayload-kind": b"math_proof"}).kind is RequestKind.MATH_PROOF
    assert chat("prove it", headers={b"x-relayload-kind": b"poetry"}).kind is RequestKind.MATH_PROOF


def test_the_header_asks_for_an_exact_length():
    assert chat(headers={b"x-relayload-output-tokens": b"123"}).exact_output_tokens == 123


@pytest.mark.parametrize("text", [b"0", b"-1", b"many", b"1000001", b"9" * 5000, b""])
def test_a_length_that_is_none_is_refused(text):
    with pytest.raises(Refusal, match="x-relayload-output-tokens") as refusal:
        chat(headers={b"x-relayload-output-tokens": text})
    assert refusal.value.reason is Reason.BAD_VALUE


@pytest.mark.parametrize(
    ("body", "reason", "param"),
    [
        (b"{", Reason.BAD_JSON, None),
        (b"", Reason.BAD_JSON, None),
        (b"\xff\xfe", Reason.BAD_JSON, None),
        (b'{"model": ' + b"[" * 100_000, Reason.BAD_VALUE, "model"),
        (b"[]", Reason.BAD_VALUE, None),
        (b'{"model": "o3"}', Reason.BAD_VALUE, "messages"),
        (b'{"model": 3, "messages": []}', Reason.BAD_VALUE, "model"),
        (b'{"model": "o3", "messages": []}', Reason.BAD_VALUE, "messages"),
        (b'{"model": "o3", "messages": [{"role": 1}]}', Reason.BAD_VALUE, "messages[0].role"),
        (b'{"model": "o3", "messages": [{"role": "user"}]}', Reason.BAD_VALUE, "messages[0].content"),
        (b'{"model": "o3", "messages": [{"role": "user", "content": ""}], "n": 200}', Reason.BAD_VALUE, "n"),
        (b'{"model": "o3", "max_tokens": 0, "messages": []}', Reason.BAD_VALUE, "max_tokens"),
    ],
)
def test_a_bad_body_is_refused_and_the_place_is_named(body, reason, param):
    with pytest.raises(Refusal) as refusal:
        parse_chat(body, {})
    assert (refusal.value.reason, refusal.value.param) == (reason, param)


@given(st.binary(max_size=200))
def test_no_body_at_all_is_more_than_an_ask_or_a_refusal(body):
    for read in (parse_chat, parse_response, parse_embedding):
        try:
            read(body, {})
        except Refusal:
            continue


def test_the_responses_format_takes_text_or_messages_with_images():
    plain = parse_response(b'{"model": "o3", "input": "one two", "max_output_tokens": 9}', {})
    assert (plain.input_tokens, plain.max_output_tokens, plain.stream) == (2 + 4 + 3, 9, False)
    parts = [{"type": "input_text", "text": "one"}, {"type": "input_image", "image_url": "data:,", "detail": "low"}]
    body = {"model": "o4", "input": [{"role": "user", "content": parts}], "reasoning": {"effort": "high"}}
    parsed = parse_response(json.dumps(body).encode(), {})
    assert (parsed.images, parsed.effort, parsed.input_tokens) == (1, "high", 1 + 85 + 4 + 3)


def test_embeddings_take_texts_and_tokens():
    assert parse_embedding(b'{"model": "e", "input": "one two"}', {}).input_tokens == 2
    assert parse_embedding(b'{"model": "e", "input": ["a", "b c"]}', {}).inputs == ("a", "b c")
    assert parse_embedding(b'{"model": "e", "input": [1, 2, 3]}', {}).input_tokens == 3
    assert len(parse_embedding(b'{"model": "e", "input": [[1, 2], [3]]}', {}).inputs) == 2
    with pytest.raises(Refusal, match="empty array"):
        parse_embedding(b'{"model": "e", "input": []}', {})
