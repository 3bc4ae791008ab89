from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import LedgerBreaker, LedgerQuota

from relayload.core.model.record import FailureKind
from relayload.core.resilience.actions import Done, Observation, Send, StoppedBy, Wait, WaitReason
from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.call import TRANSITIONS, Call, CallState, Event, OutOfOrder
from relayload.core.resilience.classify import AttemptSignals
from relayload.core.resilience.dialects import OWN_FAULTS
from relayload.core.resilience.header_quota import HeaderQuota
from relayload.core.resilience.meaning import failure_matcher
from relayload.core.resilience.policy import ClientPolicy
from relayload.core.resilience.retry import RetryBudget, RetryPolicy
from relayload.core.resilience.retry_after import Remaining

EXACT = RetryPolicy(attempts=3, backoff_s=1.0, rate_limited_backoff_s=4.0, jitter="none")
"""Waits 1 s and 2 s, or 4 s and 8 s when throttled."""
BARE = ClientPolicy()
RETRYING = ClientPolicy(retry=EXACT)

ANSWER = Observation(AttemptSignals(status=200, finish_reason="stop"), content_begun=True, used_tokens=120)
BROKEN = Observation(AttemptSignals(status=500, failure="http_500"))
REFUSED = Observation(AttemptSignals(status=400, failure="http_400"))
LIMITED = Observation(AttemptSignals(status=429, failure="http_429", headers={"retry-after": "7"}))
NOT_THERE = Observation(AttemptSignals(failure="connect"))


def call(policy: ClientPolicy = RETRYING, **gates: Any) -> Call:
    return Call(policy, Random(1), **gates)


def sent(number: int, within_s: float | None = None) -> Send:
    return Send(number, within_s)


def test_a_call_without_anything_is_one_attempt() -> None:
    bare = call(BARE)
    assert bare.next_action(5.0) == sent(1)
    assert bare.observe(ANSWER, 6.0) is FailureKind.OK
    assert bare.next_action(6.0) == Done(FailureKind.OK, kinds=(FailureKind.OK,))


def test_a_failure_is_not_tried_again_unless_that_is_asked_for() -> None:
    for policy in (BARE, ClientPolicy(retry=RetryPolicy(attempts=1))):
        once = call(policy)
        once.next_action(5.0)
        assert once.observe(BROKEN, 6.0) is FailureKind.SERVER_ERROR
        assert once.next_action(6.0) == Done(FailureKind.SERVER_ERROR, kinds=(FailureKind.SERVER_ERROR,))


def test_a_failure_is_followed_by_a_wait_and_another_attempt() -> None:
    again = call()
    assert again.next_action(10.0) == sent(1)
    again.observe(BROKEN, 11.0)
    assert again.next_action(11.0) == Wait(1.0, WaitReason.BACKOFF)
    assert again.next_action(11.75) == Wait(0.25, WaitReason.BACKOFF)
    assert again.next_action(12.0) == sent(2)
    again.observe(ANSWER, 13.0)
    assert again.next_action(13.0) == Done(
        FailureKind.OK, kinds=(FailureKind.SERVER_ERROR, FailureKind.OK), backoff_s=1.0
    )


def test_the_back_off_grows_and_ends_with_the_last_attempt() -> None:
    failing = call()
    failing.next_action(0.0)
    failing.observe(BROKEN, 0.0)
    assert failing.next_action(1.0) == sent(2)
    failing.observe(BROKEN, 1.0)
    assert failing.next_action(1.0) == Wait(2.0, WaitReason.BACKOFF)
    assert failing.next_action(3.0) == sent(3)
    failing.observe(BROKEN, 3.0)
    kinds = (FailureKind.SERVER_ERROR,) * 3
    assert failing.next_action(3.0) == Done(FailureKind.SERVER_ERROR, StoppedBy.ATTEMPTS, kinds, backoff_s=3.0)


def test_the_time_waited_is_what_really_passed() -> None:
    overslept = call(quota=LedgerQuota(waits_s=[0.5, 0.25]))
    overslept.next_action(0.0)
    overslept.next_action(0.625)
    overslept.observe(BROKEN, 1.0)
    overslept.next_action(2.25)
    overslept.next_action(2.5)
    overslept.observe(ANSWER, 3.0)
    done = overslept.next_action(3.0)
    assert isinstance(done, Done)
    assert (done.throttled_s, done.backoff_s) == (0.875, 1.25)


@pytest.mark.parametrize(
    ("observation", "kind"),
    [
        (REFUSED, FailureKind.BAD_REQUEST),
        (Observation(AttemptSignals(status=401)), FailureKind.AUTH),
        (Observation(AttemptSignals(status=429, code="insufficient_quota")), FailureKind.QUOTA_EXHAUSTED),
        (Observation(AttemptSignals(status=200, finish_reason="content_filter")), FailureKind.CONTENT_FILTERED),
        (Observation(AttemptSignals(failure="cancelled")), FailureKind.CANCELLED),
    ],
)
def test_what_cannot_get_better_is_not_tried_again(observation: Observation, kind: FailureKind) -> None:
    hopeless = call()
    hopeless.next_action(0.0)
    assert hopeless.observe(observation, 1.0) is kind
    assert hopeless.next_action(1.0) == Done(kind, kinds=(kind,))


def test_the_list_of_a_profile_decides_what_is_tried_again() -> None:
    policy = ClientPolicy(retry=replace(EXACT, retried=failure_matcher([409])))
    listed, other = call(policy), call(policy)
    listed.next_action(0.0)
    listed.observe(Observation(AttemptSignals(status=409)), 0.0)
    assert listed.next_action(0.0) == Wait(1.0, WaitReason.BACKOFF)
    other.next_action(0.0)
    other.observe(BROKEN, 0.0)
    assert other.next_action(0.0) == Done(FailureKind.SERVER_ERROR, kinds=(FailureKind.SERVER_ERROR,))


def test_a_relay_that_has_too_much_to_do_is_given_more_time() -> None:
    throttled = call()
    throttled.next_action(0.0)
    throttled.observe(Observation(AttemptSignals(status=503)), 0.0)
    assert throttled.next_action(0.0) == Wait(4.0, WaitReason.BACKOFF)


@pytest.mark.parametrize(
    ("observation", "wait_s"),
    [
        (LIMITED, 7.0),
        (Observation(AttemptSignals(status=503, headers={"retry-after": "7"})), 7.0),
        (Observation(AttemptSignals(status=500, headers={"retry-after-ms": "7250"})), 7.25),
        (Observation(AttemptSignals(status=429, retry_after_s=9.0)), 9.0),
        (Observation(AttemptSignals(status=429, headers={"x-ratelimit-reset-requests": "8s"})), 8.0),
        (Observation(AttemptSignals(status=503, headers={"x-ratelimit-reset-requests": "8s"})), 4.0),
        (Observation(AttemptSignals(status=500, headers={"x-ratelimit-reset-requests": "8s"})), 1.0),
        (Observation(AttemptSignals(status=429, headers={"retry-after": "Tue, 24 Nov 2026 00:47:02 GMT"})), 4.0),
        (
            Observation(
                AttemptSignals(status=429, headers={"retry-after": "Tue, 24 Nov 2026 00:47:02 GMT"}),
                wall_s=1_795_481_212.0,
            ),
            10.0,
        ),
        (Observation(AttemptSignals(status=429, headers={"retry-after": "1"})), 4.0),
    ],
)
def test_an_attempt_is_never_earlier_than_the_relay_asked(observation: Observation, wait_s: float) -> None:
    asked = call()
    asked.next_action(0.0)
    asked.observe(observation, 0.0)
    assert asked.next_action(0.0) == Wait(wait_s, WaitReason.BACKOFF)


def test_a_relay_that_asks_for_the_longest_wait_is_waited_for() -> None:
    asked = call()
    asked.next_action(0.0)
    asked.observe(Observation(AttemptSignals(status=429, headers={"retry-after": "120"})), 0.0)
    assert asked.next_action(0.0) == Wait(120.0, WaitReason.BACKOFF)


def test_a_relay_that_asks_for_too_long_a_wait_is_not_waited_for() -> None:
    asked = call()
    asked.next_action(0.0)
    asked.observe(Observation(AttemptSignals(status=429, headers={"retry-after": "121"})), 0.0)
    assert asked.next_action(0.0) == Done(FailureKind.RATE_LIMITED, StoppedBy.RETRY_AFTER, (FailureKind.RATE_LIMITED,))


@pytest.mark.parametrize("deadline_at_s", [6.5, 7.0])
def test_a_wait_that_leaves_no_time_is_not_begun(deadline_at_s: float) -> None:
    late = call(deadline_at_s=deadline_at_s)
    assert late.next_action(0.0) == sent(1, deadline_at_s)
    late.observe(LIMITED, 0.0)
    assert late.next_action(0.0) == Done(FailureKind.RATE_LIMITED, StoppedBy.DEADLINE, (FailureKind.RATE_LIMITED,))


def test_an_attempt_is_told_how_much_time_is_left() -> None:
    timely = call(deadline_at_s=20.0)
    assert timely.next_action(5.0) == sent(1, 15.0)
    timely.observe(LIMITED, 6.0)
    assert timely.next_action(13.5) == sent(2, 6.5)


def test_nothing_is_sent_after_the_deadline() -> None:
    breaker, quota = LedgerBreaker(), LedgerQuota()
    late = call(deadline_at_s=20.0, breaker=breaker, quota=quota)
    assert late.next_action(20.0) == Done(None, StoppedBy.DEADLINE)
    assert (breaker.asked, quota.reserved) == (0, [])


def test_who_oversleeps_the_deadline_sends_nothing() -> None:
    breaker, quota = LedgerBreaker(), LedgerQuota(waits_s=[1.0])
    late = call(deadline_at_s=20.0, breaker=breaker, quota=quota)
    assert late.next_action(18.0) == Wait(1.0, WaitReason.QUOTA)
    assert late.next_action(21.0) == Done(None, StoppedBy.DEADLINE, throttled_s=3.0)
    assert (breaker.released, quota.cancelled) == (1, 1)


def test_a_stream_is_not_tried_again_once_its_content_has_begun() -> None:
    begun = call()
    begun.next_action(0.0)
    begun.observe(Observation(AttemptSignals(status=200, failure="no_finish"), content_begun=True), 1.0)
    assert begun.next_action(1.0) == Done(FailureKind.BROKEN_STREAM, StoppedBy.CONTENT, (FailureKind.BROKEN_STREAM,))


def test_a_stream_that_broke_before_its_content_is_tried_again() -> None:
    silent = call()
    silent.next_action(0.0)
    silent.observe(Observation(AttemptSignals(status=200, failure="no_finish")), 1.0)
    assert silent.next_action(1.0) == Wait(1.0, WaitReason.BACKOFF)


def test_a_call_that_finds_the_budget_spent_ends_with_its_failure() -> None:
    budget = RetryBudget()
    calls = [call(budget=budget) for _ in range(5)]
    for each in calls:
        each.next_action(0.0)
        each.observe(BROKEN, 0.0)
    actions = [each.next_action(0.0) for each in calls]
    assert actions[:3] == [Wait(1.0, WaitReason.BACKOFF)] * 3
    assert actions[3:] == [Done(FailureKind.SERVER_ERROR, StoppedBy.BUDGET, (FailureKind.SERVER_ERROR,))] * 2


def test_only_requests_that_are_sent_pay_into_the_budget() -> None:
    budget = RetryBudget(share=1.0, minimum=0)
    call(budget=budget, breaker=LedgerBreaker(refusals=[True])).next_action(0.0)
    assert not budget.try_spend(0.0)
    call(budget=budget).next_action(0.0)
    assert budget.try_spend(0.0)


def test_a_call_that_the_breaker_refuses_is_short_circuited() -> None:
    quota = LedgerQuota()
    refused = call(breaker=LedgerBreaker(refusals=[True]), quota=quota)
    done = refused.next_action(0.0)
    assert done == Done(None, StoppedBy.BREAKER)
    assert done.short_circuited
    assert quota.reserved == []


def test_a_retry_that_the_breaker_refuses_ends_with_the_last_answer() -> None:
    refused = call(breaker=LedgerBreaker(refusals=[False, True]))
    refused.next_action(0.0)
    refused.observe(BROKEN, 0.0)
    done = refused.next_action(1.0)
    assert done == Done(FailureKind.SERVER_ERROR, StoppedBy.BREAKER, (FailureKind.SERVER_ERROR,), backoff_s=1.0)
    assert not done.short_circuited


SLOW = BreakerPolicy(slow_ttft_s=1.0, slow_latency_s=8.0)


@pytest.mark.parametrize(
    ("observation", "told"),
    [
        (ANSWER, (False, False)),
        (BROKEN, (True, False)),
        (NOT_THERE, (True, False)),
        (Observation(AttemptSignals(status=503)), (True, False)),
        (Observation(AttemptSignals(status=200, failure="no_finish"), content_begun=True), (True, False)),
        (Observation(AttemptSignals(status=200), ttft_s=2.0), (False, True)),
        (Observation(AttemptSignals(status=200), service_s=9.0), (False, True)),
        (Observation(AttemptSignals(status=200), ttft_s=0.9, service_s=8.0), (False, False)),
        (Observation(AttemptSignals(failure="total_timeout"), service_s=9.0), (True, True)),
        (LIMITED, None),
        (REFUSED, None),
        (Observation(AttemptSignals(status=401)), None),
        (Observation(AttemptSignals(failure="cancelled"), ttft_s=2.0), None),
        (Observation(AttemptSignals(failure="no_ports")), None),
    ],
)
def test_the_breaker_is_told_once_or_the_permit_given_back(
    observation: Observation, told: tuple[bool, bool] | None
) -> None:
    breaker = LedgerBreaker()
    watched = call(ClientPolicy(retry=EXACT, breaker=SLOW), breaker=breaker)
    watched.next_action(0.0)
    watched.observe(observation, 0.0)
    assert (breaker.recorded, breaker.released) == (([], 1) if told is None else ([told], 0))
    assert not breaker.open


def test_a_profile_can_count_what_usually_does_not() -> None:
    breaker = LedgerBreaker()
    counted = call(ClientPolicy(counted=failure_matcher([429])), breaker=breaker)
    counted.next_action(0.0)
    counted.observe(LIMITED, 0.0)
    assert breaker.recorded == [(True, False)]


@pytest.mark.parametrize("failure", sorted(OWN_FAULTS))
def test_our_own_faults_never_count_against_the_relay(failure: str) -> None:
    breaker = LedgerBreaker()
    own = call(ClientPolicy(counted=failure_matcher(["unreachable"])), breaker=breaker)
    own.next_action(0.0)
    own.observe(Observation(AttemptSignals(failure=failure)), 0.0)
    assert (breaker.recorded, breaker.released) == ([], 1)


def test_every_attempt_asks_the_breaker_once_and_then_reserves_quota() -> None:
    breaker, quota = LedgerBreaker(), LedgerQuota(waits_s=[2.0, 3.0])
    both = call(breaker=breaker, quota=quota, tokens=100)
    assert both.next_action(0.0) == Wait(2.0, WaitReason.QUOTA)
    assert both.next_action(1.5) == Wait(0.5, WaitReason.QUOTA)
    assert (breaker.asked, quota.reserved) == (1, [100])
    assert both.next_action(2.0) == sent(1)
    both.observe(BROKEN, 3.0)
    assert both.next_action(4.0) == Wait(3.0, WaitReason.QUOTA)
    assert both.next_action(7.0) == sent(2)
    both.observe(ANSWER, 8.0)
    assert both.next_action(8.0) == Done(
        FailureKind.OK, kinds=(FailureKind.SERVER_ERROR, FailureKind.OK), throttled_s=5.0, backoff_s=1.0
    )
    assert (breaker.asked, breaker.recorded) == (2, [(True, False), (False, False)])
    assert (quota.reserved, quota.settled, quota.open) == ([100, 100], [0, 120], set())


def test_a_call_that_does_not_say_its_tokens_reserves_none() -> None:
    quota = LedgerQuota()
    assert call(BARE, quota=quota).next_action(0.0) == sent(1)
    assert quota.reserved == [0]


def test_a_wait_for_quota_beyond_the_deadline_is_not_begun() -> None:
    breaker, quota = LedgerBreaker(), LedgerQuota(waits_s=[30.0])
    late = call(deadline_at_s=20.0, breaker=breaker, quota=quota)
    assert late.next_action(0.0) == Done(None, StoppedBy.DEADLINE)
    assert (breaker.released, breaker.recorded, quota.cancelled) == (1, [], 1)


@pytest.mark.parametrize(
    ("observation", "settled", "cancelled"),
    [
        (ANSWER, [120], 0),
        (Observation(AttemptSignals(status=200)), [100], 0),
        (BROKEN, [0], 0),
        (LIMITED, [0], 0),
        (Observation(AttemptSignals(status=500), used_tokens=7), [7], 0),
        (Observation(AttemptSignals(status=200, failure="gap_timeout"), content_begun=True), [100], 0),
        (Observation(AttemptSignals(failure="reset_unanswered")), [100], 0),
        (NOT_THERE, [], 1),
        (Observation(AttemptSignals(failure="no_files")), [], 1),
    ],
)
def test_quota_is_settled_with_what_was_used_or_has_to_be_expected(
    observation: Observation, settled: list[int], cancelled: int
) -> None:
    quota = LedgerQuota()
    used = call(BARE, quota=quota, tokens=100)
    used.next_action(0.0)
    used.observe(observation, 1.0)
    assert (quota.settled, quota.cancelled, quota.open) == (settled, cancelled, set())


def halfway(steps: int, **gates: Any) -> Call:
    """A call after so many steps: throttled, sent, failed, asked again, sent, answered, over."""
    begun = call(**gates)
    script: list[Callable[[], object]] = [
        lambda: begun.next_action(0.0),
        lambda: begun.next_action(1.0),
        lambda: begun.observe(BROKEN, 2.0),
        lambda: begun.next_action(2.5),
        lambda: begun.next_action(3.0),
        lambda: begun.observe(ANSWER, 4.0),
    ]
    for step in script[:steps]:
        step()
    return begun


@pytest.mark.parametrize(
    ("steps", "released", "settled", "cancelled", "throttled_s", "backoff_s"),
    [
        (0, 0, [], 0, 0.0, 0.0),
        (1, 1, [], 1, 2.75, 0.0),
        (2, 1, [100], 0, 1.0, 0.0),
        (3, 0, [0], 0, 1.0, 0.75),
        (4, 0, [0], 0, 1.0, 0.75),
    ],
)
def test_a_call_can_be_abandoned_wherever_it_stands(
    steps: int, released: int, settled: list[int], cancelled: int, throttled_s: float, backoff_s: float
) -> None:
    breaker, quota = LedgerBreaker(), LedgerQuota(waits_s=[1.0])
    left = halfway(steps, breaker=breaker, quota=quota, tokens=100)
    done = left.abandon(2.75)
    kinds = (FailureKind.SERVER_ERROR,) if steps > 2 else ()
    assert done == Done(kinds[-1] if kinds else None, None, kinds, throttled_s, backoff_s)
    assert done is left.next_action(9.0)
    assert (breaker.open, breaker.released) == (set(), released)
    assert (quota.open, quota.settled, quota.cancelled) == (set(), settled, cancelled)


def test_abandoning_a_call_that_is_over_changes_nothing() -> None:
    over = call()
    over.next_action(0.0)
    over.observe(ANSWER, 1.0)
    assert over.abandon(2.0) == Done(FailureKind.OK, kinds=(FailureKind.OK,))


def test_asking_again_after_the_end_gives_the_same_end() -> None:
    over = call(breaker=LedgerBreaker(refusals=[True]))
    assert over.next_action(0.0) is over.next_action(1.0)


def test_asking_while_an_attempt_is_on_its_way_raises() -> None:
    busy = call()
    busy.next_action(0.0)
    with pytest.raises(OutOfOrder, match="observe what came of it"):
        busy.next_action(0.0)


@pytest.mark.parametrize(
    ("steps", "state"),
    [(0, CallState.READY), (1, CallState.THROTTLED), (3, CallState.BACKING_OFF), (6, CallState.DONE)],
)
def test_observing_what_was_not_sent_raises(steps: int, state: CallState) -> None:
    breaker, quota = LedgerBreaker(), LedgerQuota(waits_s=[1.0])
    early = halfway(steps, breaker=breaker, quota=quota)
    before = (list(breaker.recorded), list(quota.settled))
    with pytest.raises(OutOfOrder, match=f"the call is {state}"):
        early.observe(ANSWER, 9.0)
    assert (breaker.recorded, quota.settled) == before


def test_every_place_but_the_end_can_end_and_nothing_follows_it() -> None:
    assert {state for state, event in TRANSITIONS if event is Event.ENDED} == set(CallState) - {CallState.DONE}
    assert CallState.DONE not in {state for state, _ in TRANSITIONS}


def test_a_wait_moves_every_clock_on() -> None:
    now_s = 86_400.1
    rounded = call()
    rounded.next_action(now_s)
    rounded.observe(BROKEN, now_s)
    for _ in range(10):
        action = rounded.next_action(now_s)
        if isinstance(action, Send):
            return
        assert isinstance(action, Wait)
        assert now_s + action.seconds > now_s
        now_s += action.seconds
    pytest.fail("it waits for ever")


HEADERS = st.fixed_dictionaries({}, optional={"retry-after": st.sampled_from(["0", "0.3", "5", "130", "soon"])})
OBSERVATIONS = st.builds(
    Observation,
    st.one_of(
        st.builds(AttemptSignals, status=st.sampled_from([200, 400, 401, 429, 500, 503, 504]), headers=HEADERS),
        st.builds(
            AttemptSignals,
            status=st.just(200),
            failure=st.sampled_from(["no_finish", "error_event", "gap_timeout", "cancelled"]),
        ),
        st.builds(AttemptSignals, failure=st.sampled_from(["connect", "first_token_timeout", "no_files"])),
    ),
    content_begun=st.booleans(),
    used_tokens=st.none() | st.integers(0, 500),
)


@given(
    observations=st.lists(OBSERVATIONS, min_size=8, max_size=8),
    attempts=st.integers(1, 6),
    deadline_s=st.none() | st.floats(0, 60),
    refusals=st.lists(st.booleans(), max_size=8),
    waits_s=st.lists(st.sampled_from([0.0, 0.2, 30.0]), max_size=8),
    abandoned_after=st.none() | st.integers(0, 20),
    naps=st.integers(1, 3),
    seed=st.integers(),
)
def test_whatever_happens_the_promises_hold(
    observations: list[Observation],
    attempts: int,
    deadline_s: float | None,
    refusals: list[bool],
    waits_s: list[float],
    abandoned_after: int | None,
    naps: int,
    seed: int,
) -> None:
    breaker, quota = LedgerBreaker(refusals), LedgerQuota(waits_s)
    deadline_at_s = None if deadline_s is None else 100.0 + deadline_s
    each = Call(
        ClientPolicy(retry=RetryPolicy(attempts=attempts)),
        Random(seed),
        deadline_at_s=deadline_at_s,
        breaker=breaker,
        quota=quota,
        tokens=100,
    )
    now_s, sends, earliest_s, steps = 100.0, 0, 0.0, 0
    while True:
        if steps == abandoned_after:
            done = each.abandon(now_s)
            break
        steps += 1
        action = each.next_action(now_s)
        if isinstance(action, Done):
            done = action
            break
        if isinstance(action, Wait):
            assert deadline_at_s is None or now_s + action.seconds < deadline_at_s + 1e-5
            now_s += action.seconds / naps if action.seconds > 1e-3 else action.seconds
            continue
        assert now_s >= earliest_s
        assert deadline_at_s is None or now_s < deadline_at_s
        sends += 1
        assert action.number == sends
        observation = observations[sends - 1]
        now_s += 0.1
        each.observe(observation, now_s)
        asked = observation.signals.headers.get("retry-after", "soon")
        earliest_s = 0.0 if asked == "soon" else now_s + float(asked)
    assert sends <= attempts
    assert len(done.kinds) == sends - (abandoned_after is not None and len(done.kinds) < sends)
    assert all(
        kind not in (FailureKind.OK, FailureKind.BAD_REQUEST, FailureKind.AUTH, FailureKind.CANCELLED)
        for kind in done.kinds[:-1]
    )
    assert not breaker.open
    assert not quota.open
    assert len(quota.reserved) == len(quota.settled) + quota.cancelled


NOTHING_LEFT = Remaining(requests=0, reset_requests_s=10.0)


@pytest.mark.parametrize(("headers_at_s", "wait_s"), [(None, 9.0), (2.5, 7.5)])
def test_a_quota_that_follows_the_relay_is_told_what_is_left_and_since_when(
    headers_at_s: float | None, wait_s: float
) -> None:
    quota = HeaderQuota()
    told, next_one = (call(quota=quota) for _ in range(2))
    told.next_action(1.0)
    told.observe(Observation(AttemptSignals(status=200), told=NOTHING_LEFT, headers_at_s=headers_at_s), 4.0)
    assert next_one.next_action(5.0) == Wait(wait_s, WaitReason.QUOTA)


def test_an_answer_that_tells_nothing_leaves_the_quota_as_it_was() -> None:
    quota = HeaderQuota()
    told, untold, next_one = (call(quota=quota) for _ in range(3))
    told.next_action(1.0)
    untold.next_action(1.0)
    told.observe(Observation(AttemptSignals(status=200), told=NOTHING_LEFT), 4.0)
    untold.observe(Observation(AttemptSignals(status=200)), 4.5)
    assert next_one.next_action(5.0) == Wait(9.0, WaitReason.QUOTA)
