"""The loop that sends and waits, over a transport that answers as a test says."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import gevent
import pytest
from msgspec import structs

from relayload import clock
from relayload.client.caller import Caller, SharedState, Unleased
from relayload.core.model.record import Attempt, BreakerState, FailureKind, Outcome
from relayload.core.resilience.breaker import StateChange
from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.limit import Limit, Unit
from relayload.core.resilience.policy import ClientPolicy
from relayload.core.resilience.retry import RetryPolicy
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import RelayFault, Timeouts, WireRequest
from relayload.transport import Answer

REQUEST = chat_request("o3", [{"role": "user", "content": "x" * 400}], stream=False, max_output_tokens=50)
QUICK = RetryPolicy(attempts=3, backoff_s=0.001, rate_limited_backoff_s=0.001, budget_share=None)
OK = Answer(Attempt(outcome=Outcome.OK, status=200, input_tokens=10, output_tokens=5))


def failed(status: int = 503, **headers: str) -> Answer:
    outcome = Outcome.RATE_LIMITED if status == 429 else Outcome.SERVER_ERROR if status >= 500 else Outcome.REJECTED
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(Attempt(outcome=outcome, error=f"http_{status}", status=status), named, RelayFault("no"))


class Script:
    """A transport that gives these answers in turn, the last one for ever."""

    kernel_timestamps = True

    def __init__(self, *answers: Answer, for_s: float = 0.0) -> None:
        self._answers = list(answers)
        self._for_s = for_s
        self.sent_at_s: list[float] = []
        self.timeouts: list[Timeouts] = []

    def send(self, request: WireRequest, timeouts: Timeouts, **_: Any) -> Answer:
        self.sent_at_s.append(clock.now_s())
        self.timeouts.append(timeouts)
        gevent.sleep(self._for_s)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @property
    def waits_s(self) -> list[float]:
        """Between one send and the next."""
        return [later_s - earlier_s for earlier_s, later_s in pairwise(self.sent_at_s)]

    def close(self) -> None: ...


@pytest.fixture
def waits_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by what is waited, and by nothing else."""
    time_s = [1000.0]

    def sleep(for_s: float) -> None:
        time_s[0] += for_s

    monkeypatch.setattr(clock, "now_s", lambda: time_s[0])
    monkeypatch.setattr(gevent, "sleep", sleep)


def caller(script: Script, on_transition: Callable[[StateChange], None] = lambda _: None, **policy: Any) -> Caller:
    return Caller(script, SharedState(ClientPolicy(**policy), on_transition), Random(1))


def test_without_a_policy_a_request_is_one_attempt() -> None:
    script = Script(failed())
    called = caller(script).call(REQUEST, Timeouts())
    assert (called.outcome, called.kind, len(called.attempts)) == (Outcome.SERVER_ERROR, FailureKind.OVERLOADED, 1)
    assert called.attempts[0].kind is FailureKind.OVERLOADED
    assert called.stopped_by is None


def test_a_failure_is_tried_again_until_there_is_an_answer() -> None:
    called = caller(Script(failed(), failed(), OK), retry=QUICK).call(REQUEST, Timeouts())
    assert called.outcome is Outcome.OK
    assert [attempt.kind for attempt in called.attempts] == [FailureKind.OVERLOADED, FailureKind.OVERLOADED, None]
    assert called.answer is OK
    assert called.backoff_s > 0


def test_attempts_end() -> None:
    script = Script(failed())
    called = caller(script, retry=QUICK).call(REQUEST, Timeouts())
    assert (len(script.sent_at_s), called.outcome, called.stopped_by) == (3, Outcome.SERVER_ERROR, "attempts")


@pytest.mark.usefixtures("waits_take_no_time")
def test_the_wait_that_the_relay_asks_for_is_waited() -> None:
    script = Script(failed(429, retry_after_ms="120"), OK)
    assert caller(script, retry=QUICK).call(REQUEST, Timeouts()).outcome is Outcome.OK
    (wait_s,) = script.waits_s
    assert 0.12 <= wait_s <= 0.121  # and some of our own 1 ms, so that not all come back at once


def test_a_bad_request_is_not_tried_again() -> None:
    script = Script(failed(400))
    called = caller(script, retry=QUICK).call(REQUEST, Timeouts())
    assert (len(script.sent_at_s), called.kind, called.stopped_by) == (1, FailureKind.BAD_REQUEST, None)


def test_retries_of_all_requests_share_one_budget() -> None:
    script = Script(failed())
    made = caller(script, retry=replace(QUICK, budget_share=0.2, budget_minimum=3))
    ends = [made.call(REQUEST, Timeouts()).stopped_by for _ in range(5)]
    assert len(script.sent_at_s) == 5 + 3
    assert ends[-1] == "budget"


def test_an_open_breaker_sends_nothing_and_tells_of_its_changes() -> None:
    script, changes = Script(failed()), list[StateChange]()
    made = caller(script, changes.append, breaker=BreakerPolicy(consecutive=2))
    outcomes = [made.call(REQUEST, Timeouts()).outcome for _ in range(3)]
    assert outcomes == [Outcome.SERVER_ERROR, Outcome.SERVER_ERROR, Outcome.SHORT_CIRCUITED]
    assert len(script.sent_at_s) == 2
    assert [(change.scope, change.after) for change in changes] == [("o3", BreakerState.OPEN)]


def test_a_breaker_that_only_watches_refuses_nothing() -> None:
    script, changes = Script(failed()), list[StateChange]()
    made = caller(script, changes.append)
    assert {made.call(REQUEST, Timeouts()).outcome for _ in range(12)} == {Outcome.SERVER_ERROR}
    assert [change.after for change in changes] == [BreakerState.OPEN]


@pytest.mark.usefixtures("waits_take_no_time")
def test_a_quota_holds_back_and_the_wait_is_accounted() -> None:
    script = Script(OK)
    made = caller(script, limits=(Limit(20, 1.0),))
    calls = [made.call(REQUEST, Timeouts()) for _ in range(4)]
    assert [called.throttled_s for called in calls] == pytest.approx([0.0, *script.waits_s])
    assert script.waits_s == pytest.approx([1.02 / 20] * 3), "windows are kept 20 ms longer than written"


def test_tokens_are_reserved_by_an_estimate_and_settled_by_the_usage() -> None:
    # Each is expected to take about 170 of 200 tokens a minute, and takes 15: there is room for the next one.
    made = caller(Script(OK), limits=(Limit(200, 60.0, Unit.TOKENS, burst=200),), deadline_s=5.0)
    assert [made.call(REQUEST, Timeouts()).outcome for _ in range(3)] == [Outcome.OK] * 3


def test_the_prompt_counts_where_the_relay_tells_no_usage() -> None:
    # The answer takes 5 of 200 tokens a minute, but the prompt about 120: there is no room for the next one.
    counted = Answer(Attempt(outcome=Outcome.OK, status=200, chunks=5, output_tokens=5, counted=True))
    made = caller(Script(counted), limits=(Limit(200, 60.0, Unit.TOKENS, burst=200),), deadline_s=5.0)
    assert [made.call(REQUEST, Timeouts()).outcome for _ in range(2)] == [Outcome.OK, Outcome.TIMED_OUT]


@pytest.mark.usefixtures("waits_take_no_time")
def test_a_quota_follows_what_the_relay_says_is_left() -> None:
    limited = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "150ms"}
    script = Script(Answer(OK.attempt, limited))
    made = caller(script, quota_from_headers=True)
    made.call(REQUEST, Timeouts())
    made.call(REQUEST, Timeouts())
    assert script.waits_s == pytest.approx([0.15])


@pytest.mark.usefixtures("waits_take_no_time")
def test_what_is_left_counts_from_the_headers_and_not_from_the_end_of_a_stream() -> None:
    limited = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1100ms"}

    class Stream(Script):
        """Headers at once, and content for a second."""

        def send(self, request: WireRequest, timeouts: Timeouts, **given: Any) -> Answer:
            sent_at_s = clock.now_s()
            super().send(request, timeouts, **given)
            attempt = structs.replace(OK.attempt, sent_at_s=sent_at_s, send_s=0.0, waiting_s=0.0)
            return Answer(attempt, limited)

    script = Stream(OK, for_s=1.0)
    made = caller(script, quota_from_headers=True)
    made.call(REQUEST, Timeouts())
    made.call(REQUEST, Timeouts())
    assert script.waits_s == pytest.approx([1.1])


@pytest.mark.usefixtures("waits_take_no_time")
def test_a_deadline_bounds_each_attempt_and_ends_the_request() -> None:
    script = Script(failed())
    called = caller(script, retry=RetryPolicy(attempts=9, backoff_s=60.0), deadline_s=0.2).call(
        REQUEST, Timeouts(total_s=30.0)
    )
    assert called.stopped_by == "deadline"
    assert all(timeouts.total_s is not None and timeouts.total_s <= 0.2001 for timeouts in script.timeouts)


def test_a_deadline_that_comes_before_the_quota_leaves_it_unsent() -> None:
    script = Script(OK)
    made = caller(script, limits=(Limit(1, 60.0),), deadline_s=1.0)
    assert made.call(REQUEST, Timeouts()).outcome is Outcome.OK
    called = made.call(REQUEST, Timeouts())
    assert (called.outcome, called.stopped_by, called.attempts) == (Outcome.TIMED_OUT, "deadline", ())


def test_a_request_that_is_killed_on_the_wire_is_abandoned_and_gives_back_what_it_held() -> None:
    made = caller(Script(OK, for_s=30.0), breaker=BreakerPolicy(consecutive=1, half_open_calls=1))
    calling = gevent.spawn(made.call, REQUEST, Timeouts())
    gevent.sleep(0.01)
    calling.kill()
    called = calling.value
    assert (called.outcome, called.attempts[-1].error) == (Outcome.ABANDONED, "run_ended")


def test_a_request_that_is_killed_while_it_waits_keeps_its_attempts() -> None:
    made = caller(Script(failed(429, retry_after="30")), retry=QUICK)
    calling = gevent.spawn(made.call, REQUEST, Timeouts())
    gevent.sleep(0.01)
    calling.kill()
    called = calling.value
    assert (called.outcome, len(called.attempts)) == (Outcome.ABANDONED, 1)
    assert called.backoff_s > 0


def test_a_bug_in_the_transport_is_raised() -> None:
    class Broken(Script):
        def send(self, *_: Any, **__: Any) -> Answer:
            raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        caller(Broken(OK), limits=(Limit(5, 1.0),)).call(REQUEST, Timeouts())


class Lease:
    """Permission to send until an instant; waiting for it brings another one."""

    def __init__(self, until_s: float) -> None:
        self.until_s = until_s
        self.waits = 0

    def wait(self) -> None:
        self.waits += 1
        self.until_s = clock.now_s() + 600.0


def test_a_request_without_a_lease_is_not_sent() -> None:
    transport, lease = Script(OK), Lease(clock.now_s() - 1.0)
    with pytest.raises(Unleased):
        Caller(transport, SharedState(ClientPolicy(retry=QUICK)), Random(1), permit=lease).call(REQUEST, Timeouts())
    assert (transport.sent_at_s, lease.waits) == ([], 0)


def test_a_retry_waits_for_a_lease() -> None:
    lease = Lease(clock.now_s() + 600.0)

    class Lapses(Script):
        def send(self, request: WireRequest, timeouts: Timeouts, **more: Any) -> Answer:
            lease.until_s = clock.now_s()
            return super().send(request, timeouts, **more)

    called = Caller(Lapses(failed(), OK), SharedState(ClientPolicy(retry=QUICK)), Random(1), permit=lease).call(
        REQUEST, Timeouts()
    )
    assert (called.outcome, len(called.attempts), lease.waits) == (Outcome.OK, 2, 1)


def test_a_smaller_quota_spaces_later_calls_and_says_when_the_last_one_starts() -> None:
    state = SharedState(ClientPolicy(limits=(Limit(10, 1.0),)))
    caller = Caller(Script(OK), state, Random(1))
    caller.call(REQUEST, Timeouts())
    assert state.resize([1]) <= clock.now_s()
    caller.call(REQUEST, Timeouts())
    assert caller.call(REQUEST, Timeouts()).throttled_s > 0.5
    assert SharedState(ClientPolicy()).resize([]) == float("-inf")
