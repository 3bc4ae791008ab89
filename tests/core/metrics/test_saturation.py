"""Series of starts and ends per second, simulated: which of them are called saturated."""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import pytest

from relayload.core.metrics.saturation import Saturation, saturation

Rate = Callable[[float], float]


def found(starts_s: Sequence[float], ends_s: Sequence[float], for_s: float, from_s: float = 0.0) -> Saturation | None:
    return saturation(Counter(map(int, starts_s)), Counter(map(int, ends_s)), from_s, for_s)


def constant(rate_per_s: float, for_s: float) -> list[float]:
    return [index / rate_per_s for index in range(int(rate_per_s * for_s))]


def poisson(rng: Random, rate: Rate, most_per_s: float, for_s: float) -> list[float]:
    """Arrivals at a rate that changes, by thinning those at the highest."""
    at_s, arrivals = rng.expovariate(most_per_s), []
    while at_s < for_s:
        if rng.random() * most_per_s < rate(at_s):
            arrivals.append(at_s)
        at_s += rng.expovariate(most_per_s)
    return arrivals


def queued(arrivals: Sequence[float], service_s: Callable[[], float], slots: int = 1) -> list[float]:
    """When each ends if so many are served at a time, the others waiting."""
    free_at_s, ends = [0.0] * slots, []
    for at_s in arrivals:
        ends.append(max(at_s, heapq.heappop(free_at_s)) + service_s())
        heapq.heappush(free_at_s, ends[-1])
    return ends


def mm1(rng: Random, load: float, served_per_s: float, for_s: float) -> Saturation | None:
    arrivals = poisson(rng, lambda _: load * served_per_s, load * served_per_s, for_s)
    return found(arrivals, queued(arrivals, lambda: rng.expovariate(served_per_s)), for_s)


@pytest.mark.parametrize(("load", "grows_per_s"), [(1.1, 1.0), (2.0, 10.0)])
@pytest.mark.parametrize("slots", [1, 4])
def test_an_overload_is_told_with_its_growth(load: float, grows_per_s: float, slots: int):
    arrivals = constant(load * 10, 60)
    result = found(arrivals, queued(arrivals, lambda: slots / 10, slots), 60)
    assert result is not None
    assert result.in_flight_per_s == pytest.approx(grows_per_s, rel=0.1)
    assert result.low <= result.in_flight_per_s <= result.high
    assert str(result).startswith("saturated: in flight grew by ")


@pytest.mark.parametrize(("load", "for_s", "least"), [(1.1, 600, 18), (2.0, 60, 19), (1.5, 120, 19)])
def test_an_overload_is_told_at_random_arrivals_and_times_of_service(load: float, for_s: float, least: int):
    results = [mm1(Random(seed), load, 20, for_s) for seed in range(20)]
    assert sum(result is not None for result in results) >= least
    grown = [result.in_flight_per_s for result in results if result]
    assert sum(grown) / len(grown) == pytest.approx(20 * (load - 1), rel=0.15)


@pytest.mark.parametrize("for_s", [30, 60, 300, 900])
def test_a_queue_that_is_nearly_full_is_not_saturated(for_s: float):
    assert [seed for seed in range(60) if mm1(Random(seed), 0.95, 10, for_s)] == []


@pytest.mark.parametrize("latency_s", [0.05, 2.0, 10.0])
@pytest.mark.parametrize(
    "rate", [lambda at_s: 1 + at_s / 3, lambda at_s: 20 - at_s / 8, lambda at_s: 5 + 15 * (at_s > 60)]
)
def test_a_rate_that_changes_at_constant_latency_is_no_saturation(rate: Rate, latency_s: float):
    for seed in range(10):
        rng = Random(seed)
        arrivals = poisson(rng, rate, 41.0, 120)
        assert found(arrivals, [at_s + latency_s * rng.lognormvariate(-0.125, 0.5) for at_s in arrivals], 120) is None


@pytest.mark.parametrize("stalls_at_s", [0, 20, 40, 55])
def test_a_stall_is_no_saturation(stalls_at_s: int):
    arrivals = constant(10, 60)
    until_s = stalls_at_s + 10
    ends = [until_s if stalls_at_s <= at_s + 0.2 < until_s else at_s + 0.2 for at_s in arrivals]
    assert found(arrivals, ends, 60) is None


@pytest.mark.parametrize(
    ("begins", "ends", "is_told"), [(0.5, 1.5, False), (0.2, 3.0, False), (1.05, 2.0, True), (2.0, 0.5, False)]
)
def test_a_ramp_is_saturated_only_if_its_backlog_grew_from_the_first_third_on(begins, ends, is_told):
    rng = Random(1)
    arrivals = poisson(rng, lambda at_s: 20 * (begins + (ends - begins) * at_s / 300), 60.0, 300)
    assert (found(arrivals, queued(arrivals, lambda: rng.expovariate(20)), 300) is not None) is is_told


def test_a_load_that_still_fills_up_is_not_saturated():
    for latency_s in (10.0, 30.0, 60.0, 120.0):
        rng = Random(7)
        arrivals = poisson(rng, lambda _: 20.0, 20.0, 60)
        assert found(arrivals, [at_s + rng.expovariate(1 / latency_s) for at_s in arrivals], 60) is None


def test_what_was_in_flight_before_the_span_is_not_its_growth():
    arrivals = constant(10, 60)
    ends = queued(arrivals, lambda: 0.05)
    assert found([*arrivals, *[0.0] * 300], [*ends, *[60.0] * 300], 60, 10.0) is None


@pytest.mark.parametrize(("rate_per_s", "for_s"), [(5, 5), (100, 11.5), (1, 25)])
def test_a_short_run_says_nothing(rate_per_s: float, for_s: float):
    arrivals = constant(rate_per_s, for_s)
    assert found(arrivals, queued(arrivals, lambda: 2 / rate_per_s), for_s) is None


def test_nothing_is_no_saturation():
    assert found([], [], 60) is None
    assert found(constant(10, 60), [70.0] * 600, 60) is None
