import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.metrics.start_times import Starts


@pytest.mark.parametrize(
    ("starts_s", "window_s", "most"),
    [
        ([], 1.0, 0),
        ([0.0], 1.0, 1),
        ([0.0, 1.0, 2.0], 1.0, 1),
        ([0.0, 0.5, 0.99, 1.0], 1.0, 3),
        ([0.0, 0.9, 1.0, 1.1, 1.85], 1.0, 4),
        ([0.0] * 4, 1.0, 4),
        ([0.001, 0.001 + 1.0, 7.001, 7.001 + 1.0], 1.0, 1),
    ],
)
def test_a_window_is_half_open_and_slides(starts_s: list[float], window_s: float, most: int):
    assert Starts(starts_s).most_in(window_s) == most


@given(st.lists(st.integers(0, 200)), st.integers(1, 50))
def test_no_window_that_begins_with_a_start_holds_more(starts: list[int], window: int):
    ordered = sorted(starts)
    held = (sum(first <= at < first + window for at in ordered) for first in ordered)
    assert Starts(starts).most_in(window) == max(held, default=0)


@given(st.lists(st.floats(0, 400)), st.integers(0, 10), st.randoms())
def test_starts_merged_are_all_starts(instants_s: list[float], cut: int, rng):
    parts = Starts(instants_s[:cut]), Starts(instants_s[cut:])
    merged = Starts()
    for part in rng.sample(parts, 2):
        merged.merge(part)
    whole = Starts(instants_s)
    assert (len(merged), merged.most_in(1.0), merged.most_in(60.0)) == (
        len(instants_s),
        whole.most_in(1.0),
        whole.most_in(60.0),
    )
    assert merged.first_s == min(instants_s, default=math.inf)
