from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.resilience.guard import Bound, Caps, FusePolicy, Guard, Spent

CENT = Decimal("0.01")


def observe(guard: Guard, answers: str, step_s: float = 0.1, from_s: float = 0.0) -> None:
    """An `x` failed, a `k` was a rejected key, a dot was fine."""
    for number, answer in enumerate(answers):
        guard.observe(failed=answer != ".", refused=answer == "k", now_s=from_s + number * step_s)


def test_without_bounds_everything_is_admitted() -> None:
    guard = Guard(Caps())
    assert guard.admit(None) == 0
    assert guard.admit(Decimal(1000)) == 1000
    observe(guard, "k" * 1000)
    assert guard.tripped is None


def test_the_requests_are_counted_when_they_are_admitted() -> None:
    guard = Guard(Caps(requests=2))
    assert [guard.admit(CENT), guard.admit(CENT), guard.admit(CENT)] == [CENT, CENT, None]
    assert (guard.tripped, guard.reason) == (Bound.REQUESTS, "max_requests: 2 requests were sent")
    assert guard.spent == Spent(2, 2 * CENT)


def test_what_may_come_of_requests_in_flight_counts_before_they_are_settled() -> None:
    guard = Guard(Caps(usd=Decimal("0.03")))
    first = guard.admit(2 * CENT)
    assert first is not None
    guard.settle(first, Decimal("0.005"))
    assert guard.admit(2 * CENT) == 2 * CENT
    assert guard.admit(CENT) is None
    assert guard.tripped is Bound.USD
    assert guard.reason == "max_usd: $0.00500 of $0.0300 are spent, and $0.0200 may come of requests in flight"


def test_the_last_cent_may_be_spent() -> None:
    guard = Guard(Caps(usd=2 * CENT))
    assert [guard.admit(CENT), guard.admit(CENT)] == [CENT, CENT]


def test_a_guard_that_has_tripped_admits_nothing_even_if_there_is_room_again() -> None:
    guard = Guard(Caps(usd=CENT))
    reserved = guard.admit(CENT)
    assert reserved is not None
    assert guard.admit(CENT) is None
    guard.settle(reserved, Decimal(0))
    assert guard.admit(Decimal(0)) is None


def test_a_request_without_a_budget_is_taken_for_the_mean_of_those_before_it() -> None:
    guard = Guard(Caps(usd=10 * CENT))
    for paid in (2 * CENT, 4 * CENT):
        reserved = guard.admit(None)
        assert reserved is not None
        guard.settle(reserved, paid)
    assert guard.admit(None) == 3 * CENT
    assert guard.admit(None) is None


def test_an_answer_whose_cost_is_not_known_is_taken_to_cost_what_was_reserved() -> None:
    guard = Guard(Caps(usd=CENT))
    guard.settle(guard.admit(CENT) or Decimal(0), None)
    assert guard.spent.usd == CENT


@pytest.mark.parametrize(
    ("answers", "bound"),
    [
        ("k" * 4, None),
        ("k" * 5, Bound.AUTH_FAILURES),
        (".k" * 5, Bound.AUTH_FAILURES),
        ("x" * 9, None),
        ("x" * 10, Bound.ERRORS),
        ("." * 6 + "x" * 5, None),
        ("." * 6 + "x" * 6, Bound.ERRORS),
    ],
)
def test_the_fuse_blows_on_rejected_keys_and_on_a_share_of_failures(answers: str, bound: Bound | None) -> None:
    guard = Guard(Caps(), FusePolicy(auth_failures=5, errors=0.5, over_s=30.0, min_requests=10))
    observe(guard, answers)
    assert guard.tripped is bound


def test_the_fuse_says_what_blew_it() -> None:
    guard = Guard(Caps(), FusePolicy(auth_failures=2, errors=0.5, over_s=30.0, min_requests=3))
    observe(guard, "kk")
    assert guard.reason == "fuse.auth_failures: 2 answers in 30.0s refused the key"
    other = Guard(Caps(), FusePolicy(auth_failures=None, errors=0.5, min_requests=3))
    observe(other, "kk.")
    assert other.reason == "fuse.errors: 2 of 3 requests in 30.0s failed"


def test_the_fuse_forgets_what_is_older_than_its_window() -> None:
    guard = Guard(Caps(), FusePolicy(auth_failures=5, errors=None, over_s=30.0))
    observe(guard, "kkkk")
    observe(guard, "k", from_s=60.0)
    assert guard.tripped is None


def test_a_fuse_may_be_left_out_in_part() -> None:
    guard = Guard(Caps(), FusePolicy(auth_failures=None, errors=None, min_requests=1))
    observe(guard, "k" * 100)
    assert guard.tripped is None


def test_room_is_what_the_caps_leave_and_taking_back_an_admission_makes_more() -> None:
    guard = Guard(Caps(1, Decimal(1)))
    assert not guard.has_room(Decimal("1.01"))
    assert guard.has_room(Decimal(1))
    reserved = guard.admit(Decimal(1))
    assert not guard.has_room(Decimal(0))
    assert guard.tripped is None
    guard.cancel(reserved or Decimal(0))
    assert guard.has_room(Decimal(1))
    assert guard.spent == Spent()


@given(
    st.decimals(0, 1, places=4),
    st.lists(st.tuples(st.decimals(0, "0.1", places=4), st.floats(0, 1), st.booleans()), max_size=60),
)
def test_spending_never_passes_the_cap_whatever_is_in_flight(
    most: Decimal, requests: list[tuple[Decimal, float, bool]]
) -> None:
    guard, in_flight, paid = Guard(Caps(usd=most)), [], Decimal(0)
    for bound, part, answered in requests:
        reserved = guard.admit(bound)
        if reserved is not None:
            in_flight.append((reserved, part))
        if answered and in_flight:
            reserved, part = in_flight.pop(0)
            cost = (reserved * Decimal(part)).quantize(Decimal("0.000001"), "ROUND_DOWN")
            paid += cost
            guard.settle(reserved, cost)
    assert paid + sum(reserved for reserved, _ in in_flight) <= most
