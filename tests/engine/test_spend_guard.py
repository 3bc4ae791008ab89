from decimal import Decimal

import gevent
import pytest

from relayload.core.model.record import Attempt, FailureKind, Outcome
from relayload.core.resilience.allowance import Allowance
from relayload.core.resilience.guard import Bound, Caps, Spent
from relayload.core.traffic.arrivals import Arrival
from relayload.engine.spend_guard import SpendGuard
from relayload.profile import load
from relayload.profile.compose import Composer

PROFILE = """
name: guarded
target: {prices: {o3: {input: $2, output: $10}}}
load: {kind: open, stages: [{for: 1s, rate: 1/s}]}
scenarios:
  bounded: {model: o3, prompt: simple, input_tokens: 1000, max_output_tokens: 100}
  endless: {model: o3, prompt: simple, input_tokens: 1000}
guardrails: {max_usd: $1, fuse: {auth_failures: 2, errors: 50%, min_requests: 4}}
"""
MOST = Decimal("0.003")


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    path = tmp_path_factory.mktemp("guarded") / "p.yaml"
    path.write_text(PROFILE)
    return load(path, environ={})


@pytest.fixture(scope="module")
def bounded(profile):
    """A job with a budget for its answer."""
    return Composer(profile).job(Arrival(0, 0.0, 0, 0))


@pytest.fixture(scope="module")
def endless(profile):
    """A job without one."""
    return Composer(profile).job(Arrival(1, 0.0, 0, 1))


@pytest.fixture
def spend_guard(profile):
    return SpendGuard(profile, alone=True, ask=lambda: None)


def test_a_request_with_a_budget_is_reserved_at_its_most(spend_guard, bounded):
    assert spend_guard.admit(bounded) == MOST


def test_a_request_without_one_and_a_later_turn_are_taken_for_the_mean(spend_guard, bounded, endless):
    assert spend_guard.admit(endless) == 0
    spend_guard.settle(endless, Decimal(0), [Attempt(outcome=Outcome.OK, input_tokens=1000, output_tokens=800)], 0.0)
    assert spend_guard.admit(endless) == spend_guard.admit(bounded, turn=1) == Decimal("0.01")


@pytest.mark.parametrize(
    ("attempts", "paid"),
    [
        ([Attempt(outcome=Outcome.OK, input_tokens=900, output_tokens=10)], "0.0019"),
        ([Attempt(outcome=Outcome.RATE_LIMITED, status=429)], "0"),
        ([Attempt(outcome=Outcome.CANCELLED, counted=True, output_tokens=50)], "0.0025"),
        ([Attempt(outcome=Outcome.TIMED_OUT, sent_at_s=1.0)], "0.003"),
        ([Attempt(outcome=Outcome.UNREACHABLE, error="reset_unanswered", sent_at_s=1.0)], "0.003"),
        ([Attempt(outcome=Outcome.UNREACHABLE, error="connect")], "0"),
        ([], "0"),
        (
            [
                Attempt(outcome=Outcome.BROKEN_STREAM, counted=True, output_tokens=50),
                Attempt(outcome=Outcome.OK, input_tokens=1000, output_tokens=100),
            ],
            "0.0055",
        ),
    ],
)
def test_a_request_is_settled_by_what_its_attempts_told(spend_guard, bounded, attempts, paid):
    spend_guard.settle(bounded, spend_guard.admit(bounded), attempts, 0.0)
    assert spend_guard.guard.spent.usd == Decimal(paid)


@pytest.mark.parametrize(
    ("attempt", "bound"),
    [
        (Attempt(outcome=Outcome.REJECTED, status=401), Bound.AUTH_FAILURES),
        (Attempt(outcome=Outcome.REJECTED, status=400, kind=FailureKind.AUTH), Bound.AUTH_FAILURES),
        (Attempt(outcome=Outcome.SERVER_ERROR, status=503), Bound.ERRORS),
        (Attempt(outcome=Outcome.RATE_LIMITED, status=429, kind=FailureKind.QUOTA_EXHAUSTED), Bound.ERRORS),
        (Attempt(outcome=Outcome.RATE_LIMITED, status=429), None),
        (Attempt(outcome=Outcome.CANCELLED), None),
    ],
)
def test_the_fuse_sees_every_attempt(spend_guard, bounded, attempt, bound):
    spend_guard.settle(bounded, spend_guard.admit(bounded), [attempt] * 4, 0.0)
    assert spend_guard.reason.startswith(bound.value) if bound else not spend_guard.reason
    assert (spend_guard.admit(bounded) is None) is (bound is not None)


def test_without_a_cap_of_dollars_none_are_counted(tmp_path, bounded):
    path = tmp_path / "p.yaml"
    path.write_text(PROFILE.replace("max_usd: $1", "max_requests: 1"))
    spend_guard = SpendGuard(load(path, environ={}), alone=True, ask=lambda: None)
    assert spend_guard.admit(bounded) == 0
    assert spend_guard.admit(bounded) is None
    assert not spend_guard.short


@pytest.fixture
def leased(profile):
    """A guard whose caps are leased, and how often it asked."""
    asked: list[None] = []
    return SpendGuard(profile, alone=False, ask=lambda: asked.append(None)), asked


def test_a_request_waits_for_an_allowance_and_goes_on_when_it_comes(leased, bounded):
    guard, asked = leased
    assert guard.admit(bounded) is None
    assert guard.short
    waiting = [gevent.spawn(guard.wait, bounded) for _ in range(3)]
    gevent.sleep(0)
    assert len(asked) == 3
    requests, micro_usd = guard.draws(0)
    assert (requests.waiting, micro_usd.waiting, micro_usd.needs) == (1, 3000, 3 * 3000)
    assert guard.take(None, Allowance(given=6000))
    assert not guard.take(None, Allowance(given=6000))
    gevent.sleep(0)
    assert [each.value for each in waiting] == [MOST, MOST, None]
    assert guard.guard.spent == Spent(2, 2 * MOST)
    guard.take(None, Allowance(given=6000, nothing_left=True))
    assert waiting[2].get() is None
    assert guard.reason.startswith(Bound.USD)
    assert not guard.short


def test_those_that_wait_go_first(leased, bounded):
    guard, _ = leased
    first = gevent.spawn(guard.wait, bounded)
    gevent.sleep(0)
    guard.guard.caps = Caps(None, Decimal(1))
    assert guard.admit(bounded) is None
    guard.take(None, Allowance(given=3000))
    assert first.get() == MOST


def test_what_is_not_spent_is_handed_back_and_told_at_once(leased, bounded):
    guard, _ = leased
    assert not guard.take(None, Allowance(given=9000))
    assert guard.admit(bounded) == MOST
    assert guard.take(None, Allowance(given=9000, hand_back=True))
    assert guard.draws(0)[1].returned == 6000
    assert guard.admit(bounded) is None
    assert not guard.take(None, Allowance(given=9000, hand_back=True))
    guard.settle(bounded, MOST, [Attempt(outcome=Outcome.OK, input_tokens=900, output_tokens=10)], 0.0)
    assert guard.take(None, Allowance(given=9000, hand_back=True))
    assert (guard.draws(0)[1].spent, guard.draws(0)[1].returned) == (1900, 7100)


def test_one_that_is_killed_while_it_waits_takes_nothing(leased, bounded):
    guard, _ = leased
    waiting = gevent.spawn(guard.wait, bounded)
    gevent.sleep(0)
    waiting.kill()
    guard.take(None, Allowance(given=3000))
    assert guard.guard.spent == Spent()
    assert guard.draws(0)[1].waiting == 0


ONE = "target: {prices: {o3: {input: $2, output: $10}}}"
TWO = """\
targets:
  dear: {prices: {o3: {input: $2, output: $10}}}
  cheap: {prices: {o3: {input: $1, output: $1}}}
compare: interleaved"""


@pytest.fixture
def of_two(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(PROFILE.replace(ONE, TWO))
    profile = load(path, environ={})
    assert profile.paired
    jobs = (Composer(profile).job(Arrival(0, 0.0, 0, 0, target=place)) for place in (0, 1))
    return SpendGuard(profile, alone=True, ask=lambda: None), *jobs


def test_each_target_is_reserved_and_settled_by_its_own_prices(of_two):
    spend_guard, dear, cheap = of_two
    answer = Attempt(outcome=Outcome.OK, input_tokens=1000, output_tokens=0)
    assert (spend_guard.admit(dear), spend_guard.admit(cheap)) == (MOST, Decimal("0.0011"))
    spend_guard.settle(dear, MOST, [answer], 0.0)
    spend_guard.settle(cheap, Decimal("0.0011"), [answer], 0.0)
    assert spend_guard.guard.spent.usd == Decimal("0.003")


def test_a_fuse_watches_each_target_by_itself_and_stops_all(of_two):
    spend_guard, dear, cheap = of_two
    refused, answered = Attempt(outcome=Outcome.SERVER_ERROR, status=503), Attempt(outcome=Outcome.OK)
    for _ in range(3):
        spend_guard.settle(cheap, spend_guard.admit(cheap), [refused], 0.0)
    for _ in range(20):
        spend_guard.settle(dear, spend_guard.admit(dear), [answered], 0.0)
    assert not spend_guard.reason
    spend_guard.settle(cheap, spend_guard.admit(cheap), [refused], 0.0)
    assert spend_guard.reason == "fuse.errors: 4 of 4 requests in 30.0s failed at cheap"
    assert spend_guard.admit(dear) is None


def test_a_fuse_that_refused_keys_have_blown_names_them(tmp_path):
    path = tmp_path / "tenants.yaml"
    keys = "keys: [{name: a, key: sk-a-secret}, {name: b, key: sk-b-secret}]"
    path.write_text(PROFILE.replace("target: {", f"target: {{{keys}, "))
    profile = load(path, environ={})
    guard, composer = SpendGuard(profile, alone=True, ask=lambda: None), Composer(profile)
    jobs = [composer.job(Arrival(index, 0.0, 0, 0)) for index in range(20)]
    for job in [job for job in jobs if job.addressee.key == "b"][:2]:
        guard.settle(job, Decimal(0), [Attempt(outcome=Outcome.REJECTED, status=401)], 0.0)
    assert guard.reason == "fuse.auth_failures: 2 answers in 30.0s refused the key (of b)"
