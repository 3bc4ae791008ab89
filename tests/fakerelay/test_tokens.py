import itertools

import pytest

from relayload.fakerelay.counting import split_tokens
from relayload.fakerelay.text_style import OTHER_WORDS
from relayload.fakerelay.text_style import WORDS as STYLED_WORDS
from relayload.fakerelay.tokens import JSON_WORDS, WORDS, words


def test_neighbours_in_an_answer_differ_and_the_start_decides_all():
    answer = words(5, 1000)
    assert all(left != right for left, right in itertools.pairwise(answer))
    assert answer == words(5, 1000)
    assert answer[:100] != words(6, 100)


def test_words_stand_in_json_as_they_are():
    assert len(JSON_WORDS) == len(WORDS)
    assert [word.decode() for word in JSON_WORDS] == list(WORDS)


@pytest.mark.parametrize("vocabulary", [WORDS, STYLED_WORDS + OTHER_WORDS])
def test_every_word_of_an_answer_is_one_token_whatever_stands_beside_it(vocabulary):
    for shift in (1, 2, 3):
        mixed = [each for number in range(len(vocabulary)) for each in (vocabulary[number], vocabulary[number - shift])]
        assert split_tokens("".join(mixed)) == mixed
