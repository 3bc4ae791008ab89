import random
from collections.abc import Sequence

import pytest

from relayload.core.audit.same_distribution import CHARACTERS, difference

WORDS = ("the", "of", "and", "to", "in", "that", "it", "with", "as", "for")


def _answers(
    seed: int, prompts: int, each: int, weights: Sequence[float], swapped: float = 0.0
) -> dict[str, list[str]]:
    """Texts of a generator whose words at each place have these weights; a share is of the reversed weights.

    Answers to one prompt begin alike, as a model's do.
    """
    rng = random.Random(seed)

    def text(prompt: int) -> str:
        own = weights[::-1] if rng.random() < swapped else weights
        start = random.Random(prompt).choice(WORDS)
        return " ".join([start, *rng.choices(WORDS, own, k=30)])

    return {str(prompt): [text(prompt) for _ in range(each)] for prompt in range(prompts)}


HONEST = (20, 12, 8, 5, 3, 2, 1, 1, 1, 1)


def test_a_text_is_as_alike_to_itself_as_can_be() -> None:
    same = difference({"p": ["a" * 500] * 4}, {"p": ["a" * 500] * 4}, seed=1, permutations=19)
    assert same is not None
    assert (same.mmd, same.p) == (0.0, 1.0)
    other = difference({"p": ["a" * 500] * 8}, {"p": ["b" * 500] * 8}, seed=1)
    assert other is not None
    assert other.mmd == 2 * CHARACTERS
    assert other.p == pytest.approx(0.001, abs=0.001)


def test_ends_are_compared_too() -> None:
    found = difference({"p": ["yes"] * 8}, {"p": ["yes."] * 8}, seed=1)
    assert found is not None
    assert found.mmd == 2.0
    assert found.p < 0.01


def test_prompts_of_one_source_alone_are_left_out() -> None:
    one, other = {"p": ["a", "b"], "q": ["a", "b"], "r": ["a", "a"]}, {"p": ["a", "b"], "r": ["c"]}
    found = difference(one, other, seed=1, permutations=9)
    assert found is not None
    assert (found.prompts, found.answers) == (1, (2, 2))
    assert difference(one, {}, seed=1) is None


def test_the_same_seed_gives_the_same_p() -> None:
    sides = _answers(1, 5, 6, HONEST), _answers(2, 5, 6, HONEST)
    assert difference(*sides, seed=3) == difference(*sides, seed=3)


@pytest.mark.parametrize("audits", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_same_model_is_accused_no_more_often_than_the_level_says(audits: int) -> None:
    accused = 0
    for seed in range(audits):
        found = difference(
            _answers(2 * seed, 10, 5, HONEST), _answers(2 * seed + 1, 10, 5, HONEST), seed, permutations=99
        )
        assert found is not None
        accused += found.p <= 0.05
    assert accused / audits <= 0.05 + 3 * (0.05 * 0.95 / audits) ** 0.5


@pytest.mark.parametrize("audits", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_a_swapped_model_is_found(audits: int) -> None:
    found = [
        difference(
            _answers(2 * seed, 50, 10, HONEST),
            _answers(2 * seed + 1, 50, 10, HONEST, swapped=1.0),
            seed,
            permutations=199,
        )
        for seed in range(audits)
    ]
    assert sum(each is not None and each.p <= 0.005 for each in found) >= 0.99 * audits
