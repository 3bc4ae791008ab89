import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.traffic.arrivals import Share
from relayload.core.traffic.batches import Batches, BatchShare


def shares(batches: Batches, workers: int) -> list[BatchShare]:
    return [batches.of(Share(number, workers)) for number in range(workers)]


def test_one_worker_has_the_whole_list():
    assert Batches(7, 3, 2).of(Share(0, 1)) == BatchShare(list(range(7)), 3, 2)


@pytest.mark.parametrize(
    ("batches", "workers", "expected"),
    [
        (Batches(10, 10, 3), 2, [([0, 2, 3, 5, 6, 8, 9], 2), ([1, 4, 7], 1)]),
        (Batches(8, 4, 2), 2, [([0, 2, 4, 6], 1), ([1, 3, 5, 7], 1)]),
        (Batches(4, 4, 1), 2, [([0, 1, 2, 3], 1), ([], 0)]),
        (Batches(3, 1, 2), 2, [([0, 1, 2], 1), ([], 1)]),
        (Batches(6, 4, 4), 3, [([0, 3, 4], 2), ([1, 5], 1), ([2], 1)]),
    ],
    ids=["by places", "batch by batch", "more workers than places", "one at a time", "a small last batch"],
)
def test_workers_have_as_much_to_send_as_they_have_places(batches, workers, expected):
    assert [(list(share.indices), share.max_concurrent) for share in shares(batches, workers)] == expected


numbers = st.integers(1, 40)


@given(requests=st.integers(1, 120), batch_size=numbers, places=numbers, workers=st.integers(1, 12))
def test_all_shares_together_are_the_list_and_its_places(requests, batch_size, places, workers):
    batches = Batches(requests, batch_size, places)
    dealt = shares(batches, workers)
    assert sorted(index for share in dealt for index in share.indices) == list(range(requests))
    assert sum(share.max_concurrent for share in dealt) == places
    assert all(share.max_concurrent > 0 for share in dealt if share.indices)
    for share in dealt:
        sizes = [
            [index // batch_size for index in share.indices].count(number)
            for number in range(-(-requests // batch_size))
        ]
        assert set(sizes[:-1]) <= {share.batch_size}
