import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.report.html.scale import Linear, Log, LogPercentile, time_ticks, value_scale


def test_a_linear_scale_keeps_differences():
    scale = Linear(0.0, 10.0, 0.0, 100.0)
    assert [scale.at(value) for value in (0, 2.5, 10, 12)] == [0, 25, 100, 120]


def test_a_scale_may_run_upwards():
    assert Linear(0.0, 10.0, 100.0, 0.0).at(2.5) == 75.0


def test_a_log_scale_keeps_ratios():
    scale = Log(1.0, 100.0, 0.0, 100.0)
    assert [scale.at(value) for value in (1, 10, 100)] == pytest.approx([0, 50, 100])


def test_a_log_scale_draws_zero_at_its_lower_end():
    assert Log(0.1, 10.0, 0.0, 100.0).at(0.0) == 0.0


def test_each_nine_is_as_far_as_the_one_before():
    scale = LogPercentile(99.9, 0.0, 300.0)
    assert [scale.at(p) for p in (0, 90, 99, 99.9, 100)] == pytest.approx([0, 100, 200, 300, 300])
    assert scale.ticks() == [0.0, 50.0, 90.0, 99.0, 99.9]


@pytest.mark.parametrize(
    ("high", "ticks"), [(1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]), (25.0, [0, 5, 10, 15, 20, 25]), (7.0, [0, 2, 4, 6])]
)
def test_ticks_are_round(high, ticks):
    assert Linear(0.0, high, 0.0, 1.0).ticks() == pytest.approx(ticks)


def test_ticks_of_decades_are_1_2_5_or_fewer():
    assert Log(0.01, 0.5, 0.0, 1.0).ticks() == pytest.approx([0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
    assert Log(1e-3, 1e3, 0.0, 1.0).ticks() == pytest.approx([1e-3, 1e-2, 0.1, 1, 10, 100, 1000])


def test_within_one_decade_ticks_are_evenly_spaced():
    assert Log(0.15, 0.45, 0.0, 1.0).ticks() == pytest.approx([0.2, 0.3, 0.4])


@pytest.mark.parametrize(
    ("until_s", "ticks"), [(6.0, range(0, 7)), (23.0, [0, 5, 10, 15, 20]), (3600.0, range(0, 3601, 600)), (0.5, [0])]
)
def test_ticks_of_time_are_those_of_a_clock(until_s, ticks):
    assert time_ticks(until_s) == list(ticks)


def test_a_scale_of_values_begins_at_zero_and_ends_with_a_tick():
    scale = value_scale([3.0, 17.0], 100.0, 0.0)
    assert (scale.low, scale.high) == (0.0, 20.0)


def test_without_values_there_is_a_scale_all_the_same():
    assert value_scale([], 0.0, 1.0).high == 1.0
    assert value_scale([0.0], 0.0, 1.0, log=True).low == 0.0


@given(st.lists(st.floats(0, 1e12, allow_subnormal=False), max_size=5), st.booleans())
def test_every_scale_has_few_ticks_and_shows_its_values(values, log):
    scale = value_scale(values, 0.0, 100.0, log=log)
    assert 0 < len(scale.ticks()) <= 40
    for value in values:
        assert math.isfinite(scale.at(value))
        assert -1e-6 <= scale.at(value) <= 100.001
