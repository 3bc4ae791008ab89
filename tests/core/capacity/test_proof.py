import pytest

from relayload.core.capacity.proof import provable
from relayload.core.model.verdict import ObjectiveResult, Status


def result(verdict: Status = Status.INCONCLUSIVE, **numbers) -> ObjectiveResult:
    return ObjectiveResult(id="a", expr="a", unit="s", limit=1.0, verdict=verdict, reason="", **numbers)


@pytest.mark.parametrize(
    ("k", "effective_n", "times", "expected"),
    [
        (0, 50, 1.0, False),  # 59 without a slow one prove a p95
        (0, 50, 1.2, True),
        (20, 100, 1.0, False),
        (20, 100, 4.0, True),
        (60, 1000, 100.0, False),  # over the budget
    ],
)
def test_a_share_is_provable_once_its_bound_is_within_the_budget(k, effective_n, times, expected):
    assert provable(result(k=k, n=1000, effective_n=effective_n, budget=0.05), times) is expected


@pytest.mark.parametrize(("times", "expected"), [(1.0, False), (3.9, False), (4.1, True)])
def test_the_interval_of_a_mean_narrows_with_the_root_of_its_size(times, expected):
    assert provable(result(observed=0.9, low=0.7, high=1.1, n=1000), times) is expected


def test_what_is_a_fact_needs_no_more():
    assert provable(result(Status.PASS, observed=3.0), 1.0)
    assert provable(result(Status.PASS, proven=True, k=0, n=1000, effective_n=1, budget=0.05), 1.0)
    assert not provable(result(Status.FAIL, k=0, n=1000, effective_n=1000, budget=0.05), 4.0)
    assert not provable(result(n=0), 4.0)
