"""Makes one request of a client over a transport: the loop that sends and waits as `core.resilience.call` decides."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from math import inf
from random import Random
from typing import Protocol

import gevent
import msgspec
from gevent import GreenletExit
from msgspec import Struct, structs

from relayload import clock
from relayload.core.model.record import Attempt, FailureKind, Outcome
from relayload.core.resilience.actions import Done, Observation, Send, StoppedBy, Wait
from relayload.core.resilience.breaker import StateChange
from relayload.core.resilience.breakers import Breakers
from relayload.core.resilience.call import Call
from relayload.core.resilience.classify import AttemptSignals
from relayload.core.resilience.header_quota import HeaderQuota
from relayload.core.resilience.limit import Unit
from relayload.core.resilience.policy import ClientPolicy
from relayload.core.resilience.quota import Quota
from relayload.core.resilience.retry import RetryBudget, RetryPolicy
from relayload.core.resilience.retry_after import remaining
from relayload.core.wire.formats import output_budget
from relayload.core.wire.request import RelayFault, Timeouts, WireRequest
from relayload.transport import Answer, OnText, Transport

_BYTES_PER_TOKEN = 4
"""A rough value for English text in JSON, to estimate tokens for the quota, which is settled with the real usage."""
_NO_FAULT = RelayFault()


class Called(Struct, kw_only=True, gc=False):
    """The result of a request with all its attempts."""

    outcome: Outcome
    attempts: tuple[Attempt, ...]
    answer: Answer | None
    """The answer of the last attempt; None if nothing was sent, or the attempt was cut off."""
    kind: FailureKind | None = None
    throttled_s: float = 0.0
    backoff_s: float = 0.0
    stopped_by: StoppedBy | None = None

    @property
    def answered(self) -> bool:
        """Whether it has an answer. A filtered answer counts, but one that a rule classifies as a failure does not."""
        return self.outcome is Outcome.OK and self.kind in _ANSWERS


_ANSWERS = (FailureKind.OK, FailureKind.CONTENT_FILTERED)


class Unleased(Exception):
    """The permit of this process was over when a request was to be sent."""


class Permit(Protocol):
    """Permission to send, until an instant of `clock.now_s`."""

    until_s: float

    def wait(self) -> None:
        """Block while it is over."""


class _ForEver:
    until_s = inf

    def wait(self) -> None:
        """Return at once."""


class SharedState:
    """What a client's requests share: breakers, quota, retry budget. One per target and process."""

    def __init__(self, policy: ClientPolicy, on_transition: Callable[[StateChange], None] = lambda _: None) -> None:
        self.policy = policy
        self.breakers = Breakers(policy.breaker, policy.breaker_scope, on_transition)
        self.quota = _quota(policy)
        self.budget = _budget(policy.retry)

    def with_own_quota(self) -> "SharedState":
        """Return a state that shares all but the quota."""
        other = copy(self)
        other.quota = _quota(self.policy)
        return other

    def resize(self, amounts: Sequence[int]) -> float:
        """Set the amounts of the quota's limits. Return the last instant that was given to a call before."""
        if not isinstance(self.quota, Quota):
            return -inf
        last_start_s = self.quota.last_start_s
        self.quota.resize(amounts)
        return last_start_s


class Caller:
    """Makes the requests of a client over one transport, with a key that may have a name."""

    def __init__(
        self,
        transport: Transport,
        state: SharedState,
        rng: Random,
        permit: Permit = _ForEver(),  # noqa: B008 -- immutable
        key: str | None = None,
    ) -> None:
        policy = state.policy
        self._key = key
        self._transport = transport
        self._permit = permit
        self._policy = policy
        self._rng = rng
        self.breakers = state.breakers
        self._quota = state.quota
        self._reads_headers = policy.quota_from_headers
        self._counts_tokens = any(limit.unit is Unit.TOKENS for limit in policy.limits) or policy.quota_from_headers
        self._budget = state.budget

    def call(
        self,
        request: WireRequest,
        timeouts: Timeouts,
        *,
        keep_text: bool = False,
        on_text: OnText | None = None,
        sampled: bool = False,
    ) -> Called:
        """Send a request until it is answered or given up.

        If the greenlet is killed meanwhile, its reservations are released and the outcome is `abandoned`. Raises
        Unleased if it was never sent, since the permit is over; later attempts wait for it.
        """
        call = self._new_call(request)
        attempts: list[Attempt] = []
        answer: Answer | None = None
        sending = False
        try:
            while True:
                action = call.next_action(clock.now_s())
                if type(action) is Send:
                    if clock.now_s() >= self._permit.until_s:
                        self._wait_or_leave(attempts)
                    sending = True
                    within = _within(timeouts, action.within_s)
                    answer = self._transport.send(
                        request, within, keep_text=keep_text, on_text=on_text, sampled=sampled
                    )
                    sending = False
                    kind = call.observe(self._observed(answer, request), clock.now_s())
                    attempts.append(_judged(answer.attempt, kind))
                elif type(action) is Wait:
                    gevent.sleep(action.seconds)
                elif type(action) is Done:
                    return _called(action, attempts, answer)
        except GreenletExit:
            if sending:
                attempts.append(CUT_OFF)
            return _abandoned(call.abandon(clock.now_s()), attempts)
        except BaseException:
            call.abandon(clock.now_s())
            raise

    def _wait_or_leave(self, attempts: Sequence[Attempt]) -> None:
        if not attempts:
            raise Unleased
        self._permit.wait()

    def _new_call(self, request: WireRequest) -> Call:
        policy = self._policy
        return Call(
            policy,
            self._rng,
            deadline_at_s=None if policy.deadline_s is None else clock.now_s() + policy.deadline_s,
            breaker=self.breakers.of(request.model, request.endpoint, self._key),
            quota=self._quota,
            budget=self._budget,
            tokens=_expected_tokens(request) if self._counts_tokens else 0,
        )

    def _observed(self, answer: Answer, request: WireRequest) -> Observation:
        """Build the observation of an attempt. A success omits what only failures need."""
        attempt = answer.attempt
        succeeded = attempt.outcome is Outcome.OK
        wall_s = None if succeeded and not self._reads_headers else clock.wall_ns() * 1e-9
        fault = answer.fault or _NO_FAULT
        return Observation(
            AttemptSignals(
                attempt.status,
                None if succeeded else attempt.error,
                attempt.finish_reason,
                fault.code,
                fault.type,
                fault.message,
                answer.headers,
                fault.retry_after_s,
            ),
            attempt.chunks > 0,
            _used_tokens(attempt, request) if self._counts_tokens else None,
            attempt.ttft_s,
            attempt.service_s,
            remaining(answer.headers, wall_s) if self._reads_headers else None,
            wall_s,
            _headers_at_s(attempt) if self._reads_headers else None,
        )


def _quota(policy: ClientPolicy) -> Quota | HeaderQuota | None:
    if policy.quota_from_headers:
        return HeaderQuota()
    return Quota(policy.limits) if policy.limits else None


def _budget(retry: RetryPolicy | None) -> RetryBudget | None:
    if retry is None or retry.budget_share is None:
        return None
    return RetryBudget(retry.budget_share, retry.budget_minimum)


def _headers_at_s(attempt: Attempt) -> float | None:
    if attempt.sent_at_s is None or attempt.send_s is None or attempt.waiting_s is None:
        return None
    return attempt.sent_at_s + attempt.send_s + attempt.waiting_s


CUT_OFF = Attempt(outcome=Outcome.ABANDONED, error="run_ended")
"""The attempt of a request that was killed while it was on the wire."""


def _within(timeouts: Timeouts, within_s: float | None) -> Timeouts:
    if within_s is None or (timeouts.total_s is not None and timeouts.total_s <= within_s):
        return timeouts
    return replace(timeouts, total_s=within_s)


def _judged(attempt: Attempt, kind: FailureKind) -> Attempt:
    return attempt if kind is FailureKind.OK else structs.replace(attempt, kind=kind)


def _called(done: Done, attempts: list[Attempt], answer: Answer | None) -> Called:
    return Called(
        outcome=attempts[-1].outcome if attempts else _unsent(done),
        attempts=tuple(attempts),
        answer=answer,
        kind=done.kind,
        throttled_s=done.throttled_s,
        backoff_s=done.backoff_s,
        stopped_by=done.stopped_by,
    )


def _unsent(done: Done) -> Outcome:
    """Return the outcome of a request that was never sent: the breaker refused it, or no time was left."""
    return Outcome.SHORT_CIRCUITED if done.short_circuited else Outcome.TIMED_OUT


def _abandoned(done: Done, attempts: list[Attempt]) -> Called:
    return Called(
        outcome=Outcome.ABANDONED,
        attempts=tuple(attempts),
        answer=None,
        throttled_s=done.throttled_s,
        backoff_s=done.backoff_s,
    )


def _used_tokens(attempt: Attempt, request: WireRequest) -> int | None:
    """Return the tokens used; None if unknown. The prompt is estimated if the relay reported no input tokens."""
    input_tokens = attempt.input_tokens
    if input_tokens is None and attempt.output_tokens is None:
        return None
    return (_prompt_tokens(request) if input_tokens is None else input_tokens) + (attempt.output_tokens or 0)


def _expected_tokens(request: WireRequest) -> int:
    """Estimate input plus output tokens, as relays count them against a limit: the budget stands for the answer."""
    return _prompt_tokens(request) + output_budget(request)


def _prompt_tokens(request: WireRequest) -> int:
    return len(msgspec.json.encode(request.body)) // _BYTES_PER_TOKEN
