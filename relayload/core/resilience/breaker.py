"""A circuit breaker: after too many failures it blocks calls for a while, then tries a few.

A caller first acquires a permit and gives it back exactly once: with the outcome (`record`), or without one
(`release`) if the call was never sent or says nothing about the relay's health, like a 429 or a 400.

A permit is valid until the next transition. Outcomes of calls that began before the last transition are not counted: a
late success does not close a breaker, and a late failure does not trip it again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from relayload.core.model.record import BreakerState
from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.sliding_windows import CallCounts, Counts


class Event(StrEnum):
    """What changes a breaker's state: the `reason` of a transition. The values appear in recordings."""

    FAILURE_RATE = "failure_rate"
    CONSECUTIVE = "consecutive"
    SLOW_RATE = "slow_rate"
    COOLED_DOWN = "cooled_down"
    HALF_OPEN_PASSED = "trials_passed"
    HALF_OPEN_FAILED = "trial_failed"


# CLOSED counts every outcome and trips by any of three rules. OPEN refuses until its time is over; the first call after
# that moves it to HALF_OPEN, which lets a few calls through: one failure, or too many slow successes, opens it again;
# enough successes close it. Any other transition is a bug and raises.
TRANSITIONS = {
    (BreakerState.CLOSED, Event.FAILURE_RATE): BreakerState.OPEN,
    (BreakerState.CLOSED, Event.CONSECUTIVE): BreakerState.OPEN,
    (BreakerState.CLOSED, Event.SLOW_RATE): BreakerState.OPEN,
    (BreakerState.OPEN, Event.COOLED_DOWN): BreakerState.HALF_OPEN,
    (BreakerState.HALF_OPEN, Event.HALF_OPEN_PASSED): BreakerState.CLOSED,
    (BreakerState.HALF_OPEN, Event.HALF_OPEN_FAILED): BreakerState.OPEN,
}


class Permit(Struct, gc=False, eq=False):
    """Permission for one call."""

    generation: int
    """The number of transitions before it was given."""
    counts: bool = True
    """False for a call that an enforcing breaker would have refused."""
    used: bool = False


@dataclass(frozen=True, slots=True)
class StateChange:
    """A transition, with the counts that caused it: of the window, the failure streak or the half-open calls."""

    at_s: float
    scope: str
    before: BreakerState
    after: BreakerState
    reason: Event
    calls: int = 0
    failures: int = 0
    slow: int = 0
    since_s: float | None = None
    """For a trip: when the first of the failures or slow calls that caused it ended."""


class Breaker:
    """One circuit breaker. The caller passes the time, which never goes back."""

    def __init__(self, policy: BreakerPolicy, scope: str, on_transition: Callable[[StateChange], None]) -> None:
        self._policy = policy
        self._scope = scope
        self._on_transition = on_transition
        self._state = BreakerState.CLOSED
        self._generation = 0
        self._seen: Counts = policy.window()
        self._streak = CallCounts()
        self._half_open_under_way = 0
        self._open_for_s = 0.0
        self._open_until_s = 0.0
        self._closed_at_s = float("-inf")
        self._refused = 0

    @property
    def state(self) -> BreakerState:
        return self._state

    @property
    def retry_at_s(self) -> float | None:
        """When calls will be tried again; None unless it is OPEN."""
        return self._open_until_s if self._state is BreakerState.OPEN else None

    @property
    def refused(self) -> int:
        """How many calls were refused, or would have been refused if the breaker were enforcing."""
        return self._refused

    def try_acquire(self, now_s: float) -> Permit | None:
        """Return a permit for one call, or None if the call is refused."""
        if self._state is BreakerState.CLOSED:
            return Permit(self._generation)
        if self._state is BreakerState.OPEN and now_s >= self._open_until_s:
            self._move(Event.COOLED_DOWN, CallCounts(), None, now_s)
        if self._state is BreakerState.HALF_OPEN and self._half_open_under_way < self._policy.half_open_calls:
            self._half_open_under_way += 1
            return Permit(self._generation)
        self._refused += 1
        return None if self._policy.enforce else Permit(self._generation, counts=False)

    def record(self, permit: Permit, *, failed: bool, slow: bool, now_s: float) -> None:
        """Record the outcome of a call. Raises RuntimeError if the permit was given back before."""
        if not self._take_back(permit):
            return
        self._seen.add(failed, slow, now_s)
        if self._state is BreakerState.CLOSED:
            self._judge_window(failed, slow, now_s)
        else:
            self._judge_half_open(now_s)

    def release(self, permit: Permit, now_s: float) -> None:  # noqa: ARG002 - every method takes the time
        """Give back a permit without an outcome. Raises RuntimeError if it was given back before."""
        self._take_back(permit)

    def _take_back(self, permit: Permit) -> bool:
        """Mark the permit as used, and return whether its outcome counts."""
        if permit.used:
            raise RuntimeError(f"breaker '{self._scope}': a permit was given back twice")
        permit.used = True
        if not permit.counts or permit.generation != self._generation:
            return False
        if self._state is BreakerState.HALF_OPEN:
            self._half_open_under_way -= 1
        return True

    def _judge_window(self, failed: bool, slow: bool, now_s: float) -> None:
        if failed:
            self._streak.add(failed, slow, now_s)
        elif self._streak.calls:
            self._streak = CallCounts()
        seen, streak, policy = self._seen, self._streak, self._policy
        if seen.failures and _reached(policy.failure_rate, seen.failures, seen.calls, policy.min_calls):
            self._move(Event.FAILURE_RATE, seen, seen.first_failed_at_s, now_s)
        elif policy.consecutive is not None and streak.calls >= policy.consecutive:
            self._move(Event.CONSECUTIVE, streak, streak.first_failed_at_s, now_s)
        elif seen.slow and _reached(policy.slow_rate, seen.slow, seen.calls, policy.min_calls):
            self._move(Event.SLOW_RATE, seen, seen.first_slow_at_s, now_s)

    def _judge_half_open(self, now_s: float) -> None:
        seen = self._seen
        if seen.failures:
            self._move(Event.HALF_OPEN_FAILED, seen, seen.first_failed_at_s, now_s)
        elif seen.calls >= self._policy.half_open_calls:
            if _reached(self._policy.slow_rate, seen.slow, seen.calls):
                self._move(Event.HALF_OPEN_FAILED, seen, seen.first_slow_at_s, now_s)
            else:
                self._move(Event.HALF_OPEN_PASSED, seen, None, now_s)

    def _move(self, event: Event, behind: Counts, since_s: float | None, now_s: float) -> None:
        before = self._state
        self._state = TRANSITIONS[before, event]
        self._generation += 1
        match self._state:
            case BreakerState.OPEN:
                self._open(before, now_s)
            case BreakerState.HALF_OPEN:
                self._seen, self._half_open_under_way = CallCounts(), 0
            case BreakerState.CLOSED:
                self._seen, self._streak, self._closed_at_s = self._policy.window(), CallCounts(), now_s
        counts = (behind.calls, behind.failures, behind.slow)
        self._on_transition(StateChange(now_s, self._scope, before, self._state, event, *counts, since_s))

    def _open(self, before: BreakerState, now_s: float) -> None:
        policy = self._policy
        if before is BreakerState.CLOSED and now_s - self._closed_at_s >= policy.reset_after_s:
            self._open_for_s = policy.open_for_s
        else:
            longer_s = min(self._open_for_s * policy.open_factor, policy.max_open_for_s)
            self._open_for_s = max(longer_s, policy.open_for_s)
        self._open_until_s = now_s + self._open_for_s


def _reached(rate: float | None, count: int, calls: int, min_calls: int = 1) -> bool:
    """Return whether a share reaches the rate. Division, unlike multiplication, makes 3 of 30 exactly 0.1."""
    return rate is not None and calls >= min_calls and count / calls >= rate
