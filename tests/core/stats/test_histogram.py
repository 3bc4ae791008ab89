import statistics
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.stats.histogram import Histogram, bucket, buckets, middle_s, packed, unpacked
from relayload.core.stats.sample import Moments

durations_s = st.floats(min_value=0.0, max_value=3600.0)


@pytest.mark.parametrize(
    ("value_s", "index"),
    [
        (0.0, 0),
        (-0.002, 0),
        (0.000001, 1),
        (0.000255, 255),
        (0.000256, 256),
        (0.000258, 257),
        (0.000512, 384),
        (1.0, 1780),
        (60.0, 2532),
    ],
)
def test_a_bucket_is_a_microsecond_wide_at_first_and_a_128th_of_a_power_of_two_later(value_s: float, index: int):
    assert bucket(value_s) == index


@given(st.lists(st.floats(min_value=-1.0, max_value=1e9)) | st.lists(durations_s, min_size=1))
def test_many_are_put_into_the_buckets_of_each(values_s: list[float]):
    assert buckets(values_s) == [bucket(value_s) for value_s in values_s]


def test_buckets_number_on_without_holes():
    seen = [bucket(us * 1e-6 + 1e-9) for us in range(5000)]
    assert sorted(set(seen)) == list(range(seen[-1] + 1))


@given(durations_s)
def test_the_middle_of_a_bucket_is_within_0_4_percent_or_a_microsecond(value_s: float):
    assert abs(middle_s(bucket(value_s)) - value_s) <= max(0.004 * value_s, 1e-6)


def test_nothing_stays_nothing():
    assert middle_s(bucket(0.0)) == 0.0


@given(st.lists(durations_s), st.lists(durations_s))
def test_merged_histograms_are_the_histogram_of_all_values(left: list[float], right: list[float]):
    merged = Histogram(left)
    merged.merge(Histogram(right))
    assert merged.counts == Histogram(left + right).counts


@given(st.lists(durations_s))
def test_the_sparse_form_holds_everything(values: list[float]):
    copy, counts = Histogram(), Histogram(values).counts
    copy.add_sparse(chain.from_iterable(counts.items()))
    assert copy.counts == counts


def test_ranks_count_from_one_and_stay_within_the_error():
    values = [0.001 * n for n in range(1, 1001)]
    p50, p99, highest = map(Histogram(values).values().at, (500, 990, 1000))
    assert [p50, p99, highest] == pytest.approx([0.500, 0.990, 1.000], rel=0.004)


def test_a_quantile_is_the_value_that_its_share_does_not_exceed():
    histogram = Histogram([0.001 * n for n in range(1, 101)])
    assert histogram.quantile_s(0.5) == pytest.approx(0.050, rel=0.004)
    assert histogram.quantile_s(0.99) == pytest.approx(0.099, rel=0.004)
    assert Histogram().quantile_s(0.5) is None


@pytest.mark.parametrize("rank", [0, 4])
def test_a_rank_outside_of_the_sample_is_refused(rank: int):
    with pytest.raises(IndexError):
        Histogram([0.1, 0.2, 0.3]).values().at(rank)


def test_mean_and_stddev_are_those_of_the_sample():
    values = [0.010, 0.020, 0.060]
    moments = Moments.of(Histogram(values).values())
    assert moments.count == 3
    assert moments.mean == pytest.approx(0.030, rel=0.004)
    assert moments.stddev == pytest.approx(statistics.stdev(values), rel=0.01)


def test_buckets_beyond_the_last_are_counted_as_the_last():
    histogram = Histogram()
    histogram.add_sparse((10_000, 2, 20_000, 3))
    assert list(histogram.values().items()) == [(middle_s(10_000), 5)]


@pytest.mark.parametrize("most", [1, 255, 256, 65_535, 65_536, 1 << 32])
def test_packed_counts_come_out_as_they_went_in(most: int):
    counts = {0: 1, 300: most, 8191: 2}
    assert dict(unpacked(packed(counts))) == counts
    assert not packed({})
    assert not list(unpacked(b""))


@pytest.mark.parametrize("data", [b"x", b"B\0", b"B\0\0\0\0", b"I" + bytes(5)])
def test_other_data_is_no_histogram(data: bytes):
    with pytest.raises(ValueError, match=r".+"):
        list(unpacked(data))
