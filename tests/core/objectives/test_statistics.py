import math
from random import Random

import pytest

from relayload.core.model.objective_options import ObjectiveOptions, TooFew
from relayload.core.model.snapshot import SlotCounts
from relayload.core.model.verdict import Status
from relayload.core.objectives.objective import Op
from relayload.core.objectives.statistics import (
    BadBounds,
    BadEvents,
    Deviations,
    MeanDeviation,
    beyond,
    beyond_so_far,
    judge_share,
    mean_deviation,
    samples_needed,
    samples_to_resolve,
)
from relayload.core.stats.effective_size import FEWEST

PROVEN, OBSERVED, FACT = (Status.PASS, True), (Status.PASS, False), (Status.PASS, None)
FAIL, INCONCLUSIVE = (Status.FAIL, None), (Status.INCONCLUSIVE, None)


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


class Bad(BadEvents):
    """So many bad requests of n, known to be worth so many independent ones: all, unless it is said."""

    def __init__(self, k: int, n: int, effective_n: int | None = None, still_good: int = 0) -> None:
        super().__init__([(k, n)], still_good)
        self._size = n + still_good if effective_n is None else effective_n

    def effective_size(self, tail: float = 0.0, *, conservative: bool = True) -> int:
        return self._size


def _judged(seen: BadEvents, budget: float = 0.01, tail_n: int | None = None, **options) -> tuple[Status, bool | None]:
    """The verdict, and whether it is proven, on a share that holds if it is within the budget."""
    holds = seen.k <= budget * seen.n
    return judge_share(BadBounds(seen, seen), budget, holds=holds, options=ObjectiveOptions(**options), tail_n=tail_n)


@pytest.mark.parametrize(
    ("k", "n", "effective_n", "judged", "strictly"),
    [
        (0, 99, 99, INCONCLUSIVE, INCONCLUSIVE),
        (0, 100, 100, OBSERVED, INCONCLUSIVE),
        (0, 298, 298, OBSERVED, INCONCLUSIVE),
        (0, 299, 299, PROVEN, PROVEN),
        (1, 472, 472, OBSERVED, INCONCLUSIVE),
        (1, 473, 473, PROVEN, PROVEN),
        (0, 1000, 200, OBSERVED, INCONCLUSIVE),
        (10, 1000, 1000, OBSERVED, INCONCLUSIVE),
        (15, 1000, 1000, INCONCLUSIVE, INCONCLUSIVE),
        (16, 1000, 1000, FAIL, FAIL),
        (16, 1000, 250, INCONCLUSIVE, INCONCLUSIVE),
        (5, 100, 100, FAIL, FAIL),
        (2, 3, 3, FAIL, FAIL),
        (100, 100, 100, FAIL, FAIL),
    ],
)
def test_a_share_fails_by_its_lower_bound_and_passes_with_enough_requests_to_resolve_the_budget(
    k: int,
    n: int,
    effective_n: int,
    judged: tuple[Status, bool | None],
    strictly: tuple[Status, bool | None],
):
    seen = Bad(k, n, effective_n)
    assert (_judged(seen), _judged(seen, strict=True)) == (judged, strictly)


@pytest.mark.parametrize(
    ("budget", "n", "needed"), [(0.5, 5, 2), (0.1, 29, 10), (0.05, 59, 20), (0.01, 299, 100), (0.001, 2995, 1000)]
)
def test_a_pass_is_observed_from_one_in_the_budget_on_and_proven_where_none_is_bad_among_three_times_as_many(
    budget: float, n: int, needed: int
):
    sizes = (needed - 1, needed, n - 1, n)
    assert [_judged(Bad(0, size), budget) for size in sizes] == [INCONCLUSIVE, OBSERVED, OBSERVED, PROVEN]


@pytest.mark.parametrize(
    ("k", "n", "budget", "is_beyond"),
    [
        (40, 1000, 0.01, True),  # four times a budget below 5 %
        (39, 1000, 0.01, False),
        (196, 1000, 0.049, True),
        (195, 1000, 0.049, False),
        (100, 1000, 0.05, True),  # twice any other
        (100, 1000, 1 - 0.95, True),  # as a float it is a bit more
        (99, 1000, 0.05, False),
        (400, 1000, 0.2, True),
        (399, 1000, 0.2, False),
        (1000, 1000, 0.5, True),
        (999, 1000, 0.5, False),
        (2, 10, 0.1, False),  # twice it, but independent ones do not prove it
        (3, 11, 0.1, False),
        (4, 11, 0.1, True),
    ],
)
def test_a_share_far_beyond_its_budget_is_a_fact_however_correlated(k: int, n: int, budget: float, is_beyond: bool):
    assert beyond(Bad(k, n, 2), budget, 0.95) is is_beyond


@pytest.mark.parametrize(
    ("k", "budget", "is_beyond"), [(49, 0.05, False), (50, 0.05, True), (79, 0.4, False), (80, 0.4, True)]
)
def test_in_a_window_far_beyond_is_at_least_half_of_the_requests(k: int, budget: float, is_beyond: bool):
    assert beyond(Bad(k, 100, 2), budget, 0.95, in_window=True) is is_beyond
    assert beyond(Bad(k, 100, 2), budget, 0.95) or budget == 0.4


def test_more_confidence_is_asked_of_what_is_far_beyond_too():
    assert [beyond(Bad(4, 11, 2), 0.1, confidence) for confidence in (0.95, 0.99)] == [True, False]


@pytest.mark.parametrize("n", [2000, 20_000])
def test_an_outage_of_a_tenth_in_one_stretch_fails_where_a_twentieth_may(n: int):
    """More requests never make an outage worth more than a single event, so that its bounds alone can't tell."""
    second = n // 100
    outage = BadEvents([(0, second)] * 50 + [(second, second)] * 10 + [(0, second)] * 40)
    assert (outage.share, outage.effective_n < FEWEST) == (0.1, True)
    assert outage.bounds()[0] < 0.05
    assert _judged(outage, 0.05) == FAIL
    assert _judged(outage, 0.06) == INCONCLUSIVE
    assert _judged(outage, 0.1) == OBSERVED


@pytest.mark.parametrize(
    ("on_too_few", "none_bad", "some_bad"),
    [
        (TooFew.INCONCLUSIVE, INCONCLUSIVE, INCONCLUSIVE),
        (TooFew.PASS, OBSERVED, INCONCLUSIVE),
        (TooFew.FAIL, FAIL, FAIL),
    ],
)
def test_too_few_requests_mean_what_the_objective_says(on_too_few, none_bad, some_bad):
    """Of fifty none or one is bad; one in a hundred may be."""
    assert _judged(Bad(0, 50), on_too_few=on_too_few) == none_bad
    assert _judged(Bad(1, 50), on_too_few=on_too_few) == some_bad
    assert _judged(Bad(50, 50), on_too_few=on_too_few) == FAIL
    assert _judged(Bad(0, 100), on_too_few=on_too_few) == OBSERVED
    assert _judged(Bad(0, 299), on_too_few=on_too_few) == PROVEN


def test_too_few_requests_never_pass_where_strict_asks_for_a_proof():
    assert _judged(Bad(0, 50), strict=True, on_too_few=TooFew.PASS) == INCONCLUSIVE
    assert _judged(Bad(0, 150), strict=True, on_too_few=TooFew.FAIL) == INCONCLUSIVE


def test_a_proof_allows_for_the_slowest_values_as_well():
    assert _judged(Bad(0, 1000), tail_n=1000) == PROVEN
    assert _judged(Bad(0, 1000), tail_n=200) == OBSERVED
    assert _judged(Bad(0, 1000, 200), tail_n=1000) == OBSERVED
    assert _judged(Bad(0, 1000), tail_n=200, strict=True) == INCONCLUSIVE


def test_that_none_are_bad_is_a_fact():
    assert _judged(Bad(1, 1000), 0.0) == FAIL
    for n in (1, 1000):
        assert beyond(Bad(1, n, 1), 0.0, 0.95, in_window=True)
        assert beyond_so_far(Bad(1, n, 1), 0.0, 0.05, 700)
    for strict in (False, True):
        assert _judged(Bad(0, 1000), 0.0, strict=strict) == FACT


@pytest.mark.parametrize(("k", "judged"), [(1000, FAIL), (999, FACT), (0, FACT)])
def test_where_all_but_none_may_be_bad_all_is_a_fail(k: int, judged: tuple[Status, bool | None]):
    seen = Bad(k, 1000)
    assert judge_share(BadBounds(seen, seen), 1.0, holds=k < 1000) == judged


def test_many_looks_make_each_fail_surer_but_no_pass_dearer():
    assert ObjectiveOptions(looks=20).fail_confidence == pytest.approx(0.9975)
    assert [_judged(Bad(17, 1000), looks=looks) for looks in (1, 20)] == [FAIL, INCONCLUSIVE]
    assert [_judged(Bad(0, 299), looks=looks) for looks in (1, 20)] == [PROVEN, PROVEN]


def test_what_may_be_bad_neither_fails_nor_passes():
    """Five are beyond the limit for certain, fifty may be."""
    few, many = Bad(5, 1000), Bad(50, 1000)
    assert judge_share(BadBounds(few, many), 0.02, holds=False) == INCONCLUSIVE
    assert judge_share(BadBounds(few, few), 0.02, holds=True) == PROVEN
    assert judge_share(BadBounds(many, many), 0.02, holds=False) == FAIL


_BURST = [(0, 10)] * 40 + [(10, 10)] * 10 + [(0, 10)] * 50
"""A hundred of a thousand in one stretch."""


def test_a_sample_is_sized_by_those_beyond_the_limit_slot_by_slot():
    for slots, k, n, worth in (([(1, 10)] * 100, 100, 1000, 1000), ([(0, 10)] * 100, 0, 1000, 1000), ([], 0, 0, 0)):
        seen = BadEvents(slots)
        assert (seen.k, seen.n, seen.effective_n) == (k, n, worth)
    assert BadEvents(_BURST).effective_n < FEWEST


def test_slots_are_counted_by_their_better_and_their_worse_bounds():
    slots = [SlotCounts(n=10, bad_at_least=1, bad_at_most=2), SlotCounts(), SlotCounts(n=5)]
    bad = BadBounds.of(slots, still_good=3)
    assert (bad.at_least.k, bad.at_most.k, bad.n, bad.at_least.whole) == (1, 2, 15, 18)
    alike = BadBounds.of([SlotCounts(n=10, bad_at_least=2, bad_at_most=2)])
    assert alike.at_least is alike.at_most


def test_correlated_requests_keep_their_share_in_a_smaller_sample():
    """Three of a hundred that are worth fifty are one and a half of fifty: between one and two of them."""
    bounds = [Bad(k, n, 50).bounds(0.95) for k, n in ((1, 50), (3, 100), (2, 50))]
    assert bounds == [pytest.approx(each, abs=5e-5) for each in ((0.001, 0.0914), (0.0035, 0.1063), (0.0072, 0.1206))]


def test_the_interval_of_a_share_is_two_sided():
    """Of 689 none is bad: 1 - 0.05^(1/689) is the one-sided bound, 1 - 0.025^(1/689) the end of the interval."""
    none = Bad(0, 689)
    assert none.bounds(0.95) == (0.0, pytest.approx(0.004339, abs=1e-6))
    assert none.interval(0.95) == (0.0, pytest.approx(0.005340, abs=1e-6))
    assert Bad(10, 1000).interval() == pytest.approx((0.004806, 0.018314), abs=1e-6)


def test_what_is_in_flight_may_all_be_good():
    seen = BadEvents([(5, 10)] * 10, still_good=100)
    assert (seen.k, seen.n, seen.whole, seen.effective_n) == (50, 100, 200, 200)
    assert seen.share == 0.25
    assert beyond(seen, 0.2, 0.95)
    assert not beyond(seen, 0.25, 0.95)


def test_a_sample_within_its_budget_proves_nothing_at_any_confidence():
    assert not beyond(Bad(5, 100), 0.05, 0.1)
    assert beyond(Bad(6, 100), 0.05, 0.1)
    assert not beyond_so_far(Bad(5, 100), 0.05, 0.9, 1)
    assert beyond_so_far(Bad(6, 100), 0.05, 0.9, 1)


@pytest.mark.parametrize(
    ("k", "n", "longest", "is_beyond"),
    [
        (540, 1000, 700, True),  # below 55 % their order tells how many they are worth
        (550, 1000, 700, False),  # above they are worth one and a half: n / 700
        (1000, 1000, 700, False),
        (1000, 1000, 25, True),
        (550, 1000, 25, True),
        (94, 94, 25, True),
        (3000, 3000, 700, True),
    ],
)
def test_where_most_are_bad_so_far_one_disturbance_may_have_spoiled_many(k: int, n: int, longest: int, is_beyond: bool):
    """A fifth may be bad, and the error is 1 %."""
    assert beyond_so_far(Bad(k, n), 0.2, 0.01, longest) is is_beyond


def test_far_beyond_is_no_fact_while_a_run_goes_on():
    """The outage that spoiled a tenth of it may be the only one of a long run."""
    outage = BadEvents(_BURST)
    assert beyond(outage, 0.05, 0.95)
    assert not beyond_so_far(outage, 0.05, 0.01, 25)


def test_a_smaller_error_asks_for_more():
    assert [beyond_so_far(Bad(33, 100), 0.2, error, 25) for error in (0.01, 0.0001)] == [True, False]


def _deviation(by_slot) -> MeanDeviation:
    found = mean_deviation(by_slot)
    assert found is not None
    return found


def _spread(slots: int, size: int) -> list[Deviations]:
    """Values of 1 and of -1, as many of each in every slot."""
    return [Deviations(0.0, size, float(size))] * slots


def test_a_mean_of_independent_values_has_the_error_of_its_values():
    found = _deviation(_spread(100, 10))
    assert (found.mean, found.n, found.effective_n) == (0.0, 1000, 1000)
    assert found.stddev == pytest.approx(math.sqrt(1000 / 999))
    assert found.margin(0.95) == pytest.approx(1.959964 * found.stddev / math.sqrt(1000))


def test_a_mean_of_values_that_are_alike_in_their_slots_is_worth_fewer():
    """Ten seconds in a row are all 1, the next ten all -1."""
    found = _deviation([Deviations(10.0 * (-1) ** (slot // 10), 10, 10.0) for slot in range(100)])
    assert found.effective_n < 20
    assert (found.has_interval, found.margin(0.95)) == (False, math.inf)


def test_a_mean_off_the_limit_has_the_same_error():
    """The slots from above, each value 5 more."""
    rng = Random(1)
    at: list[Deviations] = []
    off: list[Deviations] = []
    for _ in range(100):
        values = [rng.gauss(0, 1) for _ in range(10)]
        for found, more in ((at, 0.0), (off, 5.0)):
            found.append(Deviations(sum(values) + 10 * more, 10, sum((value + more) ** 2 for value in values)))
    assert _deviation(off).mean == pytest.approx(_deviation(at).mean + 5.0)
    assert _deviation(off).stddev == pytest.approx(_deviation(at).stddev)
    assert _deviation(off).effective_n == _deviation(at).effective_n


def test_few_values_tell_no_error_of_a_mean():
    assert mean_deviation([Deviations(1.0, 3, 1.0)] * 9) is None
    assert mean_deviation([]) is None
    assert mean_deviation([Deviations(1.0, 3, 1.0)] * 10) is not None


@pytest.mark.parametrize(
    ("op", "mean", "is_far"),
    [("<", 2.0, True), ("<", 1.99, False), ("<", 0.5, False), (">", 0.5, True), (">", 0.51, False), (">", 2.0, False)],
)
def test_a_mean_is_far_beyond_its_limit_at_twice_of_it_or_half_of_a_lower_one(op: str, mean: float, is_far: bool):
    """However few independent values they are worth, if as many independent ones would prove it."""
    found = MeanDeviation(mean - 1.0, 1.0, 1000, 1)
    assert found.far_beyond(Op(op), 1.0, 0.95) is is_far
    assert not MeanDeviation(mean - 1.0, 100.0, 1000, 1).far_beyond(Op(op), 1.0, 0.95)


def test_a_mean_of_values_in_few_slots_counts_as_the_fewest():
    for slots in (1, 2, 3):
        assert _deviation(_spread(slots, 300)).effective_n == FEWEST
    assert _deviation(_spread(4, 300)).effective_n == 1200


@pytest.mark.parametrize(("effective_n", "is_enough"), [(29, False), (30, True)])
def test_a_mean_of_few_effective_values_is_neither_beyond_its_limit_nor_within_it(effective_n: int, is_enough: bool):
    high, low = (MeanDeviation(mean, 1.0, 1000, effective_n) for mean in (9.0, -9.0))
    assert high.has_interval is is_enough
    assert math.isfinite(high.margin(0.95)) is is_enough
    assert (high.beyond(Op("<"), 0.95), low.within(Op("<"), 0.95)) == (is_enough, is_enough)
    assert (high.within(Op("<"), 0.95), low.beyond(Op("<"), 0.95)) == (False, False)


@pytest.mark.parametrize(
    ("op", "mean", "is_beyond", "is_within"),
    [
        ("<", 0.021, True, False),
        ("<", 0.019, False, False),
        ("<", -0.019, False, False),
        ("<", -0.021, False, True),
        (">", -0.021, True, False),
        (">", 0.019, False, False),
        (">", 0.021, False, True),
    ],
)
def test_a_mean_is_beyond_its_limit_or_within_it_by_its_whole_interval(
    op: str, mean: float, is_beyond: bool, is_within: bool
):
    """The margin is 1.96 / 100 = 0.0196."""
    found = MeanDeviation(mean=mean, stddev=1.0, n=20_000, effective_n=10_000)
    assert (found.beyond(Op(op), 0.95), found.within(Op(op), 0.95)) == (is_beyond, is_within)


@pytest.mark.parametrize(("op", "total", "is_beyond"), [("<", 0.0, True), ("<=", 0.0, False), (">", 1.0, False)])
def test_a_mean_without_spread_is_beyond_its_limit_or_not(op: str, total: float, is_beyond: bool):
    found = mean_deviation([Deviations(total, 10, total * total / 10)] * 10)
    assert found is not None
    assert found.beyond(Op(op), 0.95) is is_beyond
