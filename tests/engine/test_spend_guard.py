from decimal import Decimal

import pytest

from relayload.core.model.record import Attempt, Outcome
from relayload.core.resilience.classify import FailureKind
from relayload.core.resilience.guard import Bound, Caps
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
BOUNDED, ENDLESS = Arrival(0, 0.0, 0, 0), Arrival(1, 0.0, 0, 1)
MOST = Decimal("0.003")


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    path = tmp_path_factory.mktemp("guarded") / "p.yaml"
    path.write_text(PROFILE)
    return load(path, environ={})


@pytest.fixture
def spend_guard(profile):
    return SpendGuard(profile, Composer(profile), profile.guardrails.caps)


def test_a_request_with_a_budget_is_reserved_at_its_most(spend_guard):
    assert spend_guard.admit(BOUNDED) == MOST


def test_a_request_without_one_and_a_later_turn_are_taken_for_the_mean(spend_guard):
    assert spend_guard.admit(ENDLESS) == 0
    spend_guard.settle(ENDLESS, Decimal(0), [Attempt(outcome=Outcome.OK, input_tokens=1000, output_tokens=800)], 0.0)
    assert spend_guard.admit(ENDLESS) == spend_guard.admit(BOUNDED, turn=1) == Decimal("0.01")


@pytest.mark.parametrize(
    ("attempts", "paid"),
    [
        ([Attempt(outcome=Outcome.OK, input_tokens=900, output_tokens=10)], "0.0019"),
        ([Attempt(outcome=Outcome.RATE_LIMITED, status=429)], "0"),
        ([Attempt(outcome=Outcome.CANCELLED, counted=True, output_tokens=50)], "0.0025"),
        ([Attempt(outcome=Outcome.TIMED_OUT)], "0.003"),
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
def test_a_request_is_settled_by_what_its_attempts_told(spend_guard, attempts, paid):
    spend_guard.settle(BOUNDED, spend_guard.admit(BOUNDED), attempts, 0.0)
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
def test_the_fuse_sees_every_attempt(spend_guard, attempt, bound):
    spend_guard.settle(BOUNDED, spend_guard.admit(BOUNDED), [attempt] * 4, 0.0)
    assert spend_guard.reason.startswith(bound.value) if bound else not spend_guard.reason
    assert (spend_guard.admit(BOUNDED) is None) is (bound is not None)


def test_without_a_cap_of_dollars_none_are_counted(profile):
    spend_guard = SpendGuard(profile, Composer(profile), Caps(requests=1))
    assert spend_guard.admit(BOUNDED) == 0
    assert spend_guard.admit(BOUNDED) is None


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
    return SpendGuard(profile, Composer(profile), profile.guardrails.caps)


DEAR, CHEAP = (Arrival(0, 0.0, 0, 0, target=place) for place in (0, 1))


def test_each_target_is_reserved_and_settled_by_its_own_prices(of_two):
    answer = Attempt(outcome=Outcome.OK, input_tokens=1000, output_tokens=0)
    assert (of_two.admit(DEAR), of_two.admit(CHEAP)) == (MOST, Decimal("0.0011"))
    of_two.settle(DEAR, MOST, [answer], 0.0)
    of_two.settle(CHEAP, Decimal("0.0011"), [answer], 0.0)
    assert of_two.guard.spent.usd == Decimal("0.003")


def test_a_fuse_watches_each_target_by_itself_and_stops_all(of_two):
    refused, answered = Attempt(outcome=Outcome.SERVER_ERROR, status=503), Attempt(outcome=Outcome.OK)
    for _ in range(3):
        of_two.settle(CHEAP, of_two.admit(CHEAP), [refused], 0.0)
    for _ in range(20):
        of_two.settle(DEAR, of_two.admit(DEAR), [answered], 0.0)
    assert not of_two.reason
    of_two.settle(CHEAP, of_two.admit(CHEAP), [refused], 0.0)
    assert of_two.reason == "fuse.errors: 4 of 4 requests in 30.0s failed at cheap"
    assert of_two.admit(DEAR) is None
