from dataclasses import replace

import pytest

from relayload.core.errors import AuthorError
from relayload.document import parse, validate
from relayload.fakerelay.behavior import Behavior
from relayload.fakerelay.parsed_request import ParsedEmbeddingRequest, ParsedRequest
from relayload.fakerelay.preset import Preset, read
from relayload.fakerelay.refusals import Reason, Refusal
from relayload.fakerelay.schema import RequestKind

PARSED = ParsedRequest("o3", RequestKind.SIMPLE, input_tokens=10)

PRESET = """
models:
  m:
    ttft: {any: 100ms}
    speed: 50/s
    output_tokens: {any: 40}
    reasoning: {medium: 50%, high: 100%}
embedding_models: {e: {latency: 20ms, dimensions: 4}}
"""


def behavior(more: str = "") -> Behavior:
    return Behavior(validate(parse(PRESET + more, "p.yaml"), Preset))


def test_the_same_seed_and_requests_give_the_same_answers():
    first, second = Behavior(read("o-series")), Behavior(read("o-series"))
    for parsed in (PARSED, replace(PARSED, kind=RequestKind.CODE), replace(PARSED, model="o4")):
        assert first.turn(parsed, "k", 0.0).reply == second.turn(parsed, "k", 9.0).reply
    assert (
        Behavior(read("o-series", ["seed=2"])).turn(PARSED, "k", 0.0).reply.ttft_s
        != first.turn(PARSED, "k", 0.0).reply.ttft_s
    )


def test_requests_with_the_same_seed_are_answered_in_the_same_words():
    relay = behavior()
    asked = ParsedRequest("m", RequestKind.SIMPLE, 10)
    seeded = [relay.turn(replace(asked, seed=seed), "k", 0.0).reply.words() for seed in (5, 5, 6)]
    assert seeded[0] == seeded[1] != seeded[2]
    free = [relay.turn(asked, "k", 0.0).reply.words() for _ in range(2)]
    assert free[0] != free[1]


def test_what_one_request_asks_does_not_change_the_draws_of_the_next():
    first, second = Behavior(read("o-series")), Behavior(read("o-series"))
    first.turn(PARSED, "k", 0.0)
    second.turn(replace(PARSED, kind=RequestKind.MATH_PROOF, exact_output_tokens=7), "k", 0.0)
    assert first.turn(PARSED, "k", 0.0).reply == second.turn(PARSED, "k", 0.0).reply


def test_tokens_are_due_one_after_another_from_the_first():
    reply = behavior().turn(ParsedRequest("m", RequestKind.SIMPLE, 10), "k", 0.0).reply
    assert (reply.ttft_s, reply.output_tokens) == (0.1, 40)
    assert reply.due_s(10) == pytest.approx(0.3)
    assert reply.service_s == pytest.approx(0.1 + 39 / 50)


@pytest.mark.parametrize(
    ("fields", "tokens", "finish_reason"),
    [
        ({}, 40, "stop"),
        ({"max_output_tokens": 40}, 40, "stop"),
        ({"max_output_tokens": 39}, 39, "length"),
        ({"max_output_tokens": 100}, 40, "stop"),
        ({"exact_output_tokens": 100}, 100, "stop"),
        ({"exact_output_tokens": 100, "max_output_tokens": 50}, 100, "stop"),
    ],
)
def test_the_length_is_drawn_then_cut_unless_it_is_given(fields, tokens, finish_reason):
    reply = behavior().turn(ParsedRequest("m", RequestKind.SIMPLE, 10, **fields), "k", 0.0).reply
    assert (reply.output_tokens, reply.finish_reason) == (tokens, finish_reason)


@pytest.mark.parametrize(
    ("effort", "shown", "thoughts", "first_shown"),
    [
        (None, None, 0, 0),
        ("medium", None, 20, 0),
        ("medium", False, 20, 20),
        ("high", True, 39, 0),
        ("none", None, 0, 0),
    ],
)
def test_effort_turns_a_share_of_the_tokens_into_thoughts(effort, shown, thoughts, first_shown):
    parsed = ParsedRequest("m", RequestKind.SIMPLE, 10, effort=effort, show_reasoning=shown)
    reply = behavior().turn(parsed, "k", 0.0).reply
    assert (reply.output_tokens, reply.reasoning_tokens, reply.first_shown) == (40, thoughts, first_shown)


def test_a_slow_first_token_comes_so_much_later():
    slow = behavior("faults: [{kind: slow_first_token, delay: 2s, requests: [2]}]")
    replies = [slow.turn(ParsedRequest("m", RequestKind.SIMPLE, 10), "k", 0.0).reply.ttft_s for _ in range(3)]
    assert replies == [0.1, 2.1, 0.1]


def test_limits_count_input_and_output_tokens():
    limited = behavior("limits: [{tokens: 150/min}]")
    parsed = ParsedRequest("m", RequestKind.SIMPLE, 10)
    turns = [limited.turn(parsed, "k", 0.0) for _ in range(4)]
    assert [turn.admission.refused_by is None for turn in turns] == [True, True, True, False]


def test_refused_requests_have_draws_and_numbers_too():
    limited, free = behavior("limits: [{requests: 1/min}]"), behavior()
    parsed = ParsedRequest("m", RequestKind.SIMPLE, 10)
    assert [limited.turn(parsed, "k", 0.0).reply for _ in range(3)] == [
        free.turn(parsed, "k", 0.0).reply for _ in range(3)
    ]


@pytest.mark.parametrize(
    ("parsed", "reason"),
    [
        (replace(PARSED, model="o9"), Reason.UNKNOWN_MODEL),
        (replace(PARSED, kind=RequestKind.IMAGE_REASONING), Reason.BAD_VALUE),
        (replace(PARSED, model="text-embedding-3-small"), Reason.UNKNOWN_MODEL),
    ],
)
def test_what_the_model_does_not_do_is_refused(parsed, reason):
    with pytest.raises(Refusal) as refusal:
        Behavior(read("o-series")).turn(parsed, "k", 0.0)
    assert refusal.value.reason is reason


def test_embeddings_take_the_time_of_their_model():
    turn = behavior().embedding_turn(ParsedEmbeddingRequest("e", ("a",), 1), "k", 0.0)
    assert (turn.reply.service_s, turn.reply.dimensions, turn.reply.output_tokens) == (0.02, 4, 0)
    with pytest.raises(Refusal):
        behavior().embedding_turn(ParsedEmbeddingRequest("m", ("a",), 1), "k", 0.0)


def test_repeated_prompts_are_cached():
    relay = behavior()
    parsed = ParsedRequest("m", RequestKind.SIMPLE, 2000, texts=("word " * 2000,))
    assert [relay.turn(parsed, "k", 0.0).reply.cached_input_tokens for _ in range(2)] == [0, 1920]


def test_a_preset_without_models_is_a_fault():
    with pytest.raises(AuthorError, match="models"):
        validate(parse("models: {}", "p.yaml"), Preset)
