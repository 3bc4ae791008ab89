"""The counts are those of the values themselves, within the 0.4 % by which a bucket may be off."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.stats.histogram import Histogram, middle_s
from relayload.core.stats.rebinned import FINEST_SCALE, MOST_BUCKETS, Bounds, ExponentialBuckets, exponential, total_s

_DURATIONS = st.lists(st.floats(0, 1e5), min_size=1, max_size=50)


def _upper(buckets: ExponentialBuckets, number: int) -> float:
    return 2 ** ((buckets.offset + number + 1) / 2**buckets.scale)


def test_a_narrow_range_has_the_finest_buckets():
    buckets = exponential(Histogram([0.1, 0.2, 0.2]).counts)
    assert buckets.scale == FINEST_SCALE
    assert [count for count in buckets.counts if count] == [1, 2]
    assert len(buckets.counts) == 2**FINEST_SCALE + 1


@pytest.mark.parametrize(("longest_s", "scale"), [(0.004, 6), (0.03, 5), (0.9, 4), (160.0, 3), (3600.0, 2)])
def test_a_wider_range_has_coarser_buckets(longest_s, scale):
    buckets = exponential(Histogram([0.001, longest_s]).counts)
    assert buckets.scale == scale
    assert len(buckets.counts) <= MOST_BUCKETS


def test_nothing_and_zeros_have_no_buckets():
    assert exponential({}) == (FINEST_SCALE, 0, 0, [])
    assert exponential(Histogram([0.0, 1e-7]).counts) == (FINEST_SCALE, 2, 0, [])


def test_what_was_subtracted_again_is_nothing():
    assert exponential(Counter({5000: 0, 3: 0})).counts == []


@given(_DURATIONS)
def test_each_value_lies_in_its_bucket(values):
    counts = Histogram(values).counts
    buckets = exponential(counts)
    assert buckets.zero + sum(buckets.counts) == len(values)
    assert len(buckets.counts) <= MOST_BUCKETS
    for value in (middle_s(index) for index in counts if index):
        number = math.ceil(math.log2(value) * 2**buckets.scale) - 1 - buckets.offset
        assert buckets.counts[number] > 0
        assert _upper(buckets, number - 1) * (1 - 1e-9) <= value <= _upper(buckets, number) * (1 + 1e-9)


@given(_DURATIONS, _DURATIONS)
def test_more_values_never_make_buckets_finer(some, more):
    before = exponential(Histogram(some).counts)
    assert exponential(Histogram([*some, *more]).counts).scale <= before.scale


@given(_DURATIONS)
def test_counts_within_bounds_are_right_to_a_bucket(values):
    found = Bounds((0.01, 0.1, 1.0)).counts(Histogram(values).counts)
    assert sum(found) == len(values)
    for bound, within in zip((0.01, 0.1, 1.0), (sum(found[:1]), sum(found[:2]), sum(found[:3])), strict=True):
        surely, perhaps = (sum(value <= bound * off for value in values) for off in (0.996, 1.004))
        assert surely <= within <= perhaps


@given(_DURATIONS)
def test_the_sum_is_off_by_as_much_as_its_values(values):
    assert total_s(Histogram(values).counts) == pytest.approx(math.fsum(values), rel=0.004, abs=1e-6 * len(values))
