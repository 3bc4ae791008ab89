from math import inf

import pytest

from relayload import clock
from relayload.core.resilience.allowance import Draw
from relayload.core.traffic.leases import Grant
from relayload.engine.leaseholder import Leaseholder
from relayload.engine.messages import Lease, WorkerStatus
from relayload.engine.permit import Permit

FOR_EVER = 1e12


class Executor:
    ahead, wanted, ended = 5, 7, 3

    def __init__(self):
        self.in_flight, self.taken = 0, []

    def take(self, grants, granted_to, *, complete, slots):
        self.taken.append((list(grants), granted_to, complete, slots))


class Clients:
    def __init__(self):
        self.last_start_s, self.quotas = -inf, {}

    def resize(self, quotas):
        self.quotas = quotas
        return self.last_start_s


class SpendGuard:
    def __init__(self):
        self.lacking = False

    def draws(self, ahead, *, regular):
        return Draw(needs=ahead), Draw(needs=int(regular))

    def take(self, requests, micro_usd):
        return self.lacking


class Worker:
    """A leaseholder, and what it hands its leases to."""

    def __init__(self):
        self.permit, self.executor, self.clients, self.guard = Permit(), Executor(), Clients(), SpendGuard()
        self.holder = Leaseholder("run", 4, self.permit, self.executor, self.clients, self.guard)  # type: ignore[arg-type]
        self.asked = 0
        self.holder.ask = self.ask

    def ask(self):
        self.asked += 1

    def apply(self, sequence, *grants, **more):
        self.holder.apply(Lease(worker=4, sequence=sequence, grants=grants, **more))


@pytest.fixture
def worker():
    return Worker()


def test_a_renewal_says_what_the_worker_has(worker):
    renewal = worker.holder.renewal(WorkerStatus(started=2))
    assert (renewal.run_id, renewal.worker, renewal.sequence, renewal.held) == ("run", 4, 1, 0)
    assert (renewal.wanted, renewal.ended, renewal.requests) == (7, 3, Draw(needs=5))
    assert worker.holder.renewal().sequence == 2


def test_a_lease_is_counted_from_the_sending_of_its_renewal(worker):
    before_s = clock.now_s()
    worker.holder.renewal()
    after_s = clock.now_s()
    worker.holder.renewal()
    assert worker.permit.until_s == -inf
    worker.apply(1)
    assert before_s + 3.0 <= worker.permit.until_s <= after_s + 3.0
    worker.apply(2)
    assert worker.permit.until_s >= after_s + 3.0


def test_a_grant_that_is_repeated_is_taken_once(worker):
    one, two = Grant(1, 0, 5), Grant(2, 5, 9)
    worker.holder.renewal()
    worker.holder.renewal()
    worker.apply(1, one, granted_to=5, slots=3)
    worker.apply(2, one, two, granted_to=9, complete=True)
    worker.apply(2, one, two, granted_to=9, complete=True)
    assert worker.executor.taken == [([one], 5, False, 3), ([two], 9, True, None), ([], 9, True, None)]
    assert worker.holder.renewal().held == 2


def test_a_reply_that_was_overtaken_changes_nothing(worker):
    worker.holder.renewal()
    worker.holder.renewal()
    worker.apply(2, slots=2)
    worker.apply(1, slots=9)
    worker.apply(7, slots=9)
    assert [slots for *_, slots in worker.executor.taken] == [2]


@pytest.mark.parametrize("more", [{"slots": 0}, {"quotas": {"target": (5, 0)}}], ids=["slot", "quota"])
def test_without_a_part_there_is_no_permit(worker, more):
    worker.holder.renewal()
    worker.apply(1, **more)
    assert worker.permit.until_s == -inf
    assert worker.clients.quotas == {}


def test_parts_are_in_force_once_nothing_goes_by_larger_ones(worker):
    worker.holder.renewal()
    worker.apply(1, slots=5)
    assert worker.holder.renewal().in_force == 1
    worker.clients.last_start_s = FOR_EVER
    worker.apply(2, slots=2, quotas={"target": (3,)})
    assert worker.clients.quotas == {"target": (3,)}
    assert worker.holder.renewal().in_force == 1
    worker.clients.last_start_s, worker.executor.in_flight = -inf, 3
    worker.apply(3, slots=2)
    assert worker.holder.renewal().in_force == 1


def test_slots_are_in_force_once_no_more_requests_are_in_flight(worker):
    worker.holder.renewal()
    worker.executor.in_flight = 3
    worker.apply(1, slots=2)
    assert worker.holder.renewal().in_force == 0
    worker.executor.in_flight = 2
    assert worker.holder.renewal().in_force == 1


def test_what_lacks_is_asked_for_once_until_there_is_an_answer(worker):
    worker.holder.ask_once()
    worker.holder.ask_once()
    assert worker.asked == 1
    worker.holder.renewal()
    worker.apply(1)
    assert worker.asked == 1
    worker.guard.lacking = True
    worker.apply(1)
    assert worker.asked == 2


def test_a_worker_has_left_once_a_renewal_that_says_so_is_answered(worker):
    worker.holder.renewal()
    worker.holder.leave()
    assert worker.asked == 1
    renewal = worker.holder.renewal()
    assert (renewal.leaving, renewal.wanted) == (True, 0)
    worker.apply(1, Grant(1, 0, 5))  # was on its way
    assert not worker.holder.left
    worker.apply(2)
    assert worker.holder.left
