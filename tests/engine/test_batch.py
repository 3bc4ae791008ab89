import itertools
from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event
from support import until

from relayload import clock
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.batches import Batches
from relayload.core.traffic.leases import EVERYTHING, Grant
from relayload.engine.batch import BatchExecutor
from relayload.engine.permit import Permit
from relayload.engine.run_clock import RunClock


class Log:
    """Takes what a loop starts; a request lasts `for_s`, and until it is `released`."""

    def __init__(self, for_s: float = 0.0) -> None:
        self.for_s = for_s
        self.arrivals: list[Arrival] = []
        self.late_s: list[float] = []
        self.ended: list[int] = []
        self.in_flight = self.peak = 0
        self.events: list[tuple[str, int]] = []

    def start(self, arrival: Arrival, late_s: float, released: Event | None = None) -> None:
        self.arrivals.append(arrival)
        self.late_s.append(late_s)
        self.events.append(("begin", arrival.index))
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            gevent.sleep(self.for_s)
            if released is not None:
                released.wait()
        finally:
            self.in_flight -= 1
            self.events.append(("end", arrival.index))

    @property
    def indices(self) -> list[int]:
        return [arrival.index for arrival in self.arrivals]


def loop(
    batches: Batches,
    start: Callable[[Arrival, float], None],
    *grants: Grant,
    complete: bool = True,
    slots: int | None = None,
    ask: Callable[[], None] = lambda: None,
    permit: Permit | None = None,
) -> BatchExecutor:
    """One that holds these grants, by default everything."""
    scenarios = [index % 2 for index in range(batches.requests)]

    def arrival(index: int, due_at_s: float) -> Arrival:
        return Arrival(index, due_at_s, 0, scenarios[index])

    made = BatchExecutor(batches, arrival, RunClock(clock.now_s()), start, permit or Permit(for_ever=True), ask)
    made.take(grants or [EVERYTHING], 0, complete=complete, slots=slots)
    return made


def run(*loops: BatchExecutor) -> None:
    """From the beginning to the end of all of them."""
    for each in loops:
        each.begin()
    finish(*loops)


def finish(*loops: BatchExecutor) -> None:
    until(lambda: all(each.finished for each in loops))
    for each in loops:
        each.abandon()


def test_every_request_is_sent_once_in_order_with_its_scenario_and_never_too_many_at_once() -> None:
    log = Log(for_s=0.002)
    run(loop(Batches(40, 40, 4), log.start))
    assert log.indices == list(range(40))
    assert [arrival.scenario for arrival in log.arrivals] == [0, 1] * 20
    assert log.peak == 4


def test_a_process_has_no_more_in_flight_than_its_part() -> None:
    log = Log(for_s=0.002)
    run(loop(Batches(60, 60, 5), log.start, Grant(1, 0, 10), Grant(2, 30, 40), slots=2))
    assert log.indices == [*range(10), *range(30, 40)]
    assert log.peak == 2


def test_more_is_asked_for_as_slots_get_free_and_begun_when_it_is_granted() -> None:
    log, asked = Log(for_s=0.01), []
    made = loop(Batches(10, 10, 2), log.start, Grant(1, 0, 2), complete=False, ask=lambda: asked.append(made.wanted))
    assert made.wanted == 2
    made.begin()
    until(lambda: made.ended == 2)
    assert asked[-1] >= 4
    assert not made.finished
    made.take([Grant(2, 4, 5)], 5, complete=True, slots=2)
    finish(made)
    assert log.indices == [0, 1, 4]
    assert made.ended == 3


def test_nothing_begins_without_a_lease() -> None:
    log, permit = Log(), Permit()
    made = loop(Batches(2, 2, 2), log.start, permit=permit)
    made.begin()
    gevent.sleep(0.02)
    assert log.indices == []
    permit.extend(clock.now_s() + 600.0)
    finish(made)
    assert log.indices == [0, 1]


def test_a_batch_begins_when_all_of_the_one_before_have_ended() -> None:
    log, others_begun = Log(for_s=0.001), Event()

    def start(arrival: Arrival, late_s: float) -> None:
        if arrival.index == 2:
            others_begun.set()
        log.start(arrival, late_s, released=others_begun if arrival.index == 0 else None)

    run(loop(Batches(6, 3, 2), start))
    assert log.events.index(("begin", 3)) > log.events.index(("end", 0))
    assert log.events.index(("begin", 2)) < log.events.index(("end", 0))


def test_a_request_is_due_when_another_has_made_room_for_it() -> None:
    log = Log(for_s=0.03)
    run(loop(Batches(3, 3, 1), log.start))
    due_at_s = [arrival.intended_at_s for arrival in log.arrivals]
    assert [later - earlier >= 0.03 for earlier, later in itertools.pairwise(due_at_s)] == [True, True]
    assert min(log.late_s) >= 0


def test_requests_that_take_no_time_all_are_sent() -> None:
    indices: list[int] = []
    run(loop(Batches(500, 50, 10), lambda arrival, _: indices.append(arrival.index)))
    assert sorted(indices) == list(range(500))


def test_a_stop_lets_no_further_turn_come_and_what_is_in_flight_end() -> None:
    log = Log(for_s=0.05)
    made = loop(Batches(20, 20, 2), log.start)
    made.begin()
    gevent.sleep(0.02)
    made.end_at(0.0)
    assert not made.finished
    finish(made)
    assert log.indices == [0, 1]
    assert log.in_flight == 0


def test_what_is_abandoned_is_killed_and_waited_for() -> None:
    log = Log(for_s=10.0)
    made = loop(Batches(5, 5, 3), log.start)
    made.begin()
    gevent.sleep(0.02)
    assert made.in_flight == 3
    made.abandon()
    assert (made.in_flight, log.in_flight, log.indices) == (0, 0, [0, 1, 2])
    assert made.finished


@pytest.mark.parametrize("for_s", [0.0, 0.01])
def test_a_failure_of_our_own_is_kept_and_holds_up_nothing(for_s: float) -> None:
    log = Log(for_s=for_s)

    def start(arrival: Arrival, late_s: float) -> None:
        log.start(arrival, late_s)
        if arrival.index == 1:
            raise ZeroDivisionError

    made = loop(Batches(6, 6, 2), start)
    run(made)
    assert isinstance(made.crash, ZeroDivisionError)
    assert log.indices == list(range(6))
