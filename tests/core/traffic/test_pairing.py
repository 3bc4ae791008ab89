import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.pairing import for_each_target, order


def _arrivals(count: int) -> list[Arrival]:
    return [Arrival(index, index / 2, 0, index % 3, input_tokens=index) for index in range(count)]


def test_every_arrival_comes_once_for_each_target_and_differs_in_nothing_else():
    sent = list(for_each_target(_arrivals(2), 2))
    assert sent == [
        Arrival(0, 0.0, 0, 0, 0, target=0),
        Arrival(0, 0.0, 0, 0, 0, target=1),
        Arrival(1, 0.5, 0, 1, 1, target=1),
        Arrival(1, 0.5, 0, 1, 1, target=0),
    ]


def test_the_order_is_that_of_thue_and_morse():
    firsts = [arrival.target for arrival in for_each_target(_arrivals(16), 2)][::2]
    assert firsts == [0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0]


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_either_target_is_as_often_the_first_one_for_every_worker(workers: int):
    sent = list(for_each_target(_arrivals(256), 2))
    for worker in range(workers):
        firsts = [arrival.target for arrival in sent[::2] if arrival.index % workers == worker]
        assert firsts.count(0) == firsts.count(1)


def test_of_three_targets_each_is_as_often_the_first_one():
    firsts = [arrival.target for arrival in for_each_target(_arrivals(27), 3)][::3]
    assert [firsts.count(target) for target in range(3)] == [9, 9, 9]


@given(st.integers(0, 200), st.integers(2, 5))
def test_each_target_has_the_whole_schedule(count: int, targets: int):
    sent = list(for_each_target(_arrivals(count), targets))
    for target in range(targets):
        assert [arrival.index for arrival in sent if arrival.target == target] == list(range(count))


@given(st.integers(0, 1 << 40), st.integers(0, 10_000), st.integers(2, 5))
def test_a_drawn_order_has_each_target_once(seed: int, index: int, targets: int):
    drawn = order(index, targets, seed)
    assert sorted(drawn) == list(range(targets))
    assert drawn == order(index, targets, seed)


def test_drawn_orders_have_every_target_follow_every_other_one_about_as_often():
    orders = [tuple(order(index, 3, 7)) for index in range(600)]
    assert len(set(orders)) == 6
    assert min(map(orders.count, set(orders))) > 70
