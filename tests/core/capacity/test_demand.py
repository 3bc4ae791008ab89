import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.capacity.demand import Demand, Peak, peak_minute


def test_the_busiest_minute_may_begin_anywhere():
    quiet = [float(second) for second in range(0, 300, 10)]
    burst = [130.0 + number / 2 for number in range(100)]
    found = peak_minute(sorted([*quiet, *burst]))
    assert found == Peak(requests=130, for_s=290.0, mean_per_s=130 / 290, peak_per_s=106 / 60, at_s=120.0)
    assert found is not None
    assert found.ratio == pytest.approx(106 / 60 / (130 / 290))


def test_a_minute_does_not_hold_both_of_its_ends():
    found = peak_minute([0.0, 60.0, 120.0])
    assert found is not None
    assert (found.peak_per_s, found.at_s) == (1 / 60, 0.0)


@pytest.mark.parametrize("instants_s", [[], [5.0], [5.0, 64.9]])
def test_less_than_a_minute_has_no_busiest_one(instants_s):
    assert peak_minute(instants_s) is None


@given(st.lists(st.floats(0.0, 1000.0), min_size=2, max_size=100))
def test_the_peak_is_that_of_every_window_that_begins_with_a_request(instants_s: list[float]):
    instants_s = [0.0, *sorted(instants_s), 1001.0]
    found = peak_minute(instants_s)
    assert found is not None
    most = max(sum(0 <= other - at_s < 60 for other in instants_s) for at_s in instants_s)
    assert found.peak_per_s == pytest.approx(most / 60)
    begins_at_s = found.at_s + instants_s[0]
    assert sum(begins_at_s <= at_s < begins_at_s + 60 + 1e-9 for at_s in instants_s) >= most


@pytest.mark.parametrize(("ratio", "planned_per_s"), [(None, 50.0), (2.0, 100.0)])
def test_the_traffic_peaks_as_its_trace_does(ratio, planned_per_s):
    peak = ratio and Peak(requests=100, for_s=100.0, mean_per_s=1.0, peak_per_s=ratio, at_s=0.0)
    demand = Demand(mean_per_s=40.0, peak=peak, headroom=0.2)
    assert demand.with_headroom_per_s == pytest.approx(planned_per_s)
