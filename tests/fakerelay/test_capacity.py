import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.fakerelay.capacity import Capacity, QueueFull, Slots, Ticket


def starts(capacity: Capacity, jobs: list[tuple[int, int]]) -> list[int | None]:
    """When each (arrival, service) starts; None if it was turned away. Time runs in whole units."""
    slots = Slots(capacity)
    started: list[int | None] = [None] * len(jobs)
    ends: list[tuple[float, int, Ticket]] = []

    def on_start(index: int):
        def start(at_s: float) -> None:
            started[index] = int(at_s)

        return start

    places: dict[int, Ticket] = {}
    for index, (arrival, _) in enumerate(jobs):
        while ends and ends[0][0] <= arrival:
            leave(slots, ends, jobs, started, places)
        try:
            places[index] = slots.enter(arrival, on_start(index))
        except QueueFull:
            continue
        start = started[index]
        if start is not None:
            heapq.heappush(ends, (start + jobs[index][1], index, places[index]))
    while ends:
        leave(slots, ends, jobs, started, places)
    return started


def leave(slots, ends, jobs, started, places) -> None:
    before = {index for index, at in enumerate(started) if at is not None}
    end, _, ticket = heapq.heappop(ends)
    slots.leave(ticket, end)
    for index in {index for index, at in enumerate(started) if at is not None} - before:
        heapq.heappush(ends, (started[index] + jobs[index][1], index, places[index]))


def lindley(slot_count: int, queue: int | None, jobs: list[tuple[int, int]]) -> list[int | None]:
    """The same by arithmetic: a job starts when it has come and the first of the slots is free."""
    free = [0] * slot_count
    heapq.heapify(free)
    answers: list[int | None] = []
    for arrival, service in jobs:
        waiting = sum(1 for start in answers if start is not None and start > arrival)
        if queue is not None and free[0] > arrival and waiting >= queue:
            answers.append(None)
            continue
        start = max(arrival, heapq.heappop(free))
        heapq.heappush(free, start + service)
        answers.append(start)
    return answers


JOBS = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=40).map(sorted)


@given(jobs=JOBS, slots=st.integers(1, 4), queue=st.none() | st.integers(0, 3))
def test_slots_serve_first_come_first_served_as_arithmetic_says(jobs, slots, queue):
    assert starts(Capacity(slots=slots, queue=queue), jobs) == lindley(slots, queue, jobs)


def test_the_knee_is_slots_over_service_time():
    # 4 slots of 20 units carry one request in 5 units: at that rate nobody waits, at a faster one the wait grows.
    at_the_knee = [(5 * index, 20) for index in range(200)]
    beyond = [(4 * index, 20) for index in range(200)]
    assert starts(Capacity(slots=4), at_the_knee) == [arrival for arrival, _ in at_the_knee]
    assert starts(Capacity(slots=4), beyond)[-1] == beyond[-1][0] + 196


def test_without_capacity_nobody_waits():
    slots = Slots(None)
    started: list[float] = []
    for at_s in range(1000):
        slots.enter(float(at_s), started.append)
    assert started == [float(at_s) for at_s in range(1000)]


def test_who_gives_up_waiting_is_passed_over():
    slots, started = Slots(Capacity(slots=1)), []
    first = slots.enter(0.0, lambda at_s: started.append(("first", at_s)))
    second = slots.enter(1.0, lambda at_s: started.append(("second", at_s)))
    slots.enter(2.0, lambda at_s: started.append(("third", at_s)))
    slots.leave(second, 3.0)
    slots.leave(first, 5.0)
    slots.leave(first, 6.0)
    assert started == [("first", 0.0), ("third", 5.0)]
    assert slots.waiting == 0


def test_a_queue_of_none_turns_away_when_all_slots_are_taken():
    slots = Slots(Capacity(slots=1, queue=0))
    ticket = slots.enter(0.0, lambda _: None)
    with pytest.raises(QueueFull):
        slots.enter(0.0, lambda _: None)
    slots.leave(ticket, 1.0)
    slots.enter(1.0, lambda _: None)
