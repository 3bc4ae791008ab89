"""Do two sources answer the same prompts alike? A two-sample test over texts.

The statistic is the maximum mean discrepancy with a Hamming kernel over the first characters of each answer: how many
stand at the same place. For one prompt with samples X of one source and Y of the other,

    MMD² = mean k(x, x') + mean k(y, y') - 2 mean k(x, y),    x ≠ x', y ≠ y'

and over several prompts the sum. Its distribution without a difference is that of relabelled answers, which change
their source within their prompt alone, so that prompts may differ as they like. The p-value counts the observed
labelling as one of them, so it is never 0, and it is exact however few answers there are.

Source: Gao et al., Model Equality Testing: Which Model Is This API Serving? (ICLR 2025, arXiv:2410.20247).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

CHARACTERS = 100
"""How much of an answer is compared. Later characters differ anyhow, once one did."""
PERMUTATIONS = 999


@dataclass(frozen=True, slots=True)
class Difference:
    """What a test found. `mmd` is the sum over prompts, in matching characters; near 0 where nothing differs."""

    mmd: float
    p: float
    prompts: int
    answers: tuple[int, int]
    """How many answers of each source were compared."""


Answers = Mapping[str, Sequence[str]]
"""The texts of the answers by prompt."""


def difference(one: Answers, other: Answers, seed: int, permutations: int = PERMUTATIONS) -> Difference | None:
    """Compare the answers to the prompts that both sources have two of, at least; None without any."""
    random = Random(f"same-distribution:{seed}")
    pooled = [
        _Pooled.of(one[prompt], other[prompt])
        for prompt in one
        if min(len(one[prompt]), len(other.get(prompt, ()))) >= 2
    ]
    if not pooled:
        return None
    observed = sum(prompt.mmd(range(prompt.ones)) for prompt in pooled)
    as_large = sum(
        sum(prompt.mmd(random.sample(prompt.all, prompt.ones)) for prompt in pooled) >= observed - _ROUNDING
        for _ in range(permutations)
    )
    sizes = sum(prompt.ones for prompt in pooled), sum(prompt.others for prompt in pooled)
    return Difference(observed, (1 + as_large) / (1 + permutations), len(pooled), sizes)


_ROUNDING = 1e-9
"""By how much sums of the same numbers in another order may differ."""


@dataclass(frozen=True, slots=True)
class _Pooled:
    """The answers of both sources to one prompt: how alike each is to each, and to all others together."""

    alike: Sequence[Sequence[int]]
    alike_to_others: Sequence[int]
    ones: int

    @classmethod
    def of(cls, one: Sequence[str], other: Sequence[str]) -> "_Pooled":
        texts = [text[:CHARACTERS] for text in (*one, *other)]
        alike = [[_alike(text, another) for another in texts] for text in texts]
        return cls(alike, [sum(row) - row[index] for index, row in enumerate(alike)], len(one))

    @property
    def others(self) -> int:
        return len(self.alike) - self.ones

    @property
    def all(self) -> range:
        return range(len(self.alike))

    def mmd(self, chosen: Sequence[int]) -> float:
        """Return the discrepancy if these were the answers of the first source.

        All pairs are within it, between both, or within the second; the sums to others give two of three.
        """
        twice_within = 2 * sum(self.alike[i][j] for at, i in enumerate(chosen) for j in chosen[at + 1 :])
        between = sum(self.alike_to_others[i] for i in chosen) - twice_within
        twice_rest = sum(self.alike_to_others) - twice_within - 2 * between
        n, m = self.ones, self.others
        return twice_within / (n * (n - 1)) + twice_rest / (m * (m - 1)) - 2 * between / (n * m)


def _alike(text: str, another: str) -> int:
    """Return at how many places the same character stands, ends included: a shorter text has none beyond its end."""
    return sum(map(str.__eq__, text, another)) + CHARACTERS - max(len(text), len(another))
