import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relayload.core.resilience.allowance import Allowance, Cap, Draw

ONE, TWO, THREE = 1, 2, 3
BOTH = [ONE, TWO]


def test_a_worker_is_given_what_it_needs():
    cap = Cap(100)
    assert cap.renew(ONE, Draw(needs=10), BOTH) == Allowance(given=10)
    assert cap.renew(ONE, Draw(needs=10), BOTH) == Allowance(given=10)
    assert cap.renew(ONE, Draw(spent=4, needs=10), BOTH) == Allowance(given=14)


def test_no_worker_takes_more_than_an_even_part_of_what_is_left():
    cap = Cap(100)
    assert cap.renew(ONE, Draw(needs=80), BOTH).given == 50
    assert cap.renew(TWO, Draw(needs=80), BOTH).given == 25


def test_a_waiting_request_takes_the_last():
    cap = Cap(1)
    assert cap.renew(ONE, Draw(needs=1), BOTH).given == 0
    assert cap.renew(TWO, Draw(waiting=1), BOTH) == Allowance(given=1)
    assert cap.renew(TWO, Draw(waiting=1), BOTH) == Allowance(given=1)


def test_nothing_is_left_once_everything_is_spent():
    cap = Cap(1)
    cap.renew(TWO, Draw(waiting=1), BOTH)
    assert not cap.renew(ONE, Draw(waiting=1), BOTH).nothing_left
    cap.renew(TWO, Draw(spent=1), BOTH)
    assert cap.renew(ONE, Draw(waiting=1), BOTH) == Allowance(given=0, nothing_left=True)


def test_what_others_have_not_spent_is_asked_back():
    cap = Cap(10)
    cap.renew(TWO, Draw(needs=10), [TWO])
    assert cap.renew(ONE, Draw(waiting=1), BOTH) == Allowance(given=0)
    assert cap.renew(TWO, Draw(spent=3, needs=5), BOTH) == Allowance(given=10, hand_back=True)
    cap.renew(TWO, Draw(spent=4, returned=6), BOTH)
    assert cap.renew(ONE, Draw(waiting=1), BOTH) == Allowance(given=1)


def test_what_a_dead_worker_was_given_counts_as_spent():
    cap = Cap(10)
    cap.renew(TWO, Draw(needs=10), [TWO])
    assert not cap.renew(ONE, Draw(waiting=1), BOTH).nothing_left
    assert cap.renew(ONE, Draw(waiting=1), [ONE]) == Allowance(given=0, nothing_left=True)


def test_of_two_that_wait_one_hands_back_so_that_the_other_can_go_on():
    cap = Cap(10)
    cap.renew(ONE, Draw(needs=4), BOTH)
    cap.renew(TWO, Draw(needs=8), [TWO])
    assert cap.renew(ONE, Draw(waiting=7), BOTH) == Allowance(given=4)
    assert cap.renew(TWO, Draw(waiting=7), BOTH) == Allowance(given=6, hand_back=True)
    assert cap.renew(TWO, Draw(waiting=7, returned=6), BOTH).given == 6
    assert cap.renew(ONE, Draw(waiting=7), BOTH) == Allowance(given=7)


class Worker:
    """Spends one at a time, in the order of its requests."""

    def __init__(self) -> None:
        self.given = self.returned = self.spent = self.queue = 0
        self.finished = False

    @property
    def unspent(self) -> int:
        return self.given - self.returned - self.spent

    def go_on(self) -> None:
        sent = min(self.queue, self.unspent)
        self.spent += sent
        self.queue -= sent

    def draw(self) -> Draw:
        return Draw(spent=self.spent, returned=self.returned, waiting=min(self.queue, 1), needs=self.queue)

    def take(self, allowance: Allowance) -> None:
        self.given = max(self.given, allowance.given)
        self.go_on()
        if allowance.hand_back:
            self.returned += self.unspent
        self.finished |= allowance.nothing_left


class Run:
    """A master and four workers, of which some die."""

    def __init__(self, amount: int) -> None:
        self.cap, self.amount = Cap(amount), amount
        self.workers = {number: Worker() for number in range(4)}
        self.dead: set[int] = set()

    @property
    def alive(self) -> list[int]:
        return [number for number in self.workers if number not in self.dead]

    @property
    def spent(self) -> int:
        return sum(one.spent for one in self.workers.values())

    def step(self, number: int, requests: int, fate: str) -> None:
        if number in self.dead:
            return
        if fate == "dead":
            self.dead |= {number} if len(self.dead) < 3 else set()
            return
        self.workers[number].queue += requests
        self.workers[number].go_on()
        self.renew(number, is_lost=fate == "lost")

    def renew(self, number: int, *, is_lost: bool = False) -> None:
        allowance = self.cap.renew(number, self.workers[number].draw(), self.alive)
        if not is_lost:
            self.workers[number].take(allowance)

    def want_too_much(self) -> None:
        for number in self.alive:
            self.workers[number].queue += self.amount + 1
            self.workers[number].go_on()
        for _ in range(4 * self.amount + 20):
            for number in self.alive:
                self.renew(number)


@pytest.mark.hypothesis
@given(
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.sampled_from(["ok", "lost", "dead"])), max_size=80),
)
@settings(deadline=None)
def test_the_cap_is_never_passed_and_reached_unless_somebody_dies(amount, steps):
    run = Run(amount)
    for step in steps:
        run.step(*step)
        assert run.spent <= amount
    run.want_too_much()
    taken_along = sum(run.workers[number].unspent for number in run.dead)
    assert run.spent <= amount - taken_along
    assert run.dead or run.spent == amount
    assert any(run.workers[number].finished for number in run.alive)
