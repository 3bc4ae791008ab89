import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.capacity.estimate import Level, crossing


def test_the_crossing_lies_where_the_budget_is_used_up():
    assert crossing([Level(10.0, 0.5, 1.0), Level(20.0, 2.0, 1.0)]) == pytest.approx(math.sqrt(200))
    assert crossing([Level(10.0, 1.0, 1.0), Level(20.0, 2.0, 1.0)]) == pytest.approx(10.0)


def test_it_must_be_seen_on_both_sides():
    assert crossing([Level(10.0, 0.5, 1.0), Level(20.0, 0.6, 1.0)]) is None
    assert crossing([Level(10.0, math.inf, 1.0)]) is None
    assert crossing([]) is None


def test_rates_out_of_order_are_taken_together_by_their_weights():
    levels = [Level(10.0, 0.5, 1.0), Level(12.0, 1.5, 1.0), Level(14.0, 0.5, 100.0), Level(16.0, 2.0, 1.0)]
    found = crossing(levels)
    assert found is not None
    assert 14.0 < found < 16.0


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(0, 10), st.floats(1, 1000)), min_size=2, max_size=20))
def test_it_lies_within_the_rates_that_were_tried(levels):
    found = crossing(Level(*level) for level in levels)
    rates = [rate for rate, *_ in levels]
    assert found is None or min(rates) * 0.999 <= found <= max(rates) * 1.001
