"""The whole machine in simulated time, judged by a grader on the relay's side."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from math import ceil
from random import Random
from typing import Any

import pytest
from simulation import ANSWER, FAULTY_REPLIES, WALL_S, Grader, Relay, Reply, poisson, simulate

from relayload.core.model.record import FailureKind
from relayload.core.resilience.actions import Done, Observation, StoppedBy
from relayload.core.resilience.breaker import Breaker, Permit, StateChange
from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.call import Call
from relayload.core.resilience.classify import AttemptSignals
from relayload.core.resilience.header_quota import HeaderQuota
from relayload.core.resilience.limit import Limit, Reservation, Unit
from relayload.core.resilience.policy import ClientPolicy
from relayload.core.resilience.quota import Quota
from relayload.core.resilience.retry import Jitter, RetryBudget, RetryPolicy
from relayload.core.resilience.retry_after import remaining
from relayload.core.wire.wait_in_text import wait_in_text_s

POLICY = ClientPolicy(retry=RetryPolicy(attempts=4))
BROKEN = Reply(Observation(AttemptSignals(502, failure="http_502")), 0.05)


def calls(policy: ClientPolicy, starts_s: Iterator[float], gates: dict[str, Any]) -> Iterator[tuple[float, Call]]:
    rng = Random(5)
    return ((at_s, Call(policy, rng, deadline_at_s=at_s + 60.0, **gates)) for at_s in starts_s)


def run(
    relay: Relay, *, rate_per_s: float, for_s: float, policy: ClientPolicy = POLICY, **gates: Any
) -> tuple[list[Done], Grader]:
    grader = Grader()
    ends = simulate(calls(policy, poisson(rate_per_s, for_s, Random(3)), gates), relay, grader)
    assert not grader.last
    return ends, grader


def in_headers(name: str, per_s: float) -> Callable[[float, float], AttemptSignals]:
    return lambda asked_s, _now_s: AttemptSignals(429, "http_429", headers={name: f"{asked_s * per_s:.3f}"})


def as_instant(asked_s: float, now_s: float) -> AttemptSignals:
    return AttemptSignals(429, "http_429", headers={"x-ratelimit-reset": str(ceil((WALL_S + now_s + asked_s) * 1e3))})


def as_date(asked_s: float, now_s: float) -> AttemptSignals:
    date = formatdate(ceil(WALL_S + now_s + asked_s), usegmt=True)
    return AttemptSignals(429, "http_429", headers={"retry-after": date})


def in_words(asked_s: float, _now_s: float) -> AttemptSignals:
    return AttemptSignals(429, "http_429", retry_after_s=wait_in_text_s(f"Please try again in {asked_s * 1e3:.0f}ms."))


def limited_relay(per_s: int, words: Callable[[float, float], AttemptSignals]) -> Relay:
    """So many in any second, and the exact wait in its own words for the others."""
    let_in_s: deque[float] = deque(maxlen=per_s)

    def relay(_request: int, now_s: float) -> Reply:
        if len(let_in_s) < per_s or now_s - let_in_s[0] >= 1.0:
            let_in_s.append(now_s)
            return ANSWER
        asked_s = round(let_in_s[0] + 1.0 - now_s, 3)
        ended_at_s = now_s + 0.01
        return Reply(Observation(words(asked_s, ended_at_s), wall_s=WALL_S + ended_at_s), 0.01, asked_s)

    return relay


@pytest.mark.parametrize(
    "words",
    [
        in_headers("retry-after", 1.0),
        in_headers("retry-after-ms", 1e3),
        in_headers("x-ms-retry-after-ms", 1e3),
        in_headers("llm_provider-retry-after", 1.0),
        in_headers("x-ratelimit-reset-requests", 1.0),
        as_instant,
        as_date,
        in_words,
    ],
)
def test_nobody_comes_earlier_than_a_full_relay_asks(words: Callable[[float, float], AttemptSignals]) -> None:
    ends, grader = run(limited_relay(40, words), rate_per_s=60.0, for_s=60.0)
    assert +grader.faults == Counter()
    assert grader.attempts > len(ends) * 1.3
    assert any(done.kind is FailureKind.OK and len(done.kinds) > 1 for done in ends)


def test_the_grader_sees_a_client_that_does_not_listen() -> None:
    def deaf(asked_s: float, _now_s: float) -> AttemptSignals:
        return AttemptSignals(429, "http_429", headers={"x-unheard-of": f"{asked_s}"})

    _, grader = run(limited_relay(40, deaf), rate_per_s=60.0, for_s=60.0)
    assert grader.faults["came earlier than asked"] > 100


def failing(from_s: float, to_s: float) -> Relay:
    return lambda _request, now_s: BROKEN if from_s <= now_s < to_s else ANSWER


def test_an_outage_is_not_met_by_a_storm_of_retries() -> None:
    """A fifth more than usual; at its end, one more window may have been spent."""
    ends, grader = run(failing(20.0, 220.0), rate_per_s=100.0, for_s=240.0, budget=RetryBudget())
    assert grader.attempts_between(20.0, 220.0) <= 100.0 * 200.0 * 1.2 + 100.0 * 10.0 * 0.2
    assert Counter(done.stopped_by for done in ends)[StoppedBy.BUDGET] > 10_000


def test_without_a_budget_the_same_outage_is_a_storm() -> None:
    _, grader = run(failing(20.0, 35.0), rate_per_s=100.0, for_s=60.0)
    assert grader.attempts_between(20.0, 35.0) > 100.0 * 15.0 * 3


def test_a_few_failures_are_all_retried_within_the_budget() -> None:
    def flaky(request: int, now_s: float) -> Reply:
        return BROKEN if request % 20 == 0 and Random(now_s).random() < 0.9 else ANSWER

    ends, _ = run(flaky, rate_per_s=100.0, for_s=30.0, budget=RetryBudget())
    assert sum(done.kind is FailureKind.OK for done in ends) > len(ends) * 0.96
    assert {done.stopped_by for done in ends if done.kind is not FailureKind.OK} <= {StoppedBy.ATTEMPTS}


def test_full_jitter_keeps_those_apart_that_failed_together() -> None:
    def peak(jitter: Jitter) -> int:
        """Of attempts in any tenth of a second after an outage that hit 200 requests at once."""
        policy = ClientPolicy(retry=RetryPolicy(attempts=6, backoff_s=2.0, jitter=jitter))
        grader = Grader()
        simulate(calls(policy, iter([1.0] * 200), {}), lambda _, now_s: BROKEN if now_s < 5.0 else ANSWER, grader)
        return max(Counter(int(at_s * 10) for at_s in grader.arrivals_s if at_s > 1.05).values())

    assert peak("none") == 200
    assert peak("full") < 30


def test_a_relay_with_every_fault_finds_none_in_the_client() -> None:
    rng = Random(11)
    replies = tuple(FAULTY_REPLIES.values())
    ends, grader = run(
        lambda _request, _now_s: rng.choice(replies), rate_per_s=200.0, for_s=50.0, budget=RetryBudget(share=5.0)
    )
    assert +grader.faults == Counter()
    assert len(ends) > 9_000
    kinds = Counter(done.kind for done in ends)
    assert set(kinds) == {
        FailureKind.OK,
        FailureKind.BAD_REQUEST,
        FailureKind.AUTH,
        FailureKind.QUOTA_EXHAUSTED,
        FailureKind.BROKEN_STREAM,
        FailureKind.OVERLOADED,
        FailureKind.SERVER_ERROR,
        FailureKind.TIMED_OUT,
        FailureKind.UNREACHABLE,
    }


def breaker(changes: list[StateChange]) -> Breaker:
    return Breaker(BreakerPolicy(consecutive=10, open_for_s=5.0, max_open_for_s=5.0), "all", changes.append)


def test_a_breaker_spares_a_relay_in_an_outage_and_lets_it_come_back() -> None:
    changes: list[StateChange] = []
    ends, grader = run(
        failing(20.0, 50.0), rate_per_s=100.0, for_s=80.0, budget=RetryBudget(), breaker=breaker(changes)
    )
    assert grader.attempts_between(20.0, 50.0) < 100
    assert sum(done.short_circuited for done in ends) > 2_500
    assert (changes[0].after, changes[-1].after) == ("open", "closed")
    assert 20.0 < changes[0].at_s < 20.5
    assert 50.0 < changes[-1].at_s < 56.0
    assert +grader.faults == Counter()


def test_rate_limits_and_bad_requests_trip_no_breaker() -> None:
    changes: list[StateChange] = []
    replies = [FAULTY_REPLIES[name] for name in ("bad request", "wrong key", "no money")]
    run(lambda request, _now_s: replies[request % 3], rate_per_s=100.0, for_s=20.0, breaker=breaker(changes))
    run(limited_relay(40, in_words), rate_per_s=60.0, for_s=20.0, breaker=breaker(changes))
    assert changes == []


def test_a_client_that_keeps_to_its_quota_is_never_told_to() -> None:
    quota = Quota([Limit(40, 1.0), Limit(100_000, 60.0, Unit.TOKENS)])
    ends, grader = run(limited_relay(40, in_words), rate_per_s=60.0, for_s=60.0, quota=quota)
    kinds = Counter(kind for done in ends for kind in done.kinds)
    assert set(kinds) == {FailureKind.OK}
    assert grader.attempts == kinds[FailureKind.OK]
    assert max(done.throttled_s for done in ends) > 15.0
    assert {done.backoff_s for done in ends} == {0.0}


def telling_relay(per_s: int) -> Relay:
    """Fixed windows of a second, and headers that say what is left."""
    used: Counter[int] = Counter()

    def relay(_request: int, now_s: float) -> Reply:
        window = int(now_s)
        used[window] += 1
        left, reset_ms = max(0, per_s - used[window]), ceil((window + 1 - now_s) * 1e3)
        told = {"x-ratelimit-remaining-requests": str(left), "x-ratelimit-reset-requests": f"{reset_ms}ms"}
        if used[window] > per_s:
            refusal = Observation(AttemptSignals(429, "http_429", headers=told), told=remaining(told, WALL_S))
            return Reply(refusal, 0.001, window + 1 - now_s)
        signals = AttemptSignals(200, finish_reason="stop", headers=told)
        answer = Observation(signals, content_begun=True, told=remaining(told, WALL_S), headers_at_s=now_s + 0.001)
        return Reply(answer, 0.01)

    return relay


def test_a_client_can_follow_what_the_relay_tells_of_its_limits() -> None:
    def refused(**gates: Any) -> int:
        """Of 900 requests where 600 are allowed."""
        ends, grader = run(telling_relay(40), rate_per_s=60.0, for_s=15.0, **gates)
        assert +grader.faults == Counter()
        return Counter(kind for done in ends for kind in done.kinds)[FailureKind.RATE_LIMITED]

    assert refused() > 300
    assert refused(quota=HeaderQuota()) < 30


class CountingQuota(Quota):
    """Remembers what it gave out."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        super().__init__(limits)
        self.given: list[Reservation] = []

    def reserve(self, tokens: int, now_s: float) -> Reservation:
        self.given.append(super().reserve(tokens, now_s))
        return self.given[-1]


class CountingBreaker(Breaker):
    """Remembers what it gave out."""

    def __init__(self, policy: BreakerPolicy) -> None:
        super().__init__(policy, "all", lambda _change: None)
        self.given: list[Permit | None] = []

    def try_acquire(self, now_s: float) -> Permit | None:
        self.given.append(super().try_acquire(now_s))
        return self.given[-1]


@pytest.mark.parametrize("seed", range(3))
def test_with_everything_on_nothing_is_left_over(seed: int) -> None:
    """And nothing was given back twice: the breaker and the quota would have raised."""
    rng, replies = Random(seed), tuple(FAULTY_REPLIES.values())
    watched = CountingBreaker(BreakerPolicy(failure_rate=0.35, open_for_s=1.0))
    quota = CountingQuota([Limit(150, 1.0), Limit(900, 10.0)])
    ends, grader = run(
        lambda _request, _now_s: rng.choice(replies) if rng.random() < 0.5 else ANSWER,
        rate_per_s=120.0,
        for_s=30.0,
        budget=RetryBudget(),
        breaker=watched,
        quota=quota,
        tokens=100,
    )
    assert +grader.faults == Counter()
    stops = {StoppedBy.BREAKER, StoppedBy.BUDGET, StoppedBy.CONTENT, None}
    assert stops <= {done.stopped_by for done in ends}
    assert len(quota.given) == grader.attempts
    assert all(reservation.closed for reservation in quota.given)
    assert all(permit.used for permit in watched.given if permit is not None)
    assert sum(permit is not None for permit in watched.given) == grader.attempts
