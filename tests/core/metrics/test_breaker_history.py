import math

import pytest

from relayload.core.metrics.breaker_history import breaker_histories, in_order, open_s, opened_after_s, trips
from relayload.core.model.record import BreakerState

CLOSED, OPEN, TRYING = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


@pytest.fixture
def history(breaker_line):
    """One breaker opens at 10 s, tries at 40 s in vain, tries again at 70 s and closes; another one stays open."""
    return [
        breaker_line(10.0, CLOSED, OPEN, since_s=8.0),
        breaker_line(40.0, OPEN, TRYING),
        breaker_line(41.0, TRYING, OPEN, reason="trial_failed"),
        breaker_line(71.0, OPEN, TRYING),
        breaker_line(72.0, TRYING, CLOSED),
        breaker_line(50.0, CLOSED, OPEN, worker=1, since_s=49.5),
    ]


def test_every_worker_and_scope_has_a_breaker_of_its_own(history, breaker_line):
    lines = [*history, breaker_line(5.0, CLOSED, OPEN, scope="o4")]
    assert sorted(len(breaker.changes) for breaker in breaker_histories(reversed(lines))) == [1, 1, 5]
    assert [line.at_s for line in in_order(lines)] == [5.0, 10.0, 40.0, 41.0, 50.0, 71.0, 72.0]


def test_a_trip_is_every_change_to_open(history):
    assert [trip.at_s for trip in trips(history)] == [10.0, 41.0, 50.0]


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([(0.0, 100.0)], 30.0 + 30.0 + 50.0),
        ([(0.0, 45.0)], 30.0 + 4.0),
        ([(0.0, 15.0), (60.0, 65.0)], 5.0 + 5.0 + 5.0),
        ([(0.0, 5.0)], 0.0),
        ([], 0.0),
    ],
)
def test_open_time_adds_up_over_breakers_until_the_end(history, spans, seconds):
    assert open_s(breaker_histories(history), spans) == pytest.approx(seconds)


def test_a_breaker_has_recovered_when_it_is_closed_again(history):
    recoveries = [recovery for breaker in breaker_histories(history) for recovery in breaker.recoveries()]
    assert [(recovery.trip.at_s, recovery.after_s) for recovery in recoveries] == [(10.0, 62.0), (50.0, math.inf)]


def test_a_breaker_opened_after_the_first_of_the_failures_behind_it(history):
    assert [opened_after_s(trip) for trip in trips(history)] == [2.0, None, 0.5]
