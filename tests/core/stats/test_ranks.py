from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.stats.ranks import SortedRuns, WeightedValues, together

arrays = st.lists(st.lists(st.integers(0, 30) | st.floats(-5, 5)).map(sorted), max_size=4)


@given(arrays)
def test_ranks_in_parts_are_ranks_in_the_whole(parts: list[list[float]]):
    whole = sorted(value for part in parts for value in part)
    assert [SortedRuns(parts).at(rank) for rank in range(1, len(whole) + 1)] == whole


@given(arrays, st.floats(-6, 31))
def test_what_comes_before_a_limit_is_counted_in_every_part(parts: list[list[float]], limit: float):
    below = sum(value < limit for part in parts for value in part)
    assert SortedRuns(parts).count_below(limit) == below


@pytest.mark.parametrize("rank", [0, 4])
def test_a_rank_outside_is_refused(rank: int):
    with pytest.raises(IndexError):
        SortedRuns([[1.0], [2.0, 3.0]]).at(rank)


@given(arrays, st.lists(st.integers(0, 30)), st.floats(-6, 31))
def test_counted_values_are_ranked_together_with_plain_ones(parts: list[list[float]], more: list[int], limit: float):
    ranks = together([*parts, WeightedValues(Counter(more))])
    whole = sorted([*more, *(value for part in parts for value in part)])
    assert [ranks.at(rank) for rank in range(1, ranks.count + 1)] == whole
    assert ranks.count_below(limit) == sum(value < limit for value in whole)


@pytest.mark.parametrize("rank", [0, 4])
def test_a_rank_outside_of_what_is_counted_is_refused(rank: int):
    with pytest.raises(IndexError):
        WeightedValues({1.0: 1, 2.0: 2}).at(rank)
