import pytest

from relayload.core.traffic.curves import LogNormal, Normal


def test_half_a_standard_normal_is_below_p50_and_a_hundredth_above_p99():
    times = LogNormal.through(0.045, 0.095)
    assert times.at(0.0) == 0.045
    assert times.at(2.3263478740408408) == pytest.approx(0.095, rel=1e-12)


def test_equal_percentiles_are_a_constant():
    assert {LogNormal.through(0.1, 0.1).at(z) for z in (-3.0, 0.0, 3.0)} == {0.1}


def test_the_mean_of_a_log_normal_is_above_its_median():
    assert LogNormal.through(100, 900).mean == pytest.approx(156.2, abs=0.1)


def test_a_normal_is_as_wide_as_its_standard_deviation():
    assert [Normal(500, 100).at(z) for z in (-1.0, 0.0, 2.0)] == [400, 500, 700]
