from collections import Counter
from collections.abc import Sequence
from itertools import islice
from random import Random

import pytest

from relayload.fakerelay.text_style import TextStyle

WORDS, DRAWS = 20, 4_000


def texts(style: TextStyle, seed: int, prompt: str = "p", temperature: float = 1.0, count: int = DRAWS) -> list[str]:
    draws = Random(seed)
    return ["".join(islice(style.words(prompt, temperature, draws), WORDS)) for _ in range(count)]


def total_variation(some: Sequence[str], others: Sequence[str]) -> float:
    one, other = Counter(some), Counter(others)
    return sum(abs(one[each] / len(some) - other[each] / len(others)) for each in {*one, *other}) / 2


def by_place(answers: Sequence[str], width: int) -> list[list[str]]:
    return [[text[at : at + width] for text in answers] for at in range(0, 5 * WORDS, width)]


@pytest.mark.parametrize("distance", [0.3, 1.0])
@pytest.mark.parametrize("width", [1, 5])
def test_the_total_variation_is_the_distance_at_every_character_and_word(distance, width):
    base = by_place(texts(TextStyle(style="a"), 1), width)
    other = by_place(texts(TextStyle(style="a", distance=f"{distance:.0%}"), 2), width)
    assert [len(set(map(len, place))) for place in base] == [1] * len(base)
    for some, others in zip(base, other, strict=True):
        assert total_variation(some, others) == pytest.approx(distance, abs=0.04)


def test_a_style_is_the_same_wherever_it_is_used_and_its_draws_differ():
    once, again = texts(TextStyle(style="a"), 1), texts(TextStyle(style="a"), 2)
    assert once != again
    for some, others in zip(by_place(once, 5), by_place(again, 5), strict=True):
        assert total_variation(some, others) < 0.04
    assert len(set(once)) == DRAWS


def test_styles_and_prompts_have_words_of_their_own():
    one = texts(TextStyle(style="a"), 1, count=1, temperature=0.0)
    assert one != texts(TextStyle(style="b"), 1, count=1, temperature=0.0)
    assert one != texts(TextStyle(style="a"), 1, "q", count=1, temperature=0.0)


@pytest.mark.parametrize(("distance", "likeliest"), [("0%", " "), ("40%", " "), ("60%", "_"), ("100%", "_")])
def test_at_temperature_0_the_likeliest_words_are_written(distance, likeliest):
    style = TextStyle(style="a", distance=distance)
    (text,) = set(texts(style, 1, temperature=0.0, count=20))
    assert text[::5] == likeliest * WORDS
    (place,) = {Counter(words).most_common(1)[0][0] for words in by_place(texts(style, 3), 5)[:1]}
    assert text.startswith(place)


def test_a_low_temperature_makes_the_likeliest_words_likelier():
    style = TextStyle(style="a")
    (likeliest,) = texts(style, 1, temperature=0.0, count=1)
    hits = [sum(text[:5] == likeliest[:5] for text in texts(style, 1, temperature=each)) for each in (2.0, 1.0, 0.5)]
    assert hits[0] < hits[1] < hits[2]
    assert hits[1] / DRAWS == pytest.approx(0.4, abs=0.03)
