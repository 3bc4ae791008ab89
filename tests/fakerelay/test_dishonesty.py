"""Each dishonesty, in the bodies that the relay writes; see test_audit_truth.py for what an SDK gets of them."""

import json
from typing import Any

import pytest

from relayload.document import parse, validate
from relayload.fakerelay.behavior import Behavior
from relayload.fakerelay.counting import text_tokens
from relayload.fakerelay.formats import CHAT, MESSAGES, RESPONSES
from relayload.fakerelay.preset import Preset

PRESET = """
models:
  m: {ttft: {any: 1ms}, speed: 9/s, output_tokens: {any: 40}}
  styled: {ttft: {any: 1ms}, speed: 9/s, output_tokens: {any: 20}, text: {style: a}}
"""
HELLO = [{"role": "user", "content": "one two three"}]


def behavior(*faults: str, preset: str = PRESET) -> Behavior:
    return Behavior(validate(parse(f"{preset}\nfaults: [{', '.join(faults)}]", "p.yaml"), Preset))


def chat(relay: Behavior, messages: list[dict[str, Any]] = HELLO, **more: Any) -> dict[str, Any]:
    parsed = CHAT.read(json.dumps({"model": "m", "messages": messages, **more}).encode(), {})
    reply = CHAT.turn(relay, parsed, "k", 0.0).reply
    return CHAT.body(parsed, reply, 0, reply.words())


def text(body: dict[str, Any]) -> str:
    return body["choices"][0]["message"]["content"]


def tokens(body: dict[str, Any]) -> tuple[int, int, int]:
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    return usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"], usage["completion_tokens"]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("{kind: inflated_usage, requests: [9]}", (10, 0, 40)),
        ("{kind: inflated_usage, input: 1.5}", (15, 0, 40)),
        ("{kind: inflated_usage, output: 1.1}", (10, 0, 44)),
        ("{kind: hidden_prompt, tokens: 2000}", (2010, 0, 40)),
        ("{kind: misreported_cache, tokens: 4}", (10, 4, 40)),
        ("{kind: misreported_cache, tokens: 400}", (10, 10, 40)),
        ("{kind: misreported_cache, share: 50%}", (10, 5, 40)),
    ],
)
def test_another_usage_is_told(fault, seen):
    assert tokens(chat(behavior(fault))) == seen


def test_several_apply_one_after_another():
    faults = "{kind: hidden_prompt, tokens: 100}", "{kind: inflated_usage, input: 2}"
    assert tokens(chat(behavior(*faults))) == (220, 0, 40)
    assert tokens(chat(behavior(*reversed(faults)))) == (120, 0, 40)


@pytest.mark.parametrize(
    ("format_", "body"),
    [
        (RESPONSES, {"input": "one two three"}),
        (MESSAGES, {"messages": HELLO, "max_tokens": 100}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_all_formats_tell_it(format_, body, stream):
    headers = {b"anthropic-version": b"2023-06-01"}
    parsed = format_.read(json.dumps({"model": "m", "stream": stream, **body}).encode(), headers)
    reply = format_.turn(behavior("{kind: hidden_prompt, tokens: 2000}"), parsed, "k", 0.0).reply
    told = b"".join(format_.events(parsed, reply, 0).closing()).decode()
    if not stream:
        told = json.dumps(format_.body(parsed, reply, 0, reply.words()), separators=(",", ":"))
    assert '"input_tokens":2010' in told
    assert '"output_tokens":40' in told


def test_what_the_relay_logs_of_a_request_stays_the_truth():
    parsed = CHAT.read(json.dumps({"model": "m", "messages": HELLO}).encode(), {})
    turn = CHAT.turn(behavior("{kind: inflated_usage, output: 2}"), parsed, "k", 0.0)
    assert (turn.reply.output_tokens, [fault.kind for fault in turn.faults]) == (40, ["inflated_usage"])
    assert not any(fault.changes_bytes for fault in turn.faults)


NOTES = "the garden is green and the house is small. " * 20
LOCKER = [
    {"role": "user", "content": f"The number of my locker is 123456. Here are my notes. {NOTES}"},
    {"role": "assistant", "content": "I have read them."},
    {
        "role": "user",
        "content": f"{NOTES} What is the number of my locker, which I told you before the notes? Answer with the "
        "number alone.",
    },
]
WHOLE = 3 + 3 * 4 + sum(text_tokens(each["content"]) for each in LOCKER)


@pytest.mark.parametrize(
    ("fault", "answer", "input_tokens"),
    [
        ("{kind: cut_context, tokens: 9000}", "123456", WHOLE),
        ("{kind: cut_context, tokens: 300}", "I do not know.", WHOLE),
        ("{kind: cut_context, tokens: 300, reports: cut}", "I do not know.", 315),
        ("{kind: wrong_answer}", "123457", WHOLE),
    ],
)
def test_what_was_told_at_the_beginning_is_known_unless_it_was_cut(fault, answer, input_tokens):
    body = chat(behavior(fault), LOCKER)
    assert (text(body), tokens(body)[0]) == (answer, input_tokens)
    assert text(chat(behavior(), LOCKER)) == "123456"


TOOL = {"type": "function", "function": {"name": "f"}}
SUM = [{"role": "user", "content": "What is 2 + 3? Answer with the number alone."}]


@pytest.mark.parametrize(
    ("field", "sent", "honoured"),
    [
        ("stop", {"stop": [" "]}, lambda body: text(body) == ""),
        ("max_tokens", {"max_completion_tokens": 7}, lambda body: tokens(body)[2] == 7),
        ("logprobs", {"logprobs": True}, lambda body: body["choices"][0]["logprobs"] is not None),
        ("tools", {"tools": [TOOL]}, lambda body: body["choices"][0]["finish_reason"] == "tool_calls"),
        (
            "response_format",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}},
            lambda body: text(body).startswith("{"),
        ),
    ],
)
def test_a_field_is_honoured_unless_it_is_ignored(field, sent, honoured):
    assert honoured(chat(behavior(), **sent))
    assert not honoured(chat(behavior(f"{{kind: ignored_field, field: {field}}}"), **sent))
    others = {"stop", "max_tokens", "logprobs", "tools", "response_format"} - {field}
    assert honoured(chat(behavior(*(f"{{kind: ignored_field, field: {each}}}" for each in others)), **sent))


@pytest.mark.parametrize("model", ["m", "styled"])
def test_a_seed_is_honoured_unless_it_is_ignored(model):
    honest, ignoring = behavior(), behavior("{kind: ignored_field, field: seed}")
    assert len({text(chat(honest, model=model, seed=5)) for _ in range(5)}) == 1
    assert len({text(chat(ignoring, model=model, seed=5)) for _ in range(5)}) == 5


def test_answers_with_the_same_seed_have_the_same_length():
    drawn = "models: {m: {ttft: {any: 1ms}, speed: 9/s, output_tokens: {any: {p50: 40, p99: 400}}}}"
    relay = behavior(preset=drawn)
    assert len({text(chat(relay, seed=5)) for _ in range(5)}) == 1
    assert len({tokens(chat(relay, seed=each))[2] for each in range(5)}) > 1


def test_a_styled_model_writes_other_words_each_time_and_the_likeliest_at_temperature_0():
    relay = behavior()
    assert len({text(chat(relay, model="styled")) for _ in range(5)}) == 5
    assert len({text(chat(relay, model="styled", temperature=0)) for _ in range(5)}) == 1
    assert len({text(chat(behavior(), model="styled")) for _ in range(5)}) == 1  # the draws are seeded


def test_a_swapped_model_answers_in_another_style_and_may_give_its_name():
    swap = "{kind: swapped_model, text: {style: a, distance: 100%}, every: 2}"
    relay = behavior(swap)
    honest, swapped = (chat(relay, model="styled") for _ in range(2))
    assert (text(honest)[::5], text(swapped)[::5]) == (" " * 20, "_" * 20)
    assert (swapped["model"], swapped["system_fingerprint"]) == ("styled", "fp_fake_relay")
    named = chat(behavior("{kind: swapped_model, named: small, fingerprint: fp_small}"))
    assert (named["model"], named["system_fingerprint"]) == ("small", "fp_small")
    assert text(named) == text(chat(behavior()))


def test_a_share_of_the_answers_is_wrong():
    relay = behavior("{kind: wrong_answer, probability: 10%}")
    answers = [text(chat(relay, SUM)) for _ in range(1000)]
    assert set(answers) == {"5", "6"}
    assert answers.count("6") == pytest.approx(100, abs=30)


def test_a_budget_and_a_length_by_header_hold_for_known_answers_too():
    count = [{"role": "user", "content": "Count from 1 to 200 in digits."}]
    cut = chat(behavior(), count, max_completion_tokens=9)
    assert (tokens(cut)[2], cut["choices"][0]["finish_reason"]) == (9, "length")
    parsed = CHAT.read(json.dumps({"model": "m", "messages": SUM}).encode(), {b"x-relayload-output-tokens": b"30"})
    assert CHAT.turn(behavior(), parsed, "k", 0.0).reply.output_tokens == 30


@pytest.mark.parametrize("format_", [RESPONSES, MESSAGES])
def test_usage_counts_the_text_that_was_sent(format_):
    body: dict[str, Any] = {"model": "m", "max_tokens": 500, "messages": SUM}
    if format_ is RESPONSES:
        body = {"model": "m", "input": SUM}
    parsed = format_.read(json.dumps(body).encode(), {b"anthropic-version": b"2023-06-01"})
    reply = format_.turn(behavior(), parsed, "k", 0.0).reply
    assert (reply.words(), reply.output_tokens) == (["5"], 1)
