import pytest

from relayload.core.resilience.breaker import StateChange
from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.breakers import Breakers, Scope

CALLS = [("o3", "/chat/completions"), ("o3", "/responses"), ("o4-mini", "/chat/completions")]


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (Scope.MODEL, ["o3", "o4-mini"]),
        (Scope.ENDPOINT, ["/chat/completions", "/responses"]),
        (Scope.ALL, ["all"]),
    ],
)
def test_calls_of_one_scope_share_a_breaker(scope, names):
    breakers = Breakers(BreakerPolicy(), scope, lambda _: None)
    assert breakers.all() == {}
    made = [breakers.of(*call) for call in CALLS]
    assert sorted(breakers.all()) == names
    assert [breakers.of(*call) for call in CALLS] == made
    assert len({id(breaker) for breaker in made}) == len(names)


def test_calls_with_one_key_share_a_breaker_whatever_they_ask():
    breakers = Breakers(BreakerPolicy(), Scope.KEY, lambda _: None)
    made = [breakers.of(*call, key) for key in ("a", "b") for call in CALLS]
    assert list(breakers.all()) == ["a", "b"]
    assert {id(breaker) for breaker in made[:3]} == {id(breakers.of("o3", "/responses", "a"))}
    assert {id(breaker) for breaker in made[3:]} == {id(breakers.of("o3", "/responses", "b"))}
    breakers.of("o3", "/responses")
    assert list(breakers.all()) == ["a", "b", "all"], "a key without a name shares that of all such"


def test_one_model_in_trouble_leaves_the_others_alone():
    told: list[StateChange] = []
    breakers = Breakers(BreakerPolicy(consecutive=1), Scope.MODEL, told.append)
    breaker = breakers.of("o3", "/responses")
    permit = breaker.try_acquire(0.0)
    assert permit is not None
    breaker.record(permit, failed=True, slow=False, now_s=1.0)
    assert [(change.scope, change.reason) for change in told] == [("o3", "consecutive")]
    assert breakers.of("o3", "/chat/completions").try_acquire(2.0) is None
    assert breakers.of("o4-mini", "/responses").try_acquire(2.0) is not None
