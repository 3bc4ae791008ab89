from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relayload.core.errors import AuthorError, Fault
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.leases import EVERYTHING, ArrivalLeases, BatchLeases, Grant, Ledger, Members

ONE, TWO, THREE = 1, 2, 3


def every(gap_s: float, count: int) -> list[Arrival]:
    return [Arrival(index, index * gap_s, 0, 0) for index in range(count)]


def indices(grants: tuple[Grant, ...], count: int = 10_000) -> list[int]:
    return [index for index in range(count) if any(grant.owns(index) for grant in grants)]


def test_a_grant_owns_every_nth_index_of_its_range():
    grant = Grant(1, 10, 21, part=2, of=4)
    assert indices((grant,)) == [10, 14, 18]
    assert grant.size == 3
    assert EVERYTHING.owns(10**9)
    assert Grant(1, 0, 3, part=3, of=4).size == 0


def test_two_workers_share_what_is_due_within_two_seconds():
    leases = ArrivalLeases(every(0.1, 100))
    assert indices(leases.renew(ONE, 0, [ONE, TWO], -1.0)) == list(range(0, 10, 2))
    assert leases.granted_to == 0
    assert indices(leases.renew(TWO, 0, [ONE, TWO], -1.0)) == list(range(1, 10, 2))
    assert leases.granted_to == 10
    assert not leases.complete


def test_grants_are_repeated_until_they_are_confirmed():
    leases = ArrivalLeases(every(0.1, 100))
    (first, second) = leases.renew(ONE, 0, [ONE], -1.0)
    assert leases.renew(ONE, 0, [ONE], -1.0) == (first, second)
    assert leases.renew(ONE, first.number, [ONE], -1.0) == (second,)
    (third,) = leases.renew(ONE, second.number, [ONE], -0.5)
    assert (third.first, third.end) == (10, 15)


def test_a_share_that_is_not_picked_up_goes_to_whoever_renews_next():
    leases = ArrivalLeases(every(0.1, 10))
    mine = leases.renew(ONE, 0, [ONE, TWO], -1.0)
    assert leases.renew(ONE, mine[-1].number, [ONE, TWO], -0.76) == ()
    assert indices(leases.renew(ONE, mine[-1].number, [ONE, TWO], -0.75)) == [1, 3]
    assert leases.granted_to == 5
    assert indices(leases.renew(TWO, 0, [ONE, TWO], -0.7)) == [5, 7, 9]
    assert leases.complete


def test_what_was_granted_stays_with_a_worker_that_is_gone():
    leases = ArrivalLeases(every(0.1, 30))
    leases.renew(ONE, 0, [ONE, TWO], -1.0)
    dead = indices(leases.renew(TWO, 0, [ONE, TWO], -1.0))
    alive = set(indices(leases.renew(ONE, 0, [ONE, TWO], -1.0)))
    for elapsed_s in (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0):
        members = [ONE, TWO] if elapsed_s < 0.5 else [ONE]
        alive |= set(indices(leases.renew(ONE, 0, members, elapsed_s)))
    assert dead == list(range(1, 10, 2))
    assert sorted(alive) == sorted(set(range(30)) - set(dead))
    assert leases.complete


def test_without_any_member_the_next_one_takes_everything():
    leases = ArrivalLeases(every(0.1, 10))
    assert leases.renew(ONE, 0, [], -1.0) == ()
    assert indices(leases.renew(TWO, 0, [TWO], -1.0)) == list(range(10))


def test_a_worker_without_a_part_of_the_limits_is_granted_nothing():
    leases = ArrivalLeases(every(0.1, 10))
    assert leases.renew(TWO, 0, [ONE], 5.0) == ()
    assert indices(leases.renew(ONE, 0, [ONE], 5.0)) == list(range(10))


def test_all_copies_of_an_arrival_are_granted_at_once():
    leases = ArrivalLeases([each for each in every(0.25, 8) for _ in range(2)])
    assert indices(leases.renew(ONE, 0, [ONE], 0.0)) == list(range(8))


def test_nothing_due_after_the_end_is_granted():
    leases = ArrivalLeases(every(0.1, 100))
    leases.renew(ONE, 0, [ONE], 0.0)
    leases.end_at(2.2)
    assert indices(leases.renew(ONE, 0, [ONE], 60.0)) == list(range(25))


def test_an_unreadable_row_is_left_to_the_workers():
    def rows() -> Iterator[Arrival]:
        yield from every(0.1, 5)
        raise AuthorError([Fault("row 6: no number")])

    leases = ArrivalLeases(rows())
    assert indices(leases.renew(ONE, 0, [ONE], 10.0)) == list(range(5))
    assert not leases.complete


def test_members_are_those_that_renewed_lately():
    members = Members()
    members.renew(TWO, 10.0)
    members.renew(ONE, 12.0)
    assert members.within(1.5, 12.5) == [ONE]
    assert members.within(3.0, 12.5) == [ONE, TWO]
    assert members.latest == ONE
    assert members.silent_s(TWO, 12.5) == 2.5
    assert members.silent_s(THREE, 12.5) == float("inf")


def test_a_ledger_numbers_the_grants_of_each_worker():
    ledger = Ledger()
    ledger.grant(ONE, 0, 5)
    ledger.grant(TWO, 5, 9)
    ledger.grant(ONE, 9, 12)
    assert [grant.number for grant in ledger.unconfirmed(ONE, 0)] == [1, 2]
    assert ledger.unconfirmed(ONE, 2) == ()
    assert ledger.unconfirmed(TWO, 0) == (Grant(1, 5, 9),)


def test_requests_of_a_batch_are_granted_in_order_as_they_are_wanted():
    leases = BatchLeases(10, 10)
    assert leases.renew(ONE, 0, 3, 0, [ONE, TWO]) == (Grant(1, 0, 3),)
    assert leases.renew(TWO, 0, 4, 0, [ONE, TWO]) == (Grant(1, 3, 7),)
    assert leases.renew(ONE, 0, 3, 0, [ONE, TWO]) == (Grant(1, 0, 3),)
    assert leases.renew(ONE, 1, 9, 3, [ONE, TWO]) == (Grant(2, 7, 10),)
    assert leases.complete


def test_a_batch_waits_for_the_one_before_but_not_for_the_dead():
    leases = BatchLeases(6, 3)
    leases.renew(ONE, 0, 2, 0, [ONE, TWO])
    leases.renew(TWO, 0, 2, 0, [ONE, TWO])
    assert leases.renew(ONE, 1, 4, 2, [ONE, TWO]) == ()
    assert leases.renew(ONE, 1, 4, 2, [ONE]) == (Grant(2, 3, 5),)


def test_a_batch_that_ends_grants_nothing_more():
    leases = BatchLeases(6, 6)
    leases.renew(ONE, 0, 2, 0, [ONE])
    leases.end_at(1.0)
    assert leases.renew(ONE, 1, 6, 2, [ONE]) == ()
    assert leases.complete
    assert leases.granted(ONE) == 2


STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.floats(0.0, 1.0), st.booleans(), st.booleans(), st.booleans()), max_size=80
)
"""A step: who renews, after how long, whether its reply is lost, whether it is late, whether it is repeated."""


class Run:
    """A master, five workers, and messages that may be lost, late or repeated."""

    def __init__(self, gap_s: float, count: int) -> None:
        self.leases, self.members, self.count = ArrivalLeases(every(gap_s, count)), Members(), count
        self.now_s = -1.0
        self.owners: dict[int, int] = {}
        self.received: Counter[tuple[int, int]] = Counter()
        self.late: list[tuple[int, tuple[Grant, ...]]] = []
        self._held: Counter[int] = Counter()

    def renew(self, worker: int) -> tuple[Grant, ...]:
        self.members.renew(worker, self.now_s)
        members = self.members.within(1.5, self.now_s)
        grants = self.leases.renew(worker, self._held[worker], members, self.now_s)
        for index in indices(grants, self.count):
            assert self.owners.setdefault(index, worker) == worker
        return grants

    def receive(self, worker: int, grants: tuple[Grant, ...]) -> None:
        for grant in grants:
            if grant.number > self._held[worker]:
                self._held[worker] = grant.number
                self.received.update((worker, index) for index in indices((grant,), self.count))

    def step(self, worker: int, wait_s: float, *, is_lost: bool, is_late: bool, is_repeated: bool) -> None:
        self.now_s += wait_s
        grants = self.renew(worker)
        for other, old in self.late:
            self.receive(other, old)
        self.late = [(worker, grants)] if is_late else []
        for _ in range(1 + is_repeated if not (is_late or is_lost) else 0):
            self.receive(worker, grants)


@pytest.mark.hypothesis
@given(STEPS, st.floats(0.001, 0.2), st.integers(1, 300))
@settings(deadline=None)
def test_no_arrival_is_ever_granted_twice_and_none_is_forgotten(steps, gap_s, count):
    run = Run(gap_s, count)
    for worker, wait_s, is_lost, is_late, is_repeated in steps:
        run.step(worker, wait_s, is_lost=is_lost, is_late=is_late, is_repeated=is_repeated)
        assert set(run.owners) >= set(range(run.leases.granted_to))
    run.now_s += count * gap_s + 10.0
    for worker in range(5):
        run.receive(worker, run.renew(worker))
    assert run.leases.complete
    assert sorted(run.owners) == list(range(count))
    assert {index: worker for worker, index in run.received} == run.owners
    assert set(run.received.values()) <= {1}


@pytest.mark.hypothesis
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.booleans()), max_size=60),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_no_request_of_a_batch_is_granted_twice(steps, requests, size):
    leases = BatchLeases(requests, min(requests, size))
    held: dict[int, int] = {}
    begun: Counter[int] = Counter()
    owners: dict[int, int] = {}
    everybody = [0, 1, 2, 3]

    def renew(worker, wanted, lost):
        grants = leases.renew(worker, held.get(worker, 0), begun[worker] + wanted, begun[worker], everybody)
        for grant in grants:
            for index in range(requests):
                if grant.owns(index):
                    assert owners.setdefault(index, worker) == worker
            if not lost and grant.number > held.get(worker, 0):
                held[worker] = grant.number
                begun[worker] += grant.size

    for step in steps:
        renew(*step)
    for _ in range(2 * requests + 4):
        for worker in everybody:
            renew(worker, 5, lost=False)
    assert leases.complete
    assert sorted(owners) == list(range(requests))


@given(gap_s=st.floats(0.01, 0.5), factor=st.floats(0.1, 8.0), at_s=st.floats(0.5, 6.0))
def test_after_another_schedule_every_index_is_still_granted_once(gap_s: float, factor: float, at_s: float) -> None:
    """Grants are of indices: those that were granted stay, whenever they are due from then on."""
    before = every(gap_s, round(10 / gap_s))
    kept = [each for each in before if each.intended_at_s < at_s + 3.0]
    last_s, rest = kept[-1].intended_at_s, round((10 - kept[-1].intended_at_s) * factor / gap_s)
    after = [*kept, *(Arrival(len(kept) + n, last_s + (n + 1) * gap_s / factor, 0, 0) for n in range(rest))]
    leases, held = ArrivalLeases(before), {ONE: 0, TWO: 0}
    granted: Counter[int] = Counter()
    changed = False
    for step in range(int(12.0 / 0.4)):
        elapsed_s = step * 0.4
        if elapsed_s >= at_s and not changed:
            changed = True
            leases.reschedule(each for each in after if each.intended_at_s > elapsed_s)
        for worker in (ONE, TWO):
            grants = leases.renew(worker, held[worker], [ONE, TWO], elapsed_s)
            held[worker] = max([held[worker], *(grant.number for grant in grants)])
            granted.update(index for index in range(len(before) + len(after)) if any(g.owns(index) for g in grants))
    assert leases.complete
    assert set(granted.values()) == {1}
    assert set(granted) >= set(range(len(after)))
