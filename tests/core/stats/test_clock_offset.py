from collections.abc import Iterator
from random import Random

import pytest

from relayload.core.stats.clock_offset import MOST_DRIFT, ClockOffset, Exchange

AHEAD_S = 86_400.0
"""The other host was booted a day earlier."""


def exchange(
    at_s: float, there_s: float, back_s: float, *, ahead_s: float = AHEAD_S, held_s: float = 0.001
) -> Exchange:
    """A question asked at an instant of one's own clock, and the seconds that it and its answer took."""
    received_at_s = at_s + there_s + ahead_s
    return Exchange(at_s, received_at_s, received_at_s + held_s, at_s + there_s + held_s + back_s)


def test_equal_ways_give_the_offset_itself() -> None:
    one = exchange(5.0, 0.04, 0.04)
    assert one.offset_s == pytest.approx(AHEAD_S, abs=1e-9)
    assert one.round_trip_s == pytest.approx(0.08, abs=1e-9)


def test_the_time_that_the_answer_was_held_is_no_way() -> None:
    one = exchange(5.0, 0.04, 0.04, held_s=7.0)
    assert one.offset_s == pytest.approx(AHEAD_S, abs=1e-9)
    assert one.round_trip_s == pytest.approx(0.08, abs=1e-9)


@pytest.mark.parametrize(("there_s", "back_s"), [(0.08, 0.0), (0.0, 0.08), (0.05, 0.03)])
def test_unequal_ways_are_off_by_half_their_difference(there_s: float, back_s: float) -> None:
    clock = ClockOffset()
    clock.add(exchange(5.0, there_s, back_s))
    assert clock.offset_s == pytest.approx(AHEAD_S + (there_s - back_s) / 2, abs=1e-9)
    assert clock.error_s(5.0 + 0.081) == pytest.approx(0.04, abs=1e-9)


def test_nothing_is_known_before_the_first_answer() -> None:
    clock = ClockOffset()
    assert (clock.offset_s, clock.error_s(1.0)) == (None, None)


def test_the_quickest_exchange_counts_until_another_is_surer() -> None:
    clock = ClockOffset()
    clock.add(exchange(0.0, 0.001, 0.001))
    clock.add(exchange(10.0, 0.009, 0.001))
    assert clock.offset_s == pytest.approx(AHEAD_S, abs=1e-9)
    # 0.001 s and the drift of 180 s are as much as 0.010 s
    clock.add(exchange(170.0, 0.019, 0.001))
    assert clock.offset_s == pytest.approx(AHEAD_S, abs=1e-9)
    clock.add(exchange(190.0, 0.019, 0.001))
    assert clock.offset_s == pytest.approx(AHEAD_S + 0.009, abs=1e-9)


def test_the_bound_grows_while_nobody_answers() -> None:
    clock = ClockOffset()
    clock.add(exchange(0.0, 0.001, 0.001, held_s=0.0))
    assert clock.error_s(600.002) == pytest.approx(0.001 + 0.030, abs=1e-9)


def test_a_clock_that_was_halted_is_believed_anew() -> None:
    clock = ClockOffset()
    clock.add(exchange(0.0, 0.001, 0.001))
    clock.add(exchange(5.0, 0.05, 0.05, ahead_s=AHEAD_S - 3.0))
    assert clock.offset_s == pytest.approx(AHEAD_S - 3.0, abs=1e-9)


def link(random: Random, rate: float, lossy: float) -> Iterator[tuple[Exchange, float]]:
    """Ten minutes of exchanges over a link with jitter, long delays and losses, between clocks that drift apart.

    Yields each with the true offset when its answer arrived.
    """
    for second in range(600):
        if random.random() < lossy:
            continue
        at_s = second + random.random()
        there_s, back_s = (0.0002 + random.expovariate(1 / 0.005) for _ in range(2))
        held_s = random.expovariate(1 / 0.001)
        true_s = [AHEAD_S + rate * seconds for seconds in (at_s + there_s, at_s + there_s + held_s)]
        arrived_at_s = at_s + there_s + held_s + back_s
        yield (
            Exchange(at_s, at_s + there_s + true_s[0], at_s + there_s + held_s + true_s[1], arrived_at_s),
            AHEAD_S + rate * arrived_at_s,
        )


@pytest.mark.parametrize("lossy", [0.0, 0.9])
@pytest.mark.parametrize("rate", [0.0, MOST_DRIFT * 0.99, -MOST_DRIFT * 0.99])
def test_the_truth_is_always_within_the_bound(rate: float, lossy: float) -> None:
    clock = ClockOffset()
    bounds_s = []
    for seen, true_s in link(Random(7), rate, lossy):
        clock.add(seen)
        offset_s, error_s = clock.offset_s, clock.error_s(seen.arrived_at_s)
        assert offset_s is not None
        assert error_s is not None
        assert abs(offset_s - true_s) <= error_s + 1e-9
        bounds_s.append(error_s)
    assert sorted(bounds_s)[len(bounds_s) // 2] < 0.003  # round trips are 10 ms in the mean
