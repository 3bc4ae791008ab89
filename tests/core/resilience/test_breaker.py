from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support import present

from relayload.core.model.record import BreakerState
from relayload.core.resilience.breaker import TRANSITIONS, Breaker, Event, Permit, StateChange
from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.sliding_windows import SLICES

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


class Drill:
    """A breaker, what it told, and calls that last no time."""

    def __init__(self, **policy: Any) -> None:
        self.told: list[StateChange] = []
        self.breaker = Breaker(BreakerPolicy(**policy), "o3", self.told.append)

    def call(self, now_s: float, *, failed: bool = False, slow: bool = False) -> bool:
        """Whether the breaker let it through."""
        permit = self.breaker.try_acquire(now_s)
        if permit is not None:
            self.breaker.record(permit, failed=failed, slow=slow, now_s=now_s)
        return permit is not None

    def fail(self, *instants_s: float) -> None:
        for now_s in instants_s:
            assert self.call(now_s, failed=True)

    def permit(self, now_s: float) -> Permit:
        permit = self.breaker.try_acquire(now_s)
        assert permit is not None
        return permit

    @property
    def reasons(self) -> list[str]:
        return [change.reason for change in self.told]


def tripped(at_s: float = 2.0, **policy: object) -> Drill:
    """Open since that instant, after two failures in a row; the second ended then."""
    drill = Drill(consecutive=2, **policy)
    drill.fail(at_s - 1.0, at_s)
    assert drill.breaker.state is OPEN
    return drill


def test_a_new_breaker_is_closed_and_lets_everything_through():
    drill = Drill()
    assert drill.breaker.state is CLOSED
    assert drill.breaker.retry_at_s is None
    assert all(drill.call(number / 100) for number in range(1000))
    assert drill.told == []


def test_the_table_has_six_ways_and_no_other():
    assert {(before, event, after) for (before, event), after in TRANSITIONS.items()} == {
        (CLOSED, "failure_rate", OPEN),
        (CLOSED, "consecutive", OPEN),
        (CLOSED, "slow_rate", OPEN),
        (OPEN, "cooled_down", HALF_OPEN),
        (HALF_OPEN, "trials_passed", CLOSED),
        (HALF_OPEN, "trial_failed", OPEN),
    }


def test_failures_in_a_row_trip_it_and_the_trip_tells_since_when():
    drill = Drill(consecutive=3)
    drill.fail(1.0)
    drill.call(2.0)
    drill.fail(3.0, 4.0, 5.0)
    assert drill.told == [StateChange(5.0, "o3", CLOSED, OPEN, Event.CONSECUTIVE, 3, 3, 0, since_s=3.0)]
    assert drill.breaker.retry_at_s == 65.0
    assert not drill.call(64.9)


def test_a_streak_counts_however_long_it_took():
    drill = Drill(consecutive=3, window_s=30.0)
    drill.fail(0.0, 1000.0, 2000.0)
    assert drill.reasons == ["consecutive"]
    assert drill.told[0].since_s == 0.0


def test_half_of_the_calls_failing_trips_it_once_there_are_enough():
    drill = Drill(min_calls=6, consecutive=None)
    drill.fail(0.0, 1.0, 2.0)
    assert [drill.call(now_s) for now_s in (3.0, 4.0)] == [True, True]
    assert drill.breaker.state is CLOSED
    drill.call(5.0)  # the sixth makes it a sample, though it succeeds
    assert drill.told == [StateChange(5.0, "o3", CLOSED, OPEN, Event.FAILURE_RATE, 6, 3, 0, since_s=0.0)]


def test_less_than_the_share_does_not_trip_it():
    drill = Drill(failure_rate=0.1, min_calls=10, consecutive=None)
    for number in range(1000):
        drill.call(number / 100, failed=number % 11 == 10)
    assert drill.told == []


def test_a_share_is_reached_exactly():
    drill = Drill(failure_rate=0.1, min_calls=30, consecutive=None)
    for number in range(30):
        drill.call(float(number) / 10, failed=number < 3)
    assert drill.reasons == ["failure_rate"]


def test_failures_that_have_left_the_window_do_not_count():
    drill = Drill(min_calls=4, consecutive=None, window_s=30.0)
    drill.fail(0.0, 0.1)
    drill.call(10.0)
    drill.fail(40.0)
    drill.call(40.1)
    assert drill.told == []


def test_a_count_window_holds_the_last_calls_however_old():
    drill = Drill(min_calls=4, consecutive=None, window_calls=4)
    drill.fail(0.0)
    drill.call(1000.0)
    drill.call(2000.0)
    drill.fail(3000.0)
    assert drill.told == [StateChange(3000.0, "o3", CLOSED, OPEN, Event.FAILURE_RATE, 4, 2, 0, since_s=0.0)]


def test_slow_calls_trip_it_where_that_is_asked_for():
    drill = Drill(slow_rate=0.5, slow_ttft_s=1.0, min_calls=4)
    drill.call(0.0)
    drill.call(1.0, slow=True)
    drill.call(2.0)
    drill.call(3.0, slow=True)
    assert drill.told == [StateChange(3.0, "o3", CLOSED, OPEN, Event.SLOW_RATE, 4, 0, 2, since_s=1.0)]


def test_slow_calls_do_not_trip_it_otherwise():
    drill = Drill()
    assert all(drill.call(number / 10, slow=True) for number in range(100))
    assert drill.told == []


def test_it_tries_again_once_it_has_cooled_down_and_closes_after_enough_successes():
    drill = tripped(2.0, half_open_calls=2)
    assert not drill.call(61.9)
    assert drill.call(62.0)
    assert drill.breaker.state is HALF_OPEN
    assert drill.breaker.retry_at_s is None
    assert drill.call(63.0)
    assert drill.breaker.state is CLOSED
    assert drill.told[1:] == [
        StateChange(62.0, "o3", OPEN, HALF_OPEN, Event.COOLED_DOWN),
        StateChange(63.0, "o3", HALF_OPEN, CLOSED, Event.HALF_OPEN_PASSED, 2, 0, 0),
    ]


def test_it_cools_down_when_somebody_asks_and_not_before():
    drill = tripped(2.0)
    drill.call(500.0)
    assert drill.told[1].at_s == 500.0


def test_half_open_lets_so_many_through_at_once_and_no_more():
    drill = tripped(2.0, half_open_calls=3)
    permits = [drill.permit(62.0) for _ in range(3)]
    assert drill.breaker.try_acquire(62.0) is None
    drill.breaker.record(permits[0], failed=False, slow=False, now_s=63.0)
    assert drill.breaker.try_acquire(63.0) is not None
    assert drill.breaker.try_acquire(63.0) is None


def test_one_failed_trial_opens_it_again():
    drill = tripped(2.0)
    first, second = drill.permit(62.0), drill.permit(62.0)
    drill.breaker.record(first, failed=False, slow=False, now_s=63.0)
    drill.breaker.record(second, failed=True, slow=False, now_s=64.0)
    assert drill.told[-1] == StateChange(64.0, "o3", HALF_OPEN, OPEN, Event.HALF_OPEN_FAILED, 2, 1, 0, since_s=64.0)


@pytest.mark.parametrize(("slow", "reason", "since_s"), [(1, "trials_passed", None), (2, "trial_failed", 62.0)])
def test_half_open_calls_that_succeed_slowly_are_judged_together(slow, reason, since_s):
    drill = tripped(2.0, half_open_calls=3, slow_rate=0.5, slow_ttft_s=1.0)
    for number in range(3):
        drill.call(62.0 + number, slow=number < slow)
    assert drill.reasons[-1] == reason
    assert drill.told[-1].since_s == since_s


def test_a_released_trial_makes_room_for_another_and_decides_nothing():
    drill = tripped(2.0, half_open_calls=1)
    for number in range(100):
        drill.breaker.release(drill.permit(62.0 + number), 62.5 + number)
    assert drill.breaker.state is HALF_OPEN
    assert drill.call(200.0)
    assert drill.breaker.state is CLOSED


def test_a_released_call_counts_for_nothing():
    drill = Drill(consecutive=2)
    drill.fail(0.0)
    drill.breaker.release(drill.permit(1.0), 1.5)
    drill.fail(2.0)
    assert drill.told[0].calls == 2


def test_outcomes_of_calls_that_began_before_the_last_transition_do_not_count():
    drill = Drill(consecutive=2)
    late = [drill.permit(0.0) for _ in range(40)]
    drill.fail(1.0, 2.0)
    trial = drill.permit(62.0)
    for permit in late[:20]:
        drill.breaker.record(permit, failed=False, slow=False, now_s=63.0)
    assert drill.breaker.state is HALF_OPEN
    for permit in late[20:]:
        drill.breaker.record(permit, failed=True, slow=True, now_s=64.0)
    drill.breaker.record(trial, failed=False, slow=False, now_s=65.0)
    assert [drill.call(66.0), drill.call(67.0)] == [True, True]
    assert drill.reasons == ["consecutive", "cooled_down", "trials_passed"]


def test_a_trial_that_outlives_its_trial_time_frees_no_place_in_the_next():
    drill = tripped(2.0, half_open_calls=2, open_factor=1.0)
    late, failing = drill.permit(62.0), drill.permit(62.0)
    drill.breaker.record(failing, failed=True, slow=False, now_s=63.0)
    assert len([drill.permit(123.0) for _ in range(2)]) == 2
    drill.breaker.release(late, 124.0)
    assert drill.breaker.try_acquire(124.0) is None


@pytest.mark.parametrize("first", ["record", "release"])
@pytest.mark.parametrize("second", ["record", "release"])
def test_a_permit_given_back_twice_raises(first, second):
    drill = Drill()
    permit = drill.permit(0.0)
    ways = {
        "record": lambda: drill.breaker.record(permit, failed=False, slow=False, now_s=1.0),
        "release": lambda: drill.breaker.release(permit, 1.0),
    }
    ways[first]()
    with pytest.raises(RuntimeError, match="breaker 'o3': a permit was given back twice"):
        ways[second]()


def test_every_repeated_trip_stays_open_longer_up_to_a_cap():
    drill = tripped(0.0, open_for_s=10.0, open_factor=2.0, max_open_for_s=50.0)
    stays_s = []
    for _ in range(5):
        reopened_at_s = present(drill.breaker.retry_at_s)
        drill.fail(reopened_at_s)
        stays_s.append(present(drill.breaker.retry_at_s) - reopened_at_s)
    assert stays_s == [20.0, 40.0, 50.0, 50.0, 50.0]


@pytest.mark.parametrize(("closed_for_s", "open_for_s"), [(59.0, 20.0), (60.0, 10.0)])
def test_a_trip_counts_as_repeated_until_it_has_stayed_closed_for_a_while(closed_for_s, open_for_s):
    drill = tripped(0.0, open_for_s=10.0, half_open_calls=1, reset_after_s=60.0)
    assert drill.call(10.0)
    drill.fail(69.0, 10.0 + closed_for_s)
    assert drill.breaker.retry_at_s == 10.0 + closed_for_s + open_for_s


def test_a_cap_below_open_for_does_not_shorten_it():
    drill = tripped(0.0, open_for_s=600.0)
    drill.fail(600.0)
    assert drill.breaker.retry_at_s == 1200.0


def test_a_breaker_that_only_watches_refuses_nothing_and_counts_what_it_would_have_refused():
    drill = tripped(2.0, enforce=False)
    for number in range(50):
        drill.fail(3.0 + number)
    assert drill.breaker.state is OPEN
    assert drill.breaker.refused == 50
    assert len(drill.told) == 1


def test_a_breaker_that_only_watches_takes_as_half_open_calls_what_an_enforcing_one_would_have_let_through():
    drill = tripped(2.0, enforce=False, half_open_calls=2)
    trials = [drill.permit(62.0) for _ in range(2)]
    drill.fail(62.5)
    assert drill.breaker.state is HALF_OPEN
    for trial in trials:
        drill.breaker.record(trial, failed=False, slow=False, now_s=63.0)
    assert drill.breaker.state is CLOSED
    assert drill.breaker.refused == 1


def test_a_breaker_that_enforces_counts_what_it_refused():
    drill = tripped(2.0)
    assert not any(drill.call(3.0) for _ in range(7))
    assert drill.breaker.refused == 7


@pytest.mark.parametrize("calls", [200_000, pytest.param(5_000_000, marks=pytest.mark.slow)])
def test_so_many_calls_with_an_outage_end_closed_again(calls):
    drill = Drill(open_for_s=10.0, half_open_calls=3)
    refused = 0
    for number in range(calls):
        now_s = number / 2000
        refused += not drill.call(now_s, failed=50.0 <= now_s < 55.0)
    assert drill.reasons == ["consecutive", "cooled_down", "trials_passed"]
    assert drill.told[0].since_s == 50.0
    assert refused == drill.breaker.refused == pytest.approx(10.0 * 2000, abs=1)


class Oracle:
    """What a breaker should do, by looking through a list of everything that ever happened."""

    def __init__(self, policy: BreakerPolicy) -> None:
        self.policy = policy
        self.state = CLOSED
        self.moves: list[tuple[float, BreakerState, str, int, int, int, float | None]] = []
        self.open_until_s = 0.0
        self.stay_s = 0.0
        self.under_way: list[int] = []
        self.ended: list[tuple[float, bool, bool]] = []
        self.refused = 0

    def ask(self, now_s: float, call: int) -> tuple[bool, tuple[int, bool]]:
        """Whether the call is let through, and what its permit is for."""
        if self.state is OPEN and now_s >= self.open_until_s:
            self.move(now_s, HALF_OPEN, "cooled_down", [])
        if self.state is HALF_OPEN and len(self.under_way) < self.policy.half_open_calls:
            self.under_way.append(call)
        elif self.state is not CLOSED:
            self.refused += 1
            return not self.policy.enforce, (len(self.moves), False)
        return True, (len(self.moves), True)

    def end(self, call: int, permit: tuple[int, bool], outcome: tuple[bool, bool] | None, now_s: float) -> None:
        if permit != (len(self.moves), True):
            return
        if call in self.under_way:
            self.under_way.remove(call)
        if outcome is None:
            return
        self.ended.append((now_s, *outcome))
        if self.state is CLOSED:
            self.judge(now_s)
        elif outcome[0]:
            self.move(now_s, OPEN, "trial_failed", self.ended)
        elif len(self.ended) == self.policy.half_open_calls:
            slow = sum(each[2] for each in self.ended) / len(self.ended)
            if self.policy.slow_rate is not None and slow >= self.policy.slow_rate:
                self.move(now_s, OPEN, "trial_failed", self.ended, by_slow=True)
            else:
                self.move(now_s, CLOSED, "trials_passed", self.ended)

    def judge(self, now_s: float) -> None:
        policy, window, streak = self.policy, self.window(now_s), self.streak()
        enough = len(window) >= policy.min_calls
        if enough and policy.failure_rate and sum(each[1] for each in window) / len(window) >= policy.failure_rate:
            self.move(now_s, OPEN, "failure_rate", window)
        elif policy.consecutive and len(streak) >= policy.consecutive:
            self.move(now_s, OPEN, "consecutive", streak)
        elif enough and policy.slow_rate and sum(each[2] for each in window) / len(window) >= policy.slow_rate:
            self.move(now_s, OPEN, "slow_rate", window, by_slow=True)

    def window(self, now_s: float) -> list[tuple[float, bool, bool]]:
        if self.policy.window_calls is not None:
            return self.ended[-self.policy.window_calls :]
        slice_s = self.policy.window_s / SLICES
        return [each for each in self.ended if each[0] // slice_s > now_s // slice_s - SLICES]

    def streak(self) -> list[tuple[float, bool, bool]]:
        successes = [place for place, each in enumerate(self.ended, start=1) if not each[1]]
        return self.ended[max(successes, default=0) :]

    def move(
        self,
        now_s: float,
        after: BreakerState,
        reason: str,
        behind: Iterable[tuple[float, bool, bool]],
        *,
        by_slow=False,
    ) -> None:
        calls = list(behind)
        since_s = min((each[0] for each in calls if each[2 if by_slow else 1]), default=None)
        if after is OPEN:
            closed_at_s = max((at_s for at_s, state, *_ in self.moves if state is CLOSED), default=float("-inf"))
            fresh = self.state is CLOSED and now_s - closed_at_s >= self.policy.reset_after_s
            longer_s = min(self.stay_s * self.policy.open_factor, self.policy.max_open_for_s)
            self.stay_s = self.policy.open_for_s if fresh else longer_s
            self.open_until_s = now_s + self.stay_s
        counts = (len(calls), sum(each[1] for each in calls), sum(each[2] for each in calls))
        self.moves.append((now_s, after, reason, *counts, since_s))
        self.state, self.under_way, self.ended = after, [], []


POLICIES = st.builds(
    BreakerPolicy,
    failure_rate=st.sampled_from([None, 0.25, 0.5, 1.0]),
    slow_rate=st.sampled_from([None, 0.5]),
    slow_ttft_s=st.just(1.0),
    min_calls=st.integers(1, 5),
    window_s=st.just(SLICES * 0.25),
    window_calls=st.sampled_from([None, None, 5, 7]),
    consecutive=st.sampled_from([None, 1, 3]),
    open_for_s=st.just(8.0),
    open_factor=st.sampled_from([1.0, 2.0]),
    max_open_for_s=st.just(24.0),
    reset_after_s=st.just(4.0),
    half_open_calls=st.integers(1, 3),
    enforce=st.booleans(),
)


class BreakerAgainstOracle(RuleBasedStateMachine):
    """Any mix of calls that overlap, end in any order, and are given back without an outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.told: list[StateChange] = []
        self.calls = 0
        self.out: list[tuple[int, Permit, tuple[int, bool]]] = []

    @initialize(policy=POLICIES)
    def begin(self, policy: BreakerPolicy) -> None:
        self.breaker = Breaker(policy, "o3", self.told.append)
        self.oracle = Oracle(policy)

    @rule(eighths=st.integers(1, 60))
    def wait(self, eighths: int) -> None:
        self.now_s += eighths / 8

    @rule()
    def ask(self) -> None:
        self.calls += 1
        permit = self.breaker.try_acquire(self.now_s)
        through, expected = self.oracle.ask(self.now_s, self.calls)
        assert (permit is not None) == through
        if permit is not None:
            self.out.append((self.calls, permit, expected))

    @precondition(lambda self: self.out)
    @rule(data=st.data(), failed=st.sampled_from([False, False, False, True]), slow=st.booleans())
    def end(self, data: st.DataObject, failed: bool, slow: bool) -> None:
        call, permit, expected = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.breaker.record(permit, failed=failed, slow=slow, now_s=self.now_s)
        self.oracle.end(call, expected, (failed, slow), self.now_s)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        call, permit, expected = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.breaker.release(permit, self.now_s)
        self.oracle.end(call, expected, None, self.now_s)

    @invariant()
    def both_tell_the_same(self) -> None:
        if not hasattr(self, "breaker"):
            return
        told = [(c.at_s, c.after, c.reason, c.calls, c.failures, c.slow, c.since_s) for c in self.told]
        assert told == self.oracle.moves
        assert self.breaker.state is self.oracle.state
        assert self.breaker.refused == self.oracle.refused
        assert self.breaker.retry_at_s == (self.oracle.open_until_s if self.oracle.state is OPEN else None)


TestBreakerAgainstOracle = BreakerAgainstOracle.TestCase
TestBreakerAgainstOracle.settings = settings(stateful_step_count=80)
