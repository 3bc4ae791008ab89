from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.traffic.arrivals import Arrival, schedule
from relayload.core.traffic.limits import CHANGE_GUARD_S, LIMIT_GUARD_S, Limits
from relayload.core.traffic.process import CONSTANT, POISSON, Bursts, Process, Spacing
from relayload.core.traffic.rate_changes import RateChange, changed
from relayload.core.traffic.slack import with_slack
from relayload.core.traffic.stages import Stage, rate_segments

PROCESSES = [
    CONSTANT,
    POISSON,
    Process(Spacing.GAMMA, cv=2.0),
    Process(Spacing.POISSON, bursts=Bursts(2.0, 3.0)),
    Process(Spacing.CONSTANT, bursts=Bursts(1.0, 2.0, exponential=True)),
]
ROUNDING_S = 1e-6


def instants(arrivals: Sequence[Arrival]) -> list[float]:
    return [arrival.intended_at_s for arrival in arrivals]


def sent(
    stages: Sequence[Stage], *changes: RateChange, process: Process = CONSTANT, limits: Limits | None = None
) -> list[Arrival]:
    return list(schedule(stages, limits, process, [2.0, 1.0], 7, changes))


def changes_of(drawn: Sequence[tuple[float, float]]) -> list[RateChange]:
    return [RateChange(at_s, factor) for at_s, factor in sorted(dict(drawn).items())]


drawn_changes = st.lists(st.tuples(st.floats(0.01, 199.0), st.floats(0.01, 10.0)), min_size=1, max_size=4).map(
    changes_of
)
drawn_stages = st.builds(
    lambda one, two, three: [Stage("a", 60.0, one), Stage("pause", 10.0, pause=True), Stage("b", 130.0, two, three)],
    *[st.floats(0.5, 8.0)] * 3,
)
drawn_limits = st.one_of(st.none(), st.builds(Limits, st.integers(2, 20), st.integers(20, 400)))


@given(stages=drawn_stages, changes=drawn_changes, process=st.sampled_from(PROCESSES), limits=drawn_limits)
def test_what_is_due_before_a_change_stays_as_it_was(
    stages: list[Stage], changes: list[RateChange], process: Process, limits: Limits | None
) -> None:
    before = sent(stages, *changes[:-1], process=process, limits=limits)
    after = sent(stages, *changes, process=process, limits=limits)
    until_s = changes[-1].at_s - ROUNDING_S
    assert [each for each in before if each.intended_at_s < until_s] == [
        each for each in after if each.intended_at_s < until_s
    ]


@given(stages=drawn_stages, changes=drawn_changes, process=st.sampled_from(PROCESSES), limits=drawn_limits)
def test_indices_go_on_in_order_of_time_and_scenarios_stay(
    stages: list[Stage], changes: list[RateChange], process: Process, limits: Limits | None
) -> None:
    before = sent(stages, process=process, limits=limits)
    after = sent(stages, *changes, process=process, limits=limits)
    assert [each.index for each in after] == list(range(len(after)))
    assert all(one <= other for one, other in pairwise(instants(after)))
    assert all(one.scenario == other.scenario for one, other in zip(before, after, strict=False))
    assert not [each for each in after if stages[each.stage].pause]


@given(stages=drawn_stages, changes=drawn_changes, limits=st.builds(Limits, st.integers(2, 20), st.integers(20, 400)))
def test_limits_hold_over_every_change_even_when_starts_are_late(
    stages: list[Stage], changes: list[RateChange], limits: Limits
) -> None:
    """Those before a change may be late by as much as they were allowed before anybody knew of it."""
    arrivals = sent(stages, *changes, process=POISSON, limits=limits)
    for late_s in (0.0, LIMIT_GUARD_S * 0.999):
        starts = sorted(at_s + late_s * (number % 2) for number, at_s in enumerate(instants(arrivals)))
        for window_s, most in limits.windows:
            assert all(later - at_s >= window_s for at_s, later in zip(starts, starts[most:], strict=False))


@given(stages=drawn_stages, changes=drawn_changes, process=st.sampled_from(PROCESSES))
def test_limits_that_are_never_reached_change_nothing(
    stages: list[Stage], changes: list[RateChange], process: Process
) -> None:
    wide = Limits(10_000, 100_000)
    free, limited = (sent(stages, *changes, process=process, limits=limits) for limits in (None, wide))
    assert instants(limited) == pytest.approx(instants(free))


@given(stages=drawn_stages, factor=st.floats(1.0, 10.0), at_s=st.floats(1.0, 199.0))
def test_after_a_change_there_is_room_for_those_before_it_that_start_late(
    stages: list[Stage], factor: float, at_s: float
) -> None:
    limits = Limits(5, 60)
    arrivals = list(with_slack(sent(stages, RateChange(at_s, factor), process=POISSON, limits=limits), limits))
    old = {each.index: each.slack_s for each in with_slack(sent(stages, process=POISSON, limits=limits), limits)}
    room_s = LIMIT_GUARD_S + CHANGE_GUARD_S - ROUNDING_S
    assert all(
        each.slack_s >= min(room_s, old[each.index] - ROUNDING_S) for each in arrivals if each.intended_at_s < at_s
    )


@given(stages=drawn_stages, changes=drawn_changes)
def test_evenly_spaced_arrivals_are_as_many_as_the_changed_rates_give(
    stages: list[Stage], changes: list[RateChange]
) -> None:
    whole = list(changed(rate_segments(stages), changes))
    assert len(sent(stages, *changes)) == pytest.approx(whole[-1].expected_by_end, abs=1.001)


@pytest.mark.parametrize("factor", [0.5, 1.5, 4.0])
def test_the_rate_after_a_change_is_that_of_the_plan_times_the_factor(factor: float) -> None:
    arrivals = instants(sent([Stage("steady", 100.0, 20.0)], RateChange(40.0, factor)))
    assert len([at_s for at_s in arrivals if at_s < 40.0]) == 800
    gaps = [later - at_s for at_s, later in pairwise(arrivals) if at_s > 40.0]
    assert gaps == pytest.approx([1 / (20.0 * factor)] * len(gaps))
    assert len(arrivals) == 800 + round(60 * 20 * factor)


def test_factors_are_those_of_the_plan_and_not_of_one_another() -> None:
    arrivals = instants(sent([Stage("steady", 30.0, 10.0)], RateChange(10.0, 2.0), RateChange(20.0, 3.0)))
    counts = [len([at_s for at_s in arrivals if from_s <= at_s + 1e-9 < from_s + 10.0]) for from_s in (0.0, 10.0, 20.0)]
    assert counts == [100, 200, 300]


def test_a_ramp_goes_on_with_its_slope_multiplied_too() -> None:
    plain, twice = (
        list(changed(rate_segments([Stage("ramp", 60.0, 4.0, 10.0)]), made)) for made in ([], [RateChange(30.0, 2.0)])
    )
    assert (plain[0].expected_by_end, twice[1].expected_by_end) == (420.0, 165.0 + 2 * 255.0)
    assert (twice[1].rate_per_s, twice[1].slope_per_s2) == (14.0, 0.2)


def test_a_poisson_load_has_the_mean_of_the_changed_rate() -> None:
    arrivals = instants(sent([Stage("steady", 2000.0, 10.0)], RateChange(1000.0, 1.5), process=POISSON))
    assert len([at_s for at_s in arrivals if at_s >= 1000.0]) == pytest.approx(15_000, rel=0.03)
