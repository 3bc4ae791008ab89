import math

from hypothesis import given
from hypothesis import strategies as st

from relayload.core.traffic.timeline import MOST_BINS, Bins


def binned(*instants: float):
    bins = Bins()
    for at_s in instants:
        bins.add(at_s)
    return bins.timeline()


def test_a_short_load_has_bins_of_a_quarter_of_a_second():
    timeline = binned(0.0, 0.1, 0.3, 1.2)
    assert timeline.bin_s == 0.25
    assert timeline.counts == (2, 1, 0, 0, 1)
    assert timeline.rates_per_s == (8, 4, 0, 0, 4)


def test_bins_double_until_there_are_few_enough():
    timeline = binned(0.0, 0.3, 15.99, 16.0)
    assert timeline.bin_s == 0.5
    assert len(timeline.counts) == 33
    assert (timeline.counts[0], timeline.counts[31], timeline.counts[32]) == (2, 1, 1)


def test_no_arrival_makes_no_bin():
    assert binned().counts == ()


@given(st.lists(st.floats(0, 1e7), max_size=200))
def test_every_arrival_is_in_one_of_a_few_bins(instants):
    timeline = binned(*sorted(instants))
    assert sum(timeline.counts) == len(instants)
    assert len(timeline.counts) <= MOST_BINS
    assert math.log2(timeline.bin_s).is_integer()
