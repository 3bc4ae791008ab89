import itertools

import pytest

from relayload.fakerelay.tokens import JSON_WORDS, WORDS, text_tokens, words


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("word", 1),
        ("ten plain words make ten tokens and no more here", 10),
        ("Hello, world!", 4),
        ("def f(x):\n    return x", 11),
        ("x" * 800, 100),
        ("数据" * 3, 5),
    ],
)
def test_tokens_of_a_text(text, tokens):
    assert text_tokens(text) == tokens


def test_a_prompt_of_plain_words_has_one_token_a_word():
    assert text_tokens(" ".join(["word"] * 200_000)) == 200_000


def test_lone_surrogates_are_counted_too():
    assert text_tokens("a \ud800 b") >= 3


def test_neighbours_in_an_answer_differ_and_the_start_decides_all():
    answer = words(5, 1000)
    assert all(left != right for left, right in itertools.pairwise(answer))
    assert answer == words(5, 1000)
    assert answer[:100] != words(6, 100)


def test_words_stand_in_json_as_they_are():
    assert len(JSON_WORDS) == len(WORDS)
    assert [word.decode() for word in JSON_WORDS] == list(WORDS)
