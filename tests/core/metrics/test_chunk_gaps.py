import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.metrics.chunk_gaps import GapCounts, GapSample
from relayload.core.stats.histogram import Histogram, bucket, middle_s

_GAPS = st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 9))).map(
    lambda pairs: tuple(number for pair in pairs for number in pair)
)
_REQUESTS = st.lists(st.tuples(st.floats(0, 100), _GAPS))


def _counts(requests, width_s: float = 1.0) -> GapCounts:
    counts = GapCounts(width_s)
    counts.extend([due_at_s for due_at_s, _ in requests], [gaps for _, gaps in requests])
    return counts


def _by_slot(counts: GapCounts) -> dict[int, dict[float, int]]:
    return {slot: dict(values.items()) for slot, values in counts.by_slot().items()}


@given(_REQUESTS, _REQUESTS, st.sampled_from([0.5, 1.0, 64.0]))
def test_gaps_merged_are_all_gaps_and_slots_hold_each_once(first, second, width_s: float):
    merged = _counts(first, width_s)
    merged.merge(_counts(second, width_s))
    whole = Histogram()
    for _, gaps in [*first, *second]:
        whole.add_sparse(gaps)
    assert merged.histogram().counts == whole.counts
    assert len(merged) == sum(map(len, merged.by_slot().values())) == whole.count
    pieces = merged.between(0.0, 50.0), merged.between(50.0, 200.0)
    assert sum(map(len, pieces)) == whole.count


def test_gaps_are_counted_by_when_their_request_was_due():
    counts = _counts([(0.5, (bucket(0.1), 3)), (1.5, (bucket(0.1), 1, bucket(2.0), 2)), (1.9, (bucket(2.0), 1))])
    tenth_s, two_s = (middle_s(bucket(gap_s)) for gap_s in (0.1, 2.0))
    assert _by_slot(counts) == {0: {tenth_s: 3}, 1: {tenth_s: 1, two_s: 3}}
    assert _by_slot(counts.between(1.0, 2.0)) == {1: {tenth_s: 1, two_s: 3}}


def test_gaps_that_are_long_together_tell_less_than_as_many_that_are_scattered():
    short, long = bucket(0.02), bucket(0.5)
    scattered = [(index / 10, (short, 19, long, 1)) for index in range(1000)]
    together = [(index / 10, (long, 20) if 500 <= index < 550 else (short, 20)) for index in range(1000)]
    assert GapSample(_counts(scattered)).effective_n == 20_000
    assert GapSample(_counts(together)).effective_n < 200
    assert [GapSample(_counts(together)).effective_above(gap_s) for gap_s in (0.001, 1.0)] == [20_000, 20_000]


def test_gaps_that_never_ended_are_neighbours_of_the_long_ones():
    short = bucket(0.02)
    requests = [(index / 10, (short, 20)) for index in range(1000) if not 500 <= index < 600]
    endless = [50.0 + index / 10 for index in range(100)]
    assert GapSample(_counts(requests), [endless]).effective_n < 200
    assert GapSample(_counts(requests), [[index / 10 for index in range(0, 1000, 10)]]).effective_n > 10_000


def test_a_gap_that_never_ended_stands_at_the_end():
    sample = GapSample(_counts([(0.0, (bucket(0.1), 3))]), [[5.0], [float("inf")]])
    assert (sample.ordered.count, sample.endless, sample.moments.count) == (5, 2, 3)
    assert list(map(sample.ordered.at, (1, 3, 4))) == [
        pytest.approx(0.1, rel=0.004),
        pytest.approx(0.1, rel=0.004),
        float("inf"),
    ]
    assert GapSample(_counts([])).effective_n == 0
