from collections import Counter
from random import Random

import pytest

from relayload.core.audit.bottom_sample import BottomSample


def test_the_least_ranks_are_the_sample_whatever_the_order():
    for seed in range(20):
        ranks = [number / 1000 for number in range(1, 400)]
        Random(seed).shuffle(ranks)
        sample = BottomSample[float](10)
        for rank in ranks:
            if sample.reserve(rank):
                sample.keep(rank, rank)
        assert sample.members == [number / 1000 for number in range(1, 11)]
        assert len(sample) == 20


def test_fewer_than_wanted_are_all_kept():
    sample = BottomSample[str](5)
    assert sample.reserve(0.9)
    sample.keep(0.9, "a")
    assert sample.members == ["a"]


def test_what_fails_or_has_not_ended_is_no_member():
    sample = BottomSample[str](2)
    for rank in (0.1, 0.2, 0.3, 0.4):
        assert sample.reserve(rank)
    sample.give_up(0.1)
    sample.keep(0.3, "c")
    sample.keep(0.4, "d")
    assert sample.members == ["c", "d"]
    sample.keep(0.2, "b")
    assert sample.members == ["b", "c"]


def test_what_has_lost_its_place_is_not_kept():
    sample = BottomSample[str](1)
    assert sample.reserve(0.8)
    assert sample.reserve(0.9)
    assert sample.reserve(0.1)
    assert not sample.reserve(0.95)
    sample.keep(0.9, "gone", 10)
    assert (sample.members, sample.held_bytes) == ([], 0)


def test_the_bytes_of_what_is_dropped_are_free():
    sample = BottomSample[str](1)
    for rank in (0.5, 0.6):
        sample.reserve(rank)
        sample.keep(rank, "x", 100)
    assert sample.held_bytes == 200
    assert sample.reserve(0.1)
    assert sample.held_bytes == 100
    sample.shrink()
    assert sample.held_bytes == 0
    assert not sample.reserve(0.9)


def test_none_are_kept_where_none_are_wanted():
    sample = BottomSample[str](0)
    assert not sample.reserve(0.1)
    assert sample.members == []


@pytest.mark.parametrize("fails", [0.0, 0.3])
def test_every_member_that_did_is_in_the_sample_as_often(fails):
    """Early and late ones, with many at once in flight: 3 of 60, of which some fail."""
    found: Counter[int] = Counter()
    rng, runs = Random(5), 4000
    for _ in range(runs):
        sample, in_flight = BottomSample[int](3), []
        for number in range(60):
            rank = rng.random()
            if sample.reserve(rank):
                in_flight.append((rank, number))
            if len(in_flight) > 5 or number == 59:
                for ended, who in in_flight:
                    if rng.random() < fails:
                        sample.give_up(ended)
                    else:
                        sample.keep(ended, who)
                in_flight = []
        found.update(sample.members)
    expected = sum(found.values()) / 6
    tenths = [sum(found[number] for number in range(first, first + 10)) for first in range(0, 60, 10)]
    assert all(abs(count - expected) < 4 * expected**0.5 for count in tenths)
