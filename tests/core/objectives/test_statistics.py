import math

import pytest

from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.verdict import Status
from relayload.core.objectives.objective import Op
from relayload.core.objectives.statistics import (
    BadBounds,
    BadEvents,
    Deviations,
    MeanDeviation,
    beyond,
    judge_share,
    mean_deviation,
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
        (0, 299, 299, True, False, Status.PASS),
        (0, 298, 298, True, False, Status.INCONCLUSIVE),
        (0, 1000, 200, True, False, Status.INCONCLUSIVE),
        (10, 1000, 1000, True, False, Status.PASS),
        (15, 1000, 1000, False, False, Status.INCONCLUSIVE),
        (16, 1000, 1000, False, False, Status.FAIL),
        (16, 1000, 250, False, False, Status.INCONCLUSIVE),
        (5, 100, 100, False, False, Status.FAIL),
        (100, 100, 100, False, False, Status.FAIL),
        (0, 299, 299, True, True, Status.PASS),
        (1, 472, 472, True, True, Status.INCONCLUSIVE),
        (1, 473, 473, True, True, Status.PASS),
    ],
)
def test_a_share_fails_by_its_lower_bound_and_passes_with_enough_samples(
    k: int, n: int, effective_n: int, holds: bool, strict: bool, word: Status
):
    seen = BadEvents(k, n, effective_n)
    assert (
        judge_share(
            BadBounds(seen, seen),
            0.01,
            holds=holds,
            needed=samples_needed(0.01),
            options=ObjectiveOptions(strict=strict),
        )
        is word
    )


def test_nothing_allowed_means_that_one_is_too_many():
    some, none = BadEvents(1, 1000, 1000), BadEvents(0, 1000, 1000)
    assert judge_share(BadBounds(some, some), 0.0, holds=False, needed=1) is Status.FAIL
    assert judge_share(BadBounds(none, none), 0.0, holds=True, needed=1) is Status.PASS


def test_many_looks_make_each_fail_surer_but_no_pass_dearer():
    once, often = ObjectiveOptions(), ObjectiveOptions(looks=20)
    assert often.fail_confidence == pytest.approx(0.9975)
    seen, good = BadEvents(17, 1000, 1000), BadEvents(0, 299, 299)
    assert judge_share(BadBounds(seen, seen), 0.01, holds=False, needed=299, options=once) is Status.FAIL
    assert judge_share(BadBounds(seen, seen), 0.01, holds=False, needed=299, options=often) is Status.INCONCLUSIVE
    assert judge_share(BadBounds(good, good), 0.01, holds=True, needed=299, options=often) is Status.PASS


def test_what_may_be_bad_neither_fails_nor_passes():
    """Five are beyond the limit for certain, fifty may be."""
    few, many = BadEvents(5, 1000, 1000), BadEvents(50, 1000, 1000)
    assert judge_share(BadBounds(few, many), 0.02, holds=False, needed=50) is Status.INCONCLUSIVE
    assert judge_share(BadBounds(few, few), 0.02, holds=True, needed=50) is Status.PASS
    assert judge_share(BadBounds(many, many), 0.02, holds=False, needed=50) is Status.FAIL


_BURST = [(0, 10)] * 40 + [(10, 10)] * 10 + [(0, 10)] * 50
"""A hundred of a thousand in one stretch."""


def test_a_sample_is_sized_by_those_beyond_the_limit_slot_by_slot():
    assert BadEvents.of(_BURST) == BadEvents(100, 1000, 50)
    assert BadEvents.of([(1, 10)] * 100) == BadEvents(100, 1000, 1000)
    assert BadEvents.of([(0, 10)] * 100) == BadEvents(0, 1000, 1000)
    assert BadEvents.of([]) == BadEvents(0, 0, 0)


def test_correlated_requests_keep_their_share_in_a_smaller_sample():
    """Three of a hundred that are worth fifty are one and a half of fifty: between one and two of them."""
    bounds = [BadEvents(k, n, 50).bounds(0.95) for k, n in ((1, 50), (3, 100), (2, 50))]
    assert bounds == [pytest.approx(each, abs=5e-5) for each in ((0.001, 0.0914), (0.0035, 0.1063), (0.0072, 0.1206))]


def test_what_is_in_flight_may_all_be_good():
    seen = BadEvents.of([(5, 10)] * 10, still_good=100)
    assert (seen.k, seen.n, seen.whole, seen.effective_n) == (50, 100, 200, 200)
    assert beyond(seen, 0.2, 0.95)
    assert not beyond(seen, 0.25, 0.95)


def test_a_sample_within_its_budget_proves_nothing_at_any_confidence():
    assert not beyond(BadEvents(5, 100, 100), 0.05, 0.1)
    assert beyond(BadEvents(6, 100, 100), 0.05, 0.1)


def test_a_mean_has_its_error_from_batches_of_slots_or_from_its_values():
    """Sums of 1 and of -1 by turns, in ten slots: 10 squares of 1, times 10/9, and Student's t of 9."""
    apart = mean_deviation([Deviations((-1.0) ** slot, 4, 0.4) for slot in range(10)])
    assert apart is not None
    assert apart.mean == 0.0
    assert apart.margin(0.95) == pytest.approx(2.262157 * math.sqrt(10 * 10 / 9) / 40)
    alike = mean_deviation([Deviations(0.0, 4, 1.6) for _ in range(10)])
    assert alike is not None
    assert alike.margin(0.95) == pytest.approx(1.959964 * math.sqrt(16) / 40)


def test_a_mean_off_the_limit_has_the_same_error():
    """The slots from above, each value 5 more: 4 values of a slot add 20 to its sum."""
    at, off = (
        mean_deviation([Deviations((-1.0) ** slot + 4 * more, 4, 0.4 + 4 * more * more) for slot in range(10)])
        for more in (0.0, 5.0)
    )
    assert at is not None
    assert off is not None
    assert (off.mean, off.between) == pytest.approx((5.0, at.between))


@pytest.mark.parametrize(("between", "worth"), [(0.5, 100), (1.0, 100), (2.0, 25), (20.0, 1)])
def test_values_of_a_mean_whose_batches_lie_further_apart_are_worth_fewer(between: float, worth: int):
    assert MeanDeviation(mean=0.0, between=between, freedom=9, apart=1.0).effective_n(100) == worth


def test_few_values_tell_no_error_of_a_mean():
    assert mean_deviation([Deviations(1.0, 3, 1.0)] * 9) is None
    assert mean_deviation([]) is None


def test_few_slots_make_a_mean_less_certain():
    margins = []
    for slots in (2, 4, 10, 1):
        found = mean_deviation([Deviations((-1.0) ** slot, 300 // slots, 300.0 // slots) for slot in range(slots)])
        assert found is not None
        margins.append(found.margin(0.99))
    assert margins[:3] == sorted(margins[:3], reverse=True)
    assert margins[3] == pytest.approx(2.575829 / math.sqrt(50), rel=1e-4)


@pytest.mark.parametrize(("op", "total", "is_beyond"), [("<", 0.0, True), ("<=", 0.0, False), (">", 1.0, False)])
def test_a_mean_without_spread_is_beyond_its_limit_or_not(op: str, total: float, is_beyond: bool):
    found = mean_deviation([Deviations(total, 10, total * total / 10)] * 10)
    assert found is not None
    assert found.beyond(Op(op), 0.95) is is_beyond
