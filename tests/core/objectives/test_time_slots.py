import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.objectives.time_slots import slot_of, slot_s, window_count, windows


@pytest.mark.parametrize(("over_s", "width_s"), [(None, 1.0), (30.0, 1.0), (10.0, 1.0), (5.0, 0.5), (1.0, 0.1)])
def test_slots_are_a_second_wide_and_a_tenth_of_shorter_windows(over_s: float | None, width_s: float):
    assert slot_s(over_s) == width_s


@pytest.mark.parametrize(
    ("at_s", "begins_at_s", "width_s", "number"),
    [(0.0, 0.0, 1.0, 0), (0.999, 0.0, 1.0, 0), (1.0, 0.0, 1.0, 1), (7.5, 2.5, 2.5, 2), (0.3, 0.0, 0.1, 2)],
)
def test_a_slot_holds_its_beginning_and_not_its_end(at_s: float, begins_at_s: float, width_s: float, number: int):
    assert slot_of(at_s, begins_at_s, width_s) == number


@given(st.floats(0, 1e5), st.floats(0, 1e4), st.sampled_from([0.1, 0.33, 1.0, 2.5, 1 / 3, 7.3]), st.integers(0, 1000))
def test_slots_are_cut_where_edges_are(after_s: float, begins_at_s: float, width_s: float, edge: int):
    for at_s in (begins_at_s + after_s, begins_at_s + edge * width_s):
        number = slot_of(at_s, begins_at_s, width_s)
        assert begins_at_s + number * width_s <= at_s < begins_at_s + (number + 1) * width_s


@pytest.mark.parametrize(
    ("begins", "ends", "length", "expected"),
    [
        (10.0, 40.0, 10.0, [(10.0, 20.0), (20.0, 30.0), (30.0, 40.0)]),
        (10.0, 39.9, 10.0, [(10.0, 20.0), (20.0, 30.0), (30.0, 39.9)]),
        (10.0, 40.0 + 1e-12, 10.0, [(10.0, 20.0), (20.0, 30.0), (30.0, pytest.approx(40.0))]),
        (0.0, 0.3, 0.1, [(0.0, 0.1), (0.1, 0.2), (0.2, pytest.approx(0.3))]),
        (0.0, 9.0, 10.0, [(0.0, 9.0)]),
        (5.0, 5.0, 10.0, []),
    ],
)
def test_windows_begin_with_the_first_and_end_with_the_last(begins, ends, length, expected):
    assert list(windows(begins, ends, length)) == expected
    assert window_count(begins, ends, length) == len(expected)


def test_windows_without_an_end_are_not_counted():
    assert window_count(10.0, math.inf, 5.0) == math.inf
