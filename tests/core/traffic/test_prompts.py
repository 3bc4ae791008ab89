from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.traffic.prompts import CHAT_TOKENS, SETS, expected_tokens, messages, synthetic
from relayload.fakerelay.asks import guessed_kind


@dataclass(frozen=True)
class OwnText:
    text: str


def content(prompt: str | OwnText | None, input_tokens: int | None = None, seed: object = "7:1") -> str:
    (message,) = messages(prompt, input_tokens, Random(f"{seed}"))
    assert message["role"] == "user"
    return message["content"]


def words(text: str) -> int:
    """The tokens of made-up text: every word and every full stop is one."""
    return len(text.replace(".", " .").split())


@pytest.mark.parametrize("kind", SETS)
def test_a_set_holds_many_different_prompts_that_ask_for_their_kind(kind: str) -> None:
    assert len(set(SETS[kind])) == len(SETS[kind]) >= 12
    assert {guessed_kind(prompt).value for prompt in SETS[kind]} == {kind}


def test_the_same_stream_gives_the_same_prompt_and_another_another() -> None:
    assert content("simple", seed="7:1") == content("simple", seed="7:1")
    assert content("simple", seed="7:1") != content("simple", seed="7:2")


def test_every_prompt_of_a_set_is_drawn() -> None:
    drawn = {content("code", seed=number).split("\n\n", 1)[1] for number in range(500)}
    assert drawn == set(SETS["code"])


def test_no_two_arrivals_begin_alike() -> None:
    beginnings = {content(OwnText("Hello"), seed=f"1:{index}")[:18] for index in range(2000)}
    assert len(beginnings) == 2000


def test_ones_own_text_follows_its_number() -> None:
    assert content(OwnText("Say hello.")).endswith("\n\nSay hello.")


@given(st.integers(1, 5000), st.integers())
def test_synthetic_text_has_exactly_the_tokens_asked_for(tokens: int, seed: int) -> None:
    assert words(synthetic(tokens, Random(seed))) == tokens


def test_synthetic_text_is_plain_and_seldom_the_same() -> None:
    texts = {synthetic(64, Random(seed)) for seed in range(5000)}
    assert len(texts) == 5000
    assert all(text.isascii() for text in texts)


def test_synthetic_text_asks_for_nothing_but_a_simple_answer() -> None:
    assert guessed_kind(synthetic(4000, Random(1))).value == "simple"


@pytest.mark.parametrize("input_tokens", [8, 100, 1155, 14_050])
def test_without_a_prompt_all_is_made_up_and_the_chat_format_counts(input_tokens: int) -> None:
    assert words(content(None, input_tokens)) + CHAT_TOKENS == input_tokens


@pytest.mark.parametrize("input_tokens", [1, CHAT_TOKENS])
def test_the_smallest_request_still_says_a_word(input_tokens: int) -> None:
    assert words(content(None, input_tokens)) == 1


def test_a_prompt_is_followed_by_context_up_to_the_tokens_asked_for() -> None:
    text = content(OwnText("Sum this up:"), 1000)
    number, prompt, context = text.split("\n\n")
    assert number.startswith("Request ")
    assert prompt == "Sum this up:"
    assert 980 <= words(context) < 1000


def test_a_prompt_that_is_longer_than_asked_for_stays_whole() -> None:
    assert content("math_proof", 5) == content("math_proof")


def test_neither_a_prompt_nor_a_number_of_tokens_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="neither a prompt nor a number of tokens"):
        messages(None, None, Random(1))


@pytest.mark.parametrize(("kind", "tokens"), [("simple", 28.5), ("code", 39.2), ("math_proof", 36.5)])
def test_the_expected_tokens_are_near_those_counted_in_o200k(kind: str, tokens: float) -> None:
    assert expected_tokens(kind) == pytest.approx(tokens, rel=0.1)


def test_the_expected_tokens_of_ones_own_text_grow_with_it() -> None:
    assert expected_tokens(OwnText("x" * 4350)) == pytest.approx(1000 + CHAT_TOKENS + 6)
