from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.resilience.meaning import failure_matcher
from relayload.core.resilience.retry import Jitter, RetryBudget, RetryPolicy


class Luck(Random):
    """Draws always the same number."""

    def __init__(self, drawn: float) -> None:
        super().__init__(0)
        self._drawn = drawn

    def random(self) -> float:
        return self._drawn


MOST = Luck(1.0)


@pytest.mark.parametrize(
    ("failures", "throttled", "most_s"),
    [
        (1, False, 0.5),
        (2, False, 1.0),
        (3, False, 2.0),
        (1, True, 1.0),
        (2, True, 2.0),
        (6, True, 30.0),
        (5000, False, 30.0),
    ],
)
def test_a_back_off_doubles_up_to_its_cap_and_begins_longer_when_throttled(
    failures: int, throttled: bool, most_s: float
) -> None:
    assert RetryPolicy().wait_s(failures, rate_limited=throttled, retry_after_s=None, rng=MOST) == most_s


@pytest.mark.parametrize(
    ("jitter", "asked_s", "drawn", "expected_s"),
    [
        ("full", None, 0.0, 0.0),
        ("full", None, 0.25, 1.0),
        ("full", 3.0, 0.0, 3.0),
        ("full", 3.0, 0.25, 4.0),
        ("full", 0.0, 0.25, 1.0),
        ("equal", None, 0.0, 2.0),
        ("equal", None, 0.25, 2.5),
        ("equal", 3.0, 0.25, 3.5),
        ("equal", 1.0, 0.25, 2.5),
        ("none", None, 0.25, 4.0),
        ("none", 3.0, 0.25, 4.0),
        ("none", 5.0, 0.25, 5.0),
    ],
)
def test_chance_comes_on_top_of_what_was_asked(
    jitter: Jitter, asked_s: float | None, drawn: float, expected_s: float
) -> None:
    policy = RetryPolicy(backoff_s=1.0, jitter=jitter)
    assert policy.wait_s(3, rate_limited=False, retry_after_s=asked_s, rng=Luck(drawn)) == expected_s


@given(
    failures=st.integers(1, 2000),
    throttled=st.booleans(),
    asked_s=st.none() | st.floats(0, 1e6),
    jitter=st.sampled_from(get_args(Jitter)),
    seed=st.integers(),
)
def test_no_wait_is_shorter_than_asked_nor_longer_than_asked_and_the_cap_together(
    failures: int, throttled: bool, asked_s: float | None, jitter: Jitter, seed: int
) -> None:
    policy = RetryPolicy(jitter=jitter)
    wait_s = policy.wait_s(failures, rate_limited=throttled, retry_after_s=asked_s, rng=Random(seed))
    assert (asked_s or 0.0) <= wait_s <= (asked_s or 0.0) + policy.max_backoff_s


def test_full_jitter_spreads_evenly() -> None:
    rng, policy = Random(7), RetryPolicy()
    waits_s = [policy.wait_s(2, rate_limited=False, retry_after_s=None, rng=rng) for _ in range(10_000)]
    assert sum(waits_s) / len(waits_s) == pytest.approx(0.5, abs=0.01)
    assert sum(wait_s < 0.1 for wait_s in waits_s) / len(waits_s) == pytest.approx(0.1, abs=0.01)


def spent(budget: RetryBudget, tries: int, now_s: float) -> int:
    return sum(budget.try_spend(now_s) for _ in range(tries))


@pytest.mark.parametrize(("requests", "retries"), [(0, 3), (1, 3), (15, 3), (19, 3), (20, 4), (35, 7), (1000, 200)])
def test_a_fifth_of_the_requests_may_be_retried_and_never_less_than_three(requests: int, retries: int) -> None:
    budget = RetryBudget()
    for _ in range(requests):
        budget.note_request(5.0)
    assert spent(budget, 1000, 5.0) == retries


def test_what_was_spent_comes_back_after_the_window() -> None:
    budget = RetryBudget()
    assert spent(budget, 10, 0.5) == 3
    assert spent(budget, 10, 10.49) == 0
    assert spent(budget, 10, 11.0) == 3


def test_a_calm_minute_does_not_pay_for_a_storm() -> None:
    budget = RetryBudget()
    for index in range(6000):
        budget.note_request(index / 100)
    assert spent(budget, 1000, 60.0) == pytest.approx(190, abs=10)
    assert spent(budget, 1000, 75.0) == 3


def test_a_budget_may_be_asked_at_any_hour() -> None:
    budget = RetryBudget(share=0.5, minimum=0, window_s=1.0)
    for now_s in (1e9, 1e9 + 0.05, 2e9 + 0.15, 2e9 + 0.95):
        budget.note_request(now_s)
    assert spent(budget, 10, 2e9 + 0.96) == 1


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=120))
def test_no_ten_seconds_have_more_retries_than_the_budget(steps: list[tuple[float, bool]]) -> None:
    """Against a list of all that happened: grants are within the budget, and what is refused is nearly beyond it."""
    budget, now_s = RetryBudget(window_s=10.0), 0.0
    requests: list[float] = []
    retries: list[float] = []

    def allowed(retries_of_s: float, requests_of_s: float) -> bool:
        spent = sum(at_s > now_s - retries_of_s for at_s in retries)
        return spent + 1 <= max(3, 0.2 * sum(at_s > now_s - requests_of_s for at_s in requests))

    for gap_s, is_retry in steps:
        now_s += gap_s
        if not is_retry:
            budget.note_request(now_s)
            requests.append(now_s)
        elif budget.try_spend(now_s):
            assert allowed(10.0, 10.0)
            retries.append(now_s)
        else:
            assert not allowed(11.0, 9.0)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"attempts": 0}, "attempts: expected at least 1, got 0"),
        ({"jitter": "some"}, "jitter: expected full or equal or none, got 'some'"),
        ({"max_backoff_s": -1.0}, "max_backoff_s: expected 0 or more, got -1.0"),
        ({"budget_share": -0.1}, "budget_share: expected 0 or more, got -0.1"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        RetryPolicy(**values)
    assert str(caught.value) == told


def test_a_jitter_may_be_named() -> None:
    policy = RetryPolicy(backoff_s=1.0, jitter="equal")
    assert policy.wait_s(1, rate_limited=False, retry_after_s=None, rng=Luck(0.0)) == 0.5


def test_what_is_tried_again_may_be_listed_in_words() -> None:
    policy = RetryPolicy(attempts=5).on(503, "timeout")
    assert policy == RetryPolicy(attempts=5, retried=failure_matcher([503, "timeout"]))
    with pytest.raises(ValueError, match="got 'nothing'"):
        RetryPolicy().on("nothing")
