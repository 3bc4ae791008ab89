import random
from itertools import combinations
from statistics import fmean

import pytest

from relayload.core.audit.likeness import CHARACTERS, likenesses
from relayload.core.audit.pooled import Pooled, _subset


def _texts(rng: random.Random, n: int) -> list[str]:
    return ["".join(rng.choices("ab é\U0010ffff\ud800", k=rng.choice((0, 1, 7, 99, 100, 150)))) for _ in range(n)]


def _plainly(texts: list[str], ones: set[int]) -> float:
    """The discrepancy as its definition has it."""

    def alike(i: int, j: int) -> int:
        one, other = texts[i][:CHARACTERS].ljust(CHARACTERS, "\0"), texts[j][:CHARACTERS].ljust(CHARACTERS, "\0")
        return sum(a == b for a, b in zip(one, other, strict=True))

    others = set(range(len(texts))) - ones
    within = [fmean(alike(*pair) for pair in combinations(group, 2)) for group in (ones, others)]
    return sum(within) - 2 * fmean(alike(i, j) for i in ones for j in others)


@pytest.mark.parametrize(("ones", "others"), [(2, 2), (5, 9), (10, 10), (2, 18), (30, 33)])
def test_the_discrepancy_is_that_of_its_definition(ones: int, others: int) -> None:
    rng = random.Random(ones)
    texts = _texts(rng, ones + others)
    found = Pooled.of(texts[:ones], texts[ones:])
    assert (found.ones, found.others) == (ones, others)
    assert found.observed == pytest.approx(_plainly(texts, set(range(ones))))
    state = rng.getstate()
    labels = _subset(rng, ones + others, ones)
    rng.setstate(state)
    chosen = {each for each in range(ones + others) if labels >> each & 1}
    assert len(chosen) == ones
    assert found.relabelled(rng) == pytest.approx(_plainly(texts, chosen))


@pytest.mark.parametrize(("size", "chosen"), [(4, 2), (6, 1)])
def test_each_subset_is_as_likely(size: int, chosen: int) -> None:
    rng = random.Random(1)
    drawn = [_subset(rng, size, chosen) for _ in range(3000)]
    assert len(set(drawn)) == 6
    assert all(400 < drawn.count(each) < 600 for each in set(drawn))


def test_likeness_counts_places_of_the_same_character_and_those_beyond_both_ends() -> None:
    assert likenesses(["abc", "abd", "", "abc\U0010ffff"]) == [
        [100, 99, 97, 99],
        [99, 100, 97, 98],
        [97, 97, 100, 96],
        [99, 98, 96, 100],
    ]
