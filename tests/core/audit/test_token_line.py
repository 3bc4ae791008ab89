import random

import pytest

from relayload.core.audit.token_line import Counts, token_line


def _counts(seed: int, n: int, factor: float = 1.0, offset: int = 0, noise: float = 0.0, share: float = 1.0) -> Counts:
    """Prompts of 20 to 2,000 tokens; a share of them is reported with this factor and offset, the others honestly."""
    rng = random.Random(seed)
    counted = [rng.randint(20, 2000) for _ in range(n)]
    wrong = [rng.random() < share for _ in counted]
    return [
        (each, round((factor * each + offset if off else each) + rng.gauss(0, noise)))
        for each, off in zip(counted, wrong, strict=True)
    ]


def test_an_honest_report_is_the_line_itself() -> None:
    found = token_line(_counts(1, 100))
    assert found.factor is not None
    assert (found.factor.value, found.factor.low, found.factor.high) == (1.0, 1.0, 1.0)
    assert found.offset is not None
    assert (found.offset.value, found.off_line, found.excess_tokens) == (0.0, 0, 0)


def test_inflation_is_the_factor_and_a_hidden_prompt_the_offset() -> None:
    found = token_line(_counts(1, 100, factor=1.1, offset=2000))
    assert found.factor is not None
    assert found.offset is not None
    assert found.factor.value == pytest.approx(1.1, abs=1e-3)
    assert found.offset.value == pytest.approx(2000, abs=1)
    assert found.offset.low <= 2000 <= found.offset.high


def test_a_share_of_inflated_requests_lies_off_the_line() -> None:
    found = token_line(_counts(2, 200, factor=1.5, share=0.1))
    assert found.factor is not None
    assert found.factor.value == 1.0
    assert 10 <= found.off_line <= 30
    assert found.excess_tokens > 0


def test_prompts_of_one_length_tell_no_factor_from_an_offset() -> None:
    found = token_line([(100 + number % 3, 150 + number % 3) for number in range(50)])
    assert (found.factor, found.offset, found.excess_tokens) == (None, None, 2500)
    assert token_line([]).factor is None


@pytest.mark.parametrize("trials", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_intervals_hold_the_truth(trials: int) -> None:
    """Of a tokenizer that counts a little otherwise than the relay's."""
    held = [0, 0]
    for seed in range(trials):
        found = token_line(_counts(seed, 60, factor=1.05, offset=40, noise=8))
        assert found.factor is not None
        assert found.offset is not None
        held[0] += found.factor.low <= 1.05 <= found.factor.high
        held[1] += found.offset.low <= 40 <= found.offset.high
    assert 0.92 * trials <= held[0] <= trials
    assert held[1] >= 0.95 * trials - 2


@pytest.mark.parametrize("long_ones", [8, 32])
@pytest.mark.parametrize("factor", [1.0, 1.02, 1.05])
def test_an_inflation_that_short_prompts_round_away_is_told_by_the_long_ones(factor: float, long_ones: int) -> None:
    """As of the questions of an audit, most of which are short."""
    rng = random.Random(5)
    counted = [rng.randint(12, 30) for _ in range(570)] + [rng.randint(2000, 2100) for _ in range(long_ones)]
    found = token_line([(each, round(each * factor)) for each in counted])
    assert found.factor is not None
    assert found.factor.value == pytest.approx(factor, abs=1e-3)
    assert found.factor.high - found.factor.low < 1e-3


def test_many_requests_are_drawn_from() -> None:
    found = token_line(_counts(3, 5000, factor=1.02))
    assert found.requests == 5000
    assert found.factor is not None
    assert found.factor.value == pytest.approx(1.02, abs=1e-3)


def test_a_small_inflation_of_a_share_lies_off_a_line_that_is_exact() -> None:
    found = token_line(_counts(4, 300, factor=1.02, share=0.3))
    assert found.factor is not None
    assert found.factor.value == 1.0
    assert found.off_line > 50


@pytest.mark.parametrize("noise", [3.0, 8.0, 30.0])
def test_noise_is_not_off_the_line(noise: float) -> None:
    assert sum(token_line(_counts(seed, 100, factor=1.01, noise=noise)).off_line for seed in range(10)) <= 2
