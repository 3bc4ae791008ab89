import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.metrics.arrival_indices import Indices

_INDICES = st.lists(st.integers(0, 20) | st.integers(65_530, 65_540) | st.integers(0, 10**9))


@given(_INDICES, _INDICES)
def test_what_is_told_twice_is_counted_once(first: list[int], second: list[int]):
    one, merged = Indices(), Indices()
    one.add([*first, *second])
    for part in (first, second):
        own = Indices()
        own.add(part)
        merged.merge(own)
    for indices in (one, merged, Indices.merged([merged])):
        assert indices.distinct == len({*first, *second})
        assert indices.twice == len(first) + len(second) - indices.distinct
        assert indices.end == max([*first, *second], default=-1) + 1


@pytest.mark.parametrize("at_once", [1, 500])
@pytest.mark.parametrize("step", [1, 3, 4096])
def test_however_many_there_are_and_however_far_apart_they_are_counted(step: int, at_once: int):
    told = [*range(0, 10_000 * step, step), 4096, 7]
    one, half = Indices(), Indices()
    for begin in range(0, len(told), at_once):
        one.add(told[begin : begin + at_once])
    half.add(told[:300])
    assert (one.distinct, one.end) == (len(set(told)), max(told) + 1)
    for merged in (Indices.merged([one, half]), Indices.merged([half, one])):
        assert (merged.distinct, merged.twice) == (one.distinct, one.twice + 300)


def test_those_of_a_closed_load_take_some_bytes_each():
    tracemalloc.start()
    indices = Indices()
    for begin in range(0, 10_000, 500):
        indices.add(range(begin * 4096, (begin + 500) * 4096, 4096))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert indices.distinct == 10_000
    assert taken < 100 * 10_000
