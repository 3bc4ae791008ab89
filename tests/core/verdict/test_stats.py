import pytest

from relayload.core.results.terms import Terms
from relayload.core.verdict.stats import (
    Exceedance,
    Word,
    judge_share,
    mean_margin,
    samples_needed,
    samples_to_resolve,
)


@pytest.mark.parametrize(
    ("budget", "needed"),
    [(0.1, 29), (0.05, 59), (0.01, 299), (0.005, 598), (0.001, 2995), (0.5, 5), (0.0, 1), (1.0, 1)],
)
def test_a_claim_about_a_percentile_needs_a_minimum_of_samples(budget: float, needed: int):
    assert samples_needed(budget) == needed


@pytest.mark.parametrize(("budget", "needed"), [(0.1, 44), (0.05, 90), (0.01, 459), (0.001, 4603)])
def test_more_confidence_needs_more_samples(budget: float, needed: int):
    assert samples_needed(budget, 0.99) == needed


@pytest.mark.parametrize(("budget", "needed"), [(0.01, 100), (0.05, 20), (0.003, 334), (0.0, 1), (1.0, 1)])
def test_a_rate_is_resolved_once_one_failure_is_not_over_it(budget: float, needed: int):
    assert samples_to_resolve(budget) == needed


@pytest.mark.parametrize(
    ("k", "n", "effective_n", "holds", "strict", "word"),
    [
        (0, 299, 299, True, False, Word.PASS),
        (0, 298, 298, True, False, Word.INCONCLUSIVE),
        (0, 1000, 200, True, False, Word.INCONCLUSIVE),
        (10, 1000, 1000, True, False, Word.PASS),
        (15, 1000, 1000, False, False, Word.INCONCLUSIVE),
        (16, 1000, 1000, False, False, Word.FAIL),
        (16, 1000, 250, False, False, Word.INCONCLUSIVE),
        (5, 100, 100, False, False, Word.FAIL),
        (100, 100, 100, False, False, Word.FAIL),
        (0, 299, 299, True, True, Word.PASS),
        (1, 472, 472, True, True, Word.INCONCLUSIVE),
        (1, 473, 473, True, True, Word.PASS),
    ],
)
def test_a_share_fails_by_its_lower_bound_and_passes_with_enough_samples(
    k: int, n: int, effective_n: int, holds: bool, strict: bool, word: Word
):
    seen = Exceedance(k, n, effective_n)
    assert judge_share(seen, 0.01, holds=holds, needed=samples_needed(0.01), terms=Terms(strict=strict)) is word


def test_nothing_allowed_means_that_one_is_too_many():
    assert judge_share(Exceedance(1, 1000, 1000), 0.0, holds=False, needed=1) is Word.FAIL
    assert judge_share(Exceedance(0, 1000, 1000), 0.0, holds=True, needed=1) is Word.PASS


def test_many_looks_make_each_fail_surer_but_no_pass_dearer():
    once, often = Terms(), Terms(looks=20)
    assert often.fail_confidence == pytest.approx(0.9975)
    seen, good = Exceedance(17, 1000, 1000), Exceedance(0, 299, 299)
    assert judge_share(seen, 0.01, holds=False, needed=299, terms=once) is Word.FAIL
    assert judge_share(seen, 0.01, holds=False, needed=299, terms=often) is Word.INCONCLUSIVE
    assert judge_share(good, 0.01, holds=True, needed=299, terms=often) is Word.PASS


def test_a_mean_has_an_interval_from_30_values_on():
    assert mean_margin(1.0, 29) is None
    assert mean_margin(None, 100) is None
    assert mean_margin(1.0, 100) == pytest.approx(0.196, abs=1e-5)
    assert mean_margin(1.0, 100, 0.99) == pytest.approx(0.2576, abs=1e-4)
