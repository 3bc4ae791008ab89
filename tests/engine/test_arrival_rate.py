from collections.abc import Iterator

import gevent
from msgspec.structs import replace
from support import until

from relayload import clock
from relayload.core.traffic.arrivals import Arrival, schedule
from relayload.core.traffic.leases import EVERYTHING, Grant
from relayload.core.traffic.process import POISSON
from relayload.core.traffic.stages import Stage
from relayload.engine.arrival_rate import ArrivalRateExecutor, DropReason
from relayload.engine.permit import Permit
from relayload.engine.run_clock import RunClock

UNBOUNDED = 10_000


class Log:
    """Takes what a executor starts and drops; a request lasts `for_s`."""

    def __init__(self, for_s: float = 0.0) -> None:
        self.for_s = for_s
        self.started: list[int] = []
        self.late_s: list[float] = []
        self.dropped: list[tuple[int, DropReason]] = []

    def start(self, arrival: Arrival, late_s: float) -> None:
        self.started.append(arrival.index)
        self.late_s.append(late_s)
        gevent.sleep(self.for_s)

    def drop(self, arrival: Arrival, reason: DropReason) -> None:
        self.dropped.append((arrival.index, reason))


def every(gap_s: float, count: int) -> Iterator[Arrival]:
    return (Arrival(index, index * gap_s, 0, 0) for index in range(count))


def executor(
    arrivals: Iterator[Arrival],
    log: Log,
    *grants: Grant,
    max_in_flight: int = UNBOUNDED,
    began_s: float = 0.0,
    slots: int | None = None,
    complete: bool = True,
    for_s: float | None = None,
) -> ArrivalRateExecutor:
    """One that holds these grants, by default everything for ever."""
    permit = Permit(for_ever=for_s is None)
    if for_s is not None:
        permit.extend(clock.now_s() + for_s)
    made = ArrivalRateExecutor(arrivals, RunClock(clock.now_s() - began_s), max_in_flight, log.start, log.drop, permit)
    made.take(grants or [EVERYTHING], 10_000 if complete else 0, complete=complete, slots=slots)
    return made


def run(*made: ArrivalRateExecutor) -> None:
    """From the beginning to the end of all of them."""
    for each in made:
        each.begin()
    finish(*made)


def finish(*made: ArrivalRateExecutor) -> None:
    until(lambda: all(each.finished for each in made))


def test_every_arrival_is_started_once_and_none_early() -> None:
    log = Log()
    run(executor(every(0.005, 40), log))
    assert log.started == list(range(40))
    assert min(log.late_s) >= 0


def test_shares_of_several_executors_are_the_whole_schedule() -> None:
    log = Log()
    stages = [Stage("steady", 0.3, 200.0)]
    parts = [
        executor(schedule(stages, None, POISSON, [1.0], 7), log, Grant(1, 0, 10_000, part, 3)) for part in range(3)
    ]
    run(*parts)
    assert sorted(log.started) == [arrival.index for arrival in schedule(stages, None, POISSON, [1.0], 7)]


def test_what_exceeds_max_in_flight_is_dropped_and_the_schedule_goes_on() -> None:
    log = Log(for_s=10.0)
    made = executor(every(0.001, 5), log, max_in_flight=2)
    run(made)
    assert log.started == [0, 1]
    assert log.dropped == [(index, DropReason.MAX_IN_FLIGHT) for index in (2, 3, 4)]
    assert made.in_flight == 2
    made.abandon()
    assert made.in_flight == 0


def test_processes_share_max_in_flight() -> None:
    log = Log(for_s=10.0)
    parts = [executor(every(0.001, 10), log, Grant(1, 0, 10, part, 2), slots=2 - part) for part in range(2)]
    run(*parts)
    assert [part.in_flight for part in parts] == [2, 1]
    for part in parts:
        part.abandon()


def test_a_late_executor_starts_what_is_due_at_once_with_its_lateness() -> None:
    log, begun_at_s = Log(), clock.now_s() - 5.0
    run(executor(every(0.1, 5), log, began_s=5.0))
    assert log.started == [0, 1, 2, 3, 4]
    started_at_s = [index * 0.1 + late_s for index, late_s in zip(log.started, log.late_s, strict=True)]
    assert started_at_s[0] >= 5.0
    assert started_at_s == sorted(started_at_s)
    assert started_at_s[-1] <= clock.now_s() - begun_at_s


def test_an_arrival_too_late_for_the_limits_is_dropped() -> None:
    log = Log()
    arrivals = (replace(arrival, slack_s=0.5) for arrival in every(1.0, 2))
    run(executor(arrivals, log, began_s=1.0))
    assert log.dropped == [(0, DropReason.LATE)]
    assert log.started == [1]


def test_an_arrival_without_a_lease_is_dropped() -> None:
    log = Log()
    made = executor(every(0.001, 3), log, for_s=-1.0)
    run(made)
    assert log.dropped == [(index, DropReason.LEASE) for index in range(3)]
    assert log.started == []


def test_a_leased_arrival_that_is_overdue_for_longer_than_a_lease_is_dropped() -> None:
    log = Log()
    run(executor(every(3.0, 2), log, began_s=3.5, for_s=600.0))
    assert (log.started, log.dropped) == ([1], [(0, DropReason.LEASE)])


def test_arrivals_wait_until_they_are_granted() -> None:
    log = Log()
    made = executor(every(0.001, 6), log, Grant(1, 0, 2), complete=False)
    made.begin()
    until(lambda: log.started == [0, 1])
    gevent.sleep(0.05)
    assert (log.started, made.finished, made.ahead) == ([0, 1], False, 0)
    made.take([Grant(2, 2, 4, 0, 2)], 2, complete=False, slots=None)
    until(lambda: log.started == [0, 1, 2])
    made.take([Grant(3, 4, 6, 1, 2)], 6, complete=True, slots=None)
    finish(made)
    assert log.started == [0, 1, 2, 5]


def test_what_was_passed_over_can_still_be_granted() -> None:
    log = Log()
    made = executor(every(0.001, 6), log, Grant(1, 0, 4, 0, 2), Grant(2, 4, 6), complete=False)
    made.begin()
    until(lambda: log.started == [0, 2, 4, 5])
    assert not made.finished
    made.take([Grant(3, 0, 4, 1, 2)], 6, complete=True, slots=None)
    finish(made)
    assert log.started == [0, 2, 4, 5, 1, 3]


def test_a_slice_without_a_share_is_passed_over() -> None:
    log = Log()
    made = executor(every(0.001, 6), log, Grant(1, 4, 6), complete=False)
    made.begin()
    until(lambda: log.started == [4, 5])
    made.take([Grant(2, 2, 4, 1, 2)], 6, complete=True, slots=None)
    finish(made)
    assert log.started == [4, 5, 3]


def test_a_grant_that_comes_before_it_is_due_is_punctual() -> None:
    log = Log()
    made = executor(every(0.2, 3), log, Grant(1, 0, 3, 0, 2), complete=False)
    made.begin()
    until(lambda: log.started)
    made.take([Grant(2, 0, 3, 1, 2)], 3, complete=True, slots=None)
    finish(made)
    assert log.started == [0, 1, 2]


def test_every_copy_of_an_arrival_is_started() -> None:
    log = Log()
    copies = iter([Arrival(index, 0.0, 0, 0, target=target) for index in range(4) for target in (0, 1)])
    made = executor(copies, log, Grant(1, 0, 4, 1, 2), complete=False)
    made.begin()
    until(lambda: log.started == [1, 1, 3, 3])
    made.take([Grant(2, 0, 4, 0, 2)], 4, complete=True, slots=None)
    finish(made)
    assert log.started == [1, 1, 3, 3, 0, 0, 2, 2]


def test_the_end_awaits_no_more_grants() -> None:
    log = Log()
    made = executor(every(0.01, 100), log, Grant(1, 0, 2), complete=False)
    made.begin()
    until(lambda: log.started == [0, 1])
    made.end_at(0.1)
    finish(made)
    assert log.started == [0, 1]


def test_nothing_due_after_the_end_is_started() -> None:
    log = Log()
    made = executor(every(0.1, 50), log)
    made.begin()
    until(lambda: log.started)
    last = log.started[-1] + 2
    made.end_at(last * 0.1 + 0.05)
    finish(made)
    assert log.started == list(range(last + 1))


def test_a_failure_of_our_own_in_a_request_is_kept() -> None:
    def fail(arrival: Arrival, late_s: float) -> None:
        raise RuntimeError("ours")

    permit = Permit(for_ever=True)
    made = ArrivalRateExecutor(every(0.0, 1), RunClock(clock.now_s()), UNBOUNDED, fail, Log().drop, permit)
    made.take([EVERYTHING], 0, complete=True, slots=None)
    run(made)
    assert isinstance(made.crash, RuntimeError)


def test_what_is_due_later_is_sent_at_other_instants_and_nothing_twice() -> None:
    log = Log()
    made = executor(every(0.02, 50), log)
    made.begin()
    until(lambda: len(log.started) >= 5)
    made.reschedule((Arrival(index, 0.4 + (index - 20) * 0.002, 0, 0) for index in range(20, 120)), 0.39)
    finish(made)
    assert log.started == list(range(120))
    assert min(log.late_s) >= 0


def test_what_was_granted_and_falls_off_a_slower_schedule_is_not_sent() -> None:
    log = Log()
    made = executor(every(0.01, 50), log)
    made.begin()
    until(lambda: len(log.started) >= 5)
    made.reschedule(iter([Arrival(index, index * 0.05, 0, 0) for index in range(len(log.started), 20)]), 0.0)
    finish(made)
    assert log.started == list(range(20))
    assert made.ahead == 0


def test_one_that_had_finished_goes_on_if_there_are_more() -> None:
    log = Log()
    made = executor(every(0.001, 5), log)
    run(made)
    made.reschedule(every(0.001, 9), -1.0)
    finish(made)
    assert log.started == list(range(9))
    made.abandon()
    made.reschedule(every(0.001, 20), -1.0)
    assert made.finished


def test_several_that_are_rescheduled_send_every_index_once() -> None:
    log = Log()
    parts = [
        executor(every(0.004, 100), log, Grant(1, 0, 40, part, 3), Grant(2, 40, 400, (part + 1) % 3, 3), complete=True)
        for part in range(3)
    ]
    for each in parts:
        each.begin()
    until(lambda: len(log.started) >= 20)
    for each in parts:
        each.reschedule((arrival for arrival in every(0.001, 150)), -1.0)
    finish(*parts)
    assert sorted(log.started) == list(range(150))


def test_a_place_that_nobody_was_granted_when_it_passed_keeps_its_new_instant() -> None:
    log = Log()
    made = executor(every(0.001, 10), log, Grant(1, 0, 5), Grant(2, 6, 10), complete=False)
    made.begin()
    until(lambda: len(log.started) == 9)
    made.reschedule(every(0.002, 10), -1.0)
    made.take([Grant(3, 5, 6)], 10, complete=True, slots=None)
    finish(made)
    assert sorted(log.started) == list(range(10))


def test_copies_for_several_targets_are_told_apart() -> None:
    log = Log()
    copies = [replace(arrival, target=target) for arrival in every(0.01, 10) for target in (1, 0)]
    made = executor(iter(copies), log)
    made.begin()
    until(lambda: len(log.started) >= 7)
    made.reschedule(iter([replace(each, intended_at_s=each.intended_at_s / 2) for each in copies]), -1.0)
    finish(made)
    assert log.started == [number // 2 for number in range(20)]
