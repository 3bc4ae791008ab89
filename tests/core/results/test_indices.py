from hypothesis import given
from hypothesis import strategies as st

from relayload.core.results.indices import Indices

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
