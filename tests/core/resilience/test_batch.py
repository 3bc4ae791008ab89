from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.resilience.batch import Batch, BatchOutOfOrder, BatchStatus, ItemState

Letters = Batch[str, str, str]


def begun(batch: Letters) -> list[int]:
    """All that may begin now."""
    numbers = []
    while (found := batch.next_item()) is not None:
        numbers.append(found[0])
    return numbers


def test_items_begin_in_order_and_at_most_so_many_at_once() -> None:
    batch: Letters = Batch("abcde", max_concurrent=2)
    assert [batch.next_item(), batch.next_item(), batch.next_item()] == [(0, "a"), (1, "b"), None]
    batch.done(1, "B")
    assert begun(batch) == [2]
    batch.done(0, "A")
    batch.done(2, "C")
    assert begun(batch) == [3, 4]


def test_a_batch_begins_when_the_one_before_is_through() -> None:
    batch: Letters = Batch("abcdefg", batch_size=3, max_concurrent=2)
    assert begun(batch) == [0, 1]
    batch.done(0, "A")
    assert begun(batch) == [2]
    batch.done(2, "C")
    assert begun(batch) == []
    batch.failed(1, "no b")
    assert begun(batch) == [3, 4]


def test_results_stand_in_the_order_of_the_items_and_a_failure_hides_none() -> None:
    batch: Letters = Batch("abc")
    begun(batch)
    batch.done(2, "C")
    batch.failed(1, "no b")
    batch.done(0, "A")
    assert batch.results == ["A", None, "C"]
    assert batch.errors == {1: "no b"}
    assert batch.finished


def test_errors_stand_in_the_order_of_the_items() -> None:
    batch: Letters = Batch("abc")
    begun(batch)
    for number in (2, 0, 1):
        batch.failed(number, f"no {number}")
    assert list(batch.errors) == [0, 1, 2]


def test_partial_results_survive_a_stop() -> None:
    batch: Letters = Batch("abcd", max_concurrent=2)
    begun(batch)
    batch.done(0, "A")
    batch.stop()
    assert batch.next_item() is None
    assert not batch.finished
    batch.done(1, "B")
    assert batch.finished
    assert batch.results == ["A", "B", None, None]
    assert batch.status() == BatchStatus(queued=2, running=0, done=2, failed=0)


def test_the_status_says_how_many_are_where() -> None:
    batch: Letters = Batch("abcd", max_concurrent=3)
    assert batch.status() == BatchStatus(queued=4, running=0, done=0, failed=0)
    begun(batch)
    batch.done(0, "A")
    batch.failed(2, "no c")
    assert batch.status() == BatchStatus(queued=1, running=1, done=1, failed=1)
    assert [batch.state(number) for number in range(4)] == [
        ItemState.DONE,
        ItemState.RUNNING,
        ItemState.FAILED,
        ItemState.QUEUED,
    ]


def test_a_batch_of_nothing_is_finished() -> None:
    batch: Letters = Batch("", batch_size=50, max_concurrent=10)
    assert batch.next_item() is None
    assert batch.finished
    assert batch.results == []


@pytest.mark.parametrize("number", [0, 1])
def test_only_items_that_run_can_be_reported(number: int) -> None:
    batch: Letters = Batch("ab", max_concurrent=1)
    begun(batch)
    batch.done(0, "A")
    state = ("done", "queued")[number]
    with pytest.raises(BatchOutOfOrder, match=f"item {number} is {state}, not running"):
        batch.failed(number, "late")
    assert batch.results[0] == "A"


@pytest.mark.parametrize("numbers", [{"batch_size": 0}, {"max_concurrent": -1}])
def test_sizes_are_at_least_one(numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"expected .* to be at least 1, got"):
        Batch("ab", **numbers)


@given(
    count=st.integers(0, 60),
    batch_size=st.none() | st.integers(1, 20),
    max_concurrent=st.none() | st.integers(1, 20),
    seed=st.integers(),
)
def test_every_item_runs_once_within_its_batch_and_the_limit(
    count: int, batch_size: int | None, max_concurrent: int | None, seed: int
) -> None:
    rng, running, order = Random(seed), list[int](), list[int]()
    batch: Batch[int, int, str] = Batch(range(count), batch_size=batch_size, max_concurrent=max_concurrent)
    while not batch.finished:
        while (found := batch.next_item()) is not None:
            running.append(found[0])
            order.append(found[0])
        assert 1 <= len(running) <= (max_concurrent or count)
        assert len({number // (batch_size or count) for number in running}) == 1
        number = running.pop(rng.randrange(len(running)))
        if rng.random() < 0.3:
            batch.failed(number, "no")
        else:
            batch.done(number, number * 2)
        assert sum(batch.status()) == count
    assert order == list(range(count))
    assert all(batch.results[number] == number * 2 or number in batch.errors for number in range(count))
