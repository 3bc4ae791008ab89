from collections import Counter

import pytest

from relayload.core.traffic.draws import Draws, Mix, uniform


def test_a_draw_depends_on_seed_index_and_name_alone():
    assert uniform(7, 1, "model") == uniform(7, 1, "model")
    assert len({uniform(7, 1, "model"), uniform(8, 1, "model"), uniform(7, 2, "model"), uniform(7, 1, "tokens")}) == 4


def test_draws_are_spread_evenly_between_0_and_1():
    draws = sorted(uniform(7, index, "model") for index in range(10_000))
    assert draws[0] > 0
    assert draws[-1] < 1
    # Kolmogorov-Smirnov: the 99.9 % point of the largest distance is 1.95 / sqrt(n).
    assert max(abs(draw - (place + 0.5) / 10_000) for place, draw in enumerate(draws)) < 1.95 / 100


def test_turns_of_a_conversation_have_words_of_their_own():
    assert Draws(7, 1).rng.random() == Draws(7, 1, 0).rng.random() != Draws(7, 1, 1).rng.random()
    assert Draws(7, 1).below(10**9, "number") == Draws(7, 1, 0).below(10**9, "number")
    assert Draws(7, 1).below(10**9, "number") != Draws(7, 1, 1).below(10**9, "number")


def test_whole_numbers_are_drawn_from_all_below_a_bound():
    assert {Draws(7, index).below(3, "text") for index in range(50)} == {0, 1, 2}


def test_a_mix_is_drawn_by_its_weights():
    mix = Mix({"o3": 3, "o4-mini": 1})
    drawn = Counter(mix.draw(7, index, "model") for index in range(10_000))
    assert mix.names == ("o3", "o4-mini")
    assert drawn["o3"] == pytest.approx(7500, abs=150)
    assert drawn["o4-mini"] == 10_000 - drawn["o3"]


def test_the_only_name_is_always_drawn():
    assert Mix({"o3": 0.1}).draw(7, 1, "model") == "o3"
