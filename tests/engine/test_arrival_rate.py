from collections.abc import Iterator

import gevent
from support import until

from relayload import clock
from relayload.core.traffic.arrivals import Arrival, Share, schedule
from relayload.core.traffic.process import POISSON
from relayload.core.traffic.stages import Stage
from relayload.engine.arrival_rate import ArrivalRateExecutor, Bounds, DropReason
from relayload.engine.run_clock import RunClock

UNBOUNDED = Bounds(max_in_flight=10_000)


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
    *,
    share: Share = Share(0, 1),  # noqa: B008 -- immutable
    bounds: Bounds = UNBOUNDED,
    began_s: float = 0.0,
) -> ArrivalRateExecutor:
    made = ArrivalRateExecutor(arrivals, RunClock(clock.now_s() - began_s), bounds, log.start, log.drop)
    made.assign(share, 0.0)
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
    parts = [executor(schedule(stages, None, POISSON, [1.0], 7), log, share=Share(number, 3)) for number in range(3)]
    run(*parts)
    assert sorted(log.started) == [arrival.index for arrival in schedule(stages, None, POISSON, [1.0], 7)]


def test_what_exceeds_max_in_flight_is_dropped_and_the_schedule_goes_on() -> None:
    log = Log(for_s=10.0)
    made = executor(every(0.001, 5), log, bounds=Bounds(max_in_flight=2))
    run(made)
    assert log.started == [0, 1]
    assert log.dropped == [(index, DropReason.MAX_IN_FLIGHT) for index in (2, 3, 4)]
    assert made.in_flight == 2
    made.abandon()
    assert made.in_flight == 0


def test_processes_share_max_in_flight() -> None:
    log = Log(for_s=10.0)
    parts = [executor(every(0.001, 10), log, bounds=Bounds(3), share=Share(number, 2)) for number in range(2)]
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
    run(executor(every(1.0, 2), log, began_s=1.0, bounds=Bounds(10, latest_s=0.5)))
    assert log.dropped == [(0, DropReason.LATE)]
    assert log.started == [1]


def test_an_arrival_that_others_may_have_taken_over_is_left_alone() -> None:
    log = Log()
    run(executor(every(3.0, 2), log, began_s=3.0, bounds=Bounds(10, forget_s=2.0)))
    assert (log.started, log.dropped) == ([1], [])


def test_a_new_share_takes_over_what_had_been_passed_over() -> None:
    log = Log()
    made = executor(every(0.2, 10), log, share=Share(0, 2))
    made.begin()
    until(lambda: log.started)
    made.assign(Share(0, 1), from_s=0.9)
    finish(made)
    assert sorted(log.started) == [0, 2, 4, 5, 6, 7, 8, 9]


def test_a_worker_that_has_nothing_left_still_takes_over_the_last_arrivals() -> None:
    log = Log()
    made = executor(every(0.5, 2), log, share=Share(0, 2))
    made.begin()
    until(lambda: log.started)
    made.assign(Share(0, 1), from_s=0.4)
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

    made = ArrivalRateExecutor(every(0.0, 1), RunClock(clock.now_s()), UNBOUNDED, fail, Log().drop)
    made.assign(Share(0, 1), 0.0)
    run(made)
    assert isinstance(made.crash, RuntimeError)
