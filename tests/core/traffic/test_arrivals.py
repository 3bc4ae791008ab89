import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.traffic.arrivals import Arrival, schedule, trace_schedule
from relayload.core.traffic.leases import Grant
from relayload.core.traffic.limits import LIMIT_GUARD_S, Limits
from relayload.core.traffic.process import CONSTANT, POISSON, Bursts, Process, Spacing
from relayload.core.traffic.stages import Stage

GAMMA = Process(Spacing.GAMMA, cv=2.0)
BURSTS = Process(Spacing.POISSON, bursts=Bursts(2.0, 3.0))


@dataclass
class Row:
    at_s: float
    input_tokens: int | None = None
    output_tokens: int | None = None
    model: str | None = None
    scenario: int | None = None
    session: str | None = None
    blocks: tuple[int, ...] = ()


def instants(arrivals: Sequence[Arrival]) -> list[float]:
    return [arrival.intended_at_s for arrival in arrivals]


def constant(*stages: Stage, limits: Limits | None = None) -> list[Arrival]:
    return list(schedule(stages, limits, CONSTANT, [1.0], seed=1))


def test_constant_arrivals_are_evenly_spaced_and_begin_at_zero() -> None:
    assert instants(constant(Stage("steady", 2.0, 4.0))) == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]


@pytest.mark.parametrize(
    ("rate_per_s", "for_s", "count"),
    [(40.0, 10.0, 400), (1 / 60, 600.0, 10), (300 / 60, 7.0, 35), (0.1, 30.0, 3), (1000.0, 3.3, 3300)],
)
def test_a_constant_rate_gives_exactly_rate_times_time(rate_per_s: float, for_s: float, count: int) -> None:
    assert len(constant(Stage("steady", for_s, rate_per_s))) == count


def test_a_ramp_starts_as_many_as_the_area_under_it() -> None:
    arrivals = constant(Stage("ramp", 60.0, 4.0, 10.0))
    assert len(arrivals) == 420
    # Λ(t) = 4t + t²/20, so arrival k starts at the positive root of t²/20 + 4t - k.
    assert arrivals[100].intended_at_s == pytest.approx(-40 + math.sqrt(1600 + 2000))


def test_a_ramp_may_begin_or_end_at_zero() -> None:
    up, down = constant(Stage("up", 10.0, 0.0, 2.0)), constant(Stage("down", 10.0, 2.0, 0.0))
    assert (len(up), len(down)) == (10, 10)
    assert up[5].intended_at_s == pytest.approx(math.sqrt(50))


def test_nothing_starts_in_a_pause_and_the_count_goes_on_after_it() -> None:
    stages = (Stage("a", 10.0, 1.0), Stage("pause", 5.0, 0.0), Stage("b", 10.0, 1.0))
    arrivals = constant(*stages)
    assert instants(arrivals) == [*range(10), *range(15, 25)]
    assert [arrival.stage for arrival in arrivals] == [0] * 10 + [2] * 10


def test_indices_count_up_without_gaps() -> None:
    arrivals = list(schedule([Stage("steady", 50.0, 10.0)], None, POISSON, [1.0], seed=3))
    assert [arrival.index for arrival in arrivals] == list(range(len(arrivals)))


def test_the_same_seed_gives_the_same_arrivals_and_another_seed_others() -> None:
    stages = [Stage("steady", 20.0, 10.0)]
    one, again, other = (list(schedule(stages, None, POISSON, [3, 1], seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_scenarios_are_drawn_in_proportion_to_their_weights() -> None:
    arrivals = list(schedule([Stage("steady", 1000.0, 20.0)], None, CONSTANT, [3.0, 1.0, 0.5], seed=1))
    shares = [sum(arrival.scenario == number for arrival in arrivals) / len(arrivals) for number in range(3)]
    assert shares == pytest.approx([3 / 4.5, 1 / 4.5, 0.5 / 4.5], abs=0.015)


def test_weights_do_not_change_the_instants() -> None:
    stages = [Stage("steady", 20.0, 10.0)]
    one, other = (instants(list(schedule(stages, None, POISSON, weights, 1))) for weights in ([1, 1], [5, 1, 2]))
    assert one == other


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 8])
def test_shares_together_are_the_whole_schedule(workers: int) -> None:
    arrivals = list(schedule([Stage("steady", 30.0, 10.0)], None, POISSON, [1.0], seed=2))
    shares = [Grant(1, 0, None, number, workers) for number in range(workers)]
    parts = [[arrival for arrival in arrivals if share.owns(arrival.index)] for share in shares]
    assert sorted(chain.from_iterable(parts), key=lambda arrival: arrival.index) == arrivals


def most_in_any_window(times: Sequence[float], window_s: float) -> int:
    most, first = 0, 0
    for last, at_s in enumerate(times):
        while times[first] <= at_s - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


@given(
    rate_per_s=st.floats(0.5, 50),
    to_per_s=st.floats(0.5, 50),
    per_second=st.integers(1, 30),
    per_minute=st.integers(5, 600),
    process=st.sampled_from([CONSTANT, POISSON, GAMMA, BURSTS]),
)
def test_no_sliding_window_holds_more_than_its_limit_even_when_starts_are_late(
    rate_per_s: float, to_per_s: float, per_second: int, per_minute: int, process: Process
) -> None:
    stages = [Stage("steady", 70.0, rate_per_s), Stage("ramp", 70.0, rate_per_s, to_per_s)]
    limits = Limits(per_second, per_minute)
    arrivals = list(schedule(stages, limits, process, [1.0], seed=4))
    late = [at_s + (LIMIT_GUARD_S * 0.999 if number % 2 else 0.0) for number, at_s in enumerate(instants(arrivals))]
    for times in (instants(arrivals), sorted(late)):
        assert most_in_any_window(times, 1.0) <= per_second
        assert most_in_any_window(times, 60.0) <= per_minute


def test_a_limit_that_is_never_reached_changes_nothing() -> None:
    stages = [Stage("steady", 60.0, 2.0)]
    assert constant(*stages, limits=Limits(per_second=5)) == constant(*stages)


def test_what_a_limit_refuses_is_not_made_up_for_later() -> None:
    arrivals = constant(Stage("burst", 10.0, 20.0), Stage("calm", 10.0, 1.0), limits=Limits(per_second=5))
    calm = [arrival for arrival in arrivals if arrival.stage == 1]
    assert len(calm) == 10


def test_however_shortly_a_limit_holds_an_arrival_back_the_next_one_keeps_its_distance() -> None:
    arrivals = constant(Stage("burst", 0.5, 10.0), Stage("calm", 3.0, 2.0), limits=Limits(per_second=4))
    held_until_s = 1.0 + LIMIT_GUARD_S  # the fifth, which was due at 0.4 s
    calm = [held_until_s + 0.5 * number for number in range(5)]
    assert instants(arrivals) == pytest.approx([0.0, 0.1, 0.2, 0.3, *calm])


def test_what_a_limit_holds_back_never_starts_in_a_pause() -> None:
    stages = (Stage("burst", 1.0, 20.0), Stage("pause", 10.0), Stage("calm", 5.0, 1.0))
    arrivals = constant(*stages, limits=Limits(per_second=5))
    assert [arrival.stage for arrival in arrivals] == [0] * 5 + [2] * 5
    assert instants(arrivals)[5:] == [11.0, 12.0, 13.0, 14.0, 15.0]


def test_the_arrivals_of_a_seed_are_the_same_in_every_version() -> None:
    stages = [Stage("steady", 2.0, 2.0), Stage("ramp", 2.0, 2.0, 4.0)]
    arrivals = list(schedule(stages, None, POISSON, [3.0, 1.0], seed=7))[:5]
    assert [(arrival.intended_at_s, arrival.scenario) for arrival in arrivals] == [
        (1.026316947836881, 0),
        (1.2358805572318092, 0),
        (1.69038972611173, 0),
        (2.357049856089621, 0),
        (3.0544982302739347, 1),
    ]


def test_a_limit_that_is_never_reached_changes_no_poisson_arrival() -> None:
    stages = [Stage("ramp", 60.0, 2.0, 9.0), Stage("pause", 5.0), Stage("steady", 20.0, 3.0)]
    free, held = (list(schedule(stages, limits, POISSON, [1.0], 5)) for limits in (None, Limits(per_second=1000)))
    assert held == free


def test_every_row_of_a_trace_keeps_its_time_and_its_tokens() -> None:
    rows = [Row(0.0, 10, 1), Row(0.5, 20, 2), Row(0.5, 30, 3)]
    arrivals = list(trace_schedule(rows, [Stage("trace", math.inf)], None, [1.0], seed=1))
    assert arrivals == [
        Arrival(0, 0.0, 0, 0, 10, 1),
        Arrival(1, 0.5, 0, 0, 20, 2),
        Arrival(2, 0.5, 0, 0, 30, 3),
    ]


def test_a_trace_ends_with_its_stages() -> None:
    rows = (Row(float(number), 1, 1) for number in range(100))
    stages = [Stage("warm", 3.0, warmup=True), Stage("steady", 5.0)]
    arrivals = list(trace_schedule(rows, stages, None, [1.0], seed=1))
    assert [arrival.stage for arrival in arrivals] == [0, 0, 0, 1, 1, 1, 1, 1]


def test_a_limit_delays_rows_of_a_trace_but_loses_none() -> None:
    rows = [Row(0.1 * number, 1, 1) for number in range(20)]
    arrivals = list(trace_schedule(rows, [Stage("trace", math.inf)], Limits(per_second=5), [1.0], seed=1))
    assert len(arrivals) == 20
    assert most_in_any_window(instants(arrivals), 1.0) <= 5


def test_a_schedule_is_drawn_as_it_is_read() -> None:
    endless = schedule([Stage("steady", 1e12, 1000.0)], None, POISSON, [1.0], seed=1)
    assert len(list(islice(endless, 3))) == 3
