"""One request of a client with all its attempts: decides the next action from observations and the time.

Outermost first: deadline, retry, breaker, quota, the timeouts of an attempt, send. The caller sends and sleeps:

    while True:
        match call.next_action(clock.now_s()):
            case Send(number, within_s):
                call.observe(attempt(number, within_s), clock.now_s())
            case Wait(seconds):
                sleep_s(seconds)
            case Done() as done:
                return done

Each attempt asks the breaker once and then reserves quota, and each outcome reaches the breaker once.
"""

from enum import StrEnum
from random import Random

from relayload.core.model.record import FailureKind
from relayload.core.resilience.actions import Done, Observation, Send, StoppedBy, Wait, WaitReason
from relayload.core.resilience.breaker import Permit
from relayload.core.resilience.classify import AttemptSignals
from relayload.core.resilience.dialects import NEVER_SENT, OWN_FAULTS
from relayload.core.resilience.header_quota import HeaderQuota
from relayload.core.resilience.limit import Reservation
from relayload.core.resilience.meaning import MEANINGS
from relayload.core.resilience.policy import ClientPolicy
from relayload.core.resilience.protocols import BreakerLike, QuotaLike
from relayload.core.resilience.retry import RetryBudget, RetryPolicy
from relayload.core.resilience.retry_after import retry_after_s

_LEAST_WAIT_S = 1e-6
"""Ensures that a wait advances every clock, however coarse."""
_NOTHING_SEEN = Observation(AttemptSignals())


class OutOfOrder(RuntimeError):
    """The caller did something that the call's state does not allow."""


class CallState(StrEnum):
    """The state of a call."""

    READY = "ready"
    """The next attempt has neither permit nor quota yet."""
    THROTTLED = "throttled"
    """The attempt has its permit and waits for quota."""
    SENT = "sent"
    BACKING_OFF = "backing_off"
    DONE = "done"


class Event(StrEnum):
    """What changes the state of a call."""

    QUEUED = "queued"
    ADMITTED = "admitted"
    FAILED = "failed"
    WAITED = "waited"
    ENDED = "ended"


# A ready attempt is admitted at once, or queued for quota and admitted later. A failed one is followed by another after
# a back-off. A call can end in any state: answered, refused, out of time, given up or abandoned.
TRANSITIONS: dict[tuple[CallState, Event], CallState] = {
    (CallState.READY, Event.QUEUED): CallState.THROTTLED,
    (CallState.READY, Event.ADMITTED): CallState.SENT,
    (CallState.THROTTLED, Event.ADMITTED): CallState.SENT,
    (CallState.SENT, Event.FAILED): CallState.BACKING_OFF,
    (CallState.BACKING_OFF, Event.WAITED): CallState.READY,
    (CallState.READY, Event.ENDED): CallState.DONE,
    (CallState.THROTTLED, Event.ENDED): CallState.DONE,
    (CallState.SENT, Event.ENDED): CallState.DONE,
    (CallState.BACKING_OFF, Event.ENDED): CallState.DONE,
}


class Call:
    """One request. `tokens` is its expected use of the quota; `deadline_at_s` limits it including all waits."""

    __slots__ = (
        "_backoff_s",
        "_breaker",
        "_budget",
        "_deadline_at_s",
        "_done",
        "_kinds",
        "_number",
        "_permit",
        "_policy",
        "_quota",
        "_reservation",
        "_rng",
        "_state",
        "_throttled_s",
        "_tokens",
        "_until_s",
        "_waiting_since_s",
    )

    def __init__(
        self,
        policy: ClientPolicy,
        rng: Random,
        *,
        deadline_at_s: float | None = None,
        breaker: BreakerLike | None = None,
        quota: QuotaLike | None = None,
        budget: RetryBudget | None = None,
        tokens: int = 0,
    ) -> None:
        self._policy = policy
        self._rng = rng
        self._deadline_at_s = deadline_at_s
        self._breaker = breaker
        self._quota = quota
        self._budget = budget
        self._tokens = tokens
        self._state = CallState.READY
        self._number = 0
        self._kinds: tuple[FailureKind, ...] = ()
        self._permit: Permit | None = None
        self._reservation: Reservation | None = None
        self._waiting_since_s = self._until_s = 0.0
        self._throttled_s = self._backoff_s = 0.0
        self._done: Done | None = None

    def next_action(self, now_s: float) -> Send | Wait | Done:
        """Return what to do now. Raises OutOfOrder while an attempt is on its way."""
        state = self._state
        if state is CallState.READY:
            return self._begin(now_s)
        if state is CallState.THROTTLED or state is CallState.BACKING_OFF:
            return self._resume(now_s)
        if self._done is None:
            raise OutOfOrder("an attempt is on its way: observe what came of it")
        return self._done

    def observe(self, observation: Observation, now_s: float) -> FailureKind:
        """Take the result of the attempt that was sent, and return its kind. Raises OutOfOrder if none was sent."""
        if self._state is not CallState.SENT:
            raise OutOfOrder(f"no attempt is on its way: the call is {self._state}")
        kind = self._policy.classifier.classify(observation.signals)
        self._kinds += (kind,)
        self._report_to_breaker(kind, observation, now_s)
        self._settle(observation, now_s)
        if kind is FailureKind.OK:
            self._end()
        else:
            self._after_failure(kind, observation, now_s)
        return kind

    def abandon(self, now_s: float) -> Done:
        """Give up in any state and release all reservations. Does nothing after the end."""
        if self._done is not None:
            return self._done
        if self._state is CallState.SENT:
            self._settle(_NOTHING_SEEN, now_s)
        elif self._state is not CallState.READY:
            self._account_wait(now_s)
        return self._give_up(None, now_s)

    def _begin(self, now_s: float) -> Send | Wait | Done:
        if self._past_deadline(now_s):
            return self._end(StoppedBy.DEADLINE)
        if self._breaker is not None:
            self._permit = self._breaker.try_acquire(now_s)
            if self._permit is None:
                return self._end(StoppedBy.BREAKER)
        return self._send(now_s) if self._quota is None else self._queue(self._quota, now_s)

    def _queue(self, quota: QuotaLike, now_s: float) -> Send | Wait | Done:
        self._reservation = quota.reserve(self._tokens, now_s)
        wait_s = self._reservation.wait_s
        if wait_s <= 0:
            return self._send(now_s)
        if self._past_deadline(now_s + wait_s):
            return self._give_up(StoppedBy.DEADLINE, now_s)
        self._wait(wait_s, now_s, Event.QUEUED)
        return Wait(wait_s, WaitReason.QUOTA)

    def _resume(self, now_s: float) -> Send | Wait | Done:
        """Continue after a wait, or return the rest of it."""
        throttled = self._state is CallState.THROTTLED
        if now_s < self._until_s:
            return Wait(
                max(self._until_s - now_s, _LEAST_WAIT_S), WaitReason.QUOTA if throttled else WaitReason.BACKOFF
            )
        self._account_wait(now_s)
        if not throttled:
            self._move(Event.WAITED)
            return self._begin(now_s)
        return self._give_up(StoppedBy.DEADLINE, now_s) if self._past_deadline(now_s) else self._send(now_s)

    def _send(self, now_s: float) -> Send:
        self._move(Event.ADMITTED)
        self._number += 1
        if self._number == 1 and self._budget is not None:
            self._budget.note_request(now_s)
        return Send(self._number, None if self._deadline_at_s is None else self._deadline_at_s - now_s)

    def _report_to_breaker(self, kind: FailureKind, observation: Observation, now_s: float) -> None:
        breaker, permit, policy, signals = self._breaker, self._permit, self._policy, observation.signals
        if breaker is None or permit is None:
            return
        self._permit = None
        failed = (
            kind is not FailureKind.OK and signals.failure not in OWN_FAULTS and policy.counted.covers(kind, signals)
        )
        if failed or kind is FailureKind.OK:
            slow = policy.breaker.slow(observation.ttft_s, observation.service_s)
            breaker.record(permit, failed=failed, slow=slow, now_s=now_s)
        else:
            breaker.release(permit, now_s)

    def _settle(self, observation: Observation, now_s: float) -> None:
        quota, reservation = self._quota, self._reservation
        if quota is None or reservation is None:
            return
        self._reservation = None
        remaining, headers_at_s = observation.told, observation.headers_at_s
        if remaining is not None and isinstance(quota, HeaderQuota):
            quota.observe(reservation, *remaining, now_s if headers_at_s is None else headers_at_s)
        if observation.signals.failure in NEVER_SENT:
            quota.cancel(reservation, now_s)
        else:
            quota.settle(reservation, observation.tokens(self._tokens), now_s)

    def _after_failure(self, kind: FailureKind, observation: Observation, now_s: float) -> None:
        retry = self._policy.retry
        if retry is None or retry.attempts == 1 or not retry.retried.covers(kind, observation.signals):
            self._end()
        elif observation.content_begun:
            self._end(StoppedBy.CONTENT)
        elif self._number >= retry.attempts:
            self._end(StoppedBy.ATTEMPTS)
        else:
            self._back_off(retry, kind, observation, now_s)

    def _back_off(self, retry: RetryPolicy, kind: FailureKind, observation: Observation, now_s: float) -> None:
        signals, limited = observation.signals, kind is FailureKind.RATE_LIMITED
        requested_s = retry_after_s(signals.headers, signals.retry_after_s, limited=limited, wall_s=observation.wall_s)
        wait_s = retry.wait_s(
            self._number, rate_limited=MEANINGS[kind].throttling, retry_after_s=requested_s, rng=self._rng
        )
        if requested_s is not None and requested_s > retry.max_retry_after_s:
            self._end(StoppedBy.RETRY_AFTER)
        elif self._past_deadline(now_s + wait_s):
            self._end(StoppedBy.DEADLINE)
        elif self._budget is not None and not self._budget.try_spend(now_s):
            self._end(StoppedBy.BUDGET)
        else:
            self._wait(wait_s, now_s, Event.FAILED)

    def _wait(self, wait_s: float, now_s: float, event: Event) -> None:
        self._waiting_since_s, self._until_s = now_s, now_s + wait_s
        self._move(event)

    def _account_wait(self, now_s: float) -> None:
        waited_s = now_s - self._waiting_since_s
        if self._state is CallState.THROTTLED:
            self._throttled_s += waited_s
        else:
            self._backoff_s += waited_s

    def _past_deadline(self, at_s: float) -> bool:
        return self._deadline_at_s is not None and at_s >= self._deadline_at_s

    def _give_up(self, stopped_by: StoppedBy | None, now_s: float) -> Done:
        """End without sending the attempt that was being prepared, if any."""
        quota, reservation = self._quota, self._reservation
        if quota is not None and reservation is not None:
            quota.cancel(reservation, now_s)
        breaker, permit = self._breaker, self._permit
        if breaker is not None and permit is not None:
            breaker.release(permit, now_s)
        self._permit = self._reservation = None
        return self._end(stopped_by)

    def _end(self, stopped_by: StoppedBy | None = None) -> Done:
        self._move(Event.ENDED)
        kinds = self._kinds
        self._done = Done(kinds[-1] if kinds else None, stopped_by, kinds, self._throttled_s, self._backoff_s)
        return self._done

    def _move(self, event: Event) -> None:
        state = TRANSITIONS.get((self._state, event))
        if state is None:
            raise OutOfOrder(f"a call that is {self._state} cannot be {event}")
        self._state = state
