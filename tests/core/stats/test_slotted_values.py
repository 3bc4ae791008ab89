"""Values by slots of time, and how those above a threshold cluster."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_sample import plain

from relayload.core.stats.effective_size import FEWEST, effective_size
from relayload.core.stats.ranks import WeightedValues
from relayload.core.stats.slotted_values import MOST_SLOTS, SlottedValues, by_due_time, slot_width_s


@pytest.mark.parametrize(
    ("span_s", "width_s"),
    [(0.0, 1.0), (64.0, 0.5), (128.0, 1.0), (129.0, 2.0), (3600.0, 32.0), (1.0, 1 / 128), (5e-324, 2.0**-29)],
)
def test_slots_are_as_wide_as_a_power_of_two(span_s: float, width_s: float):
    assert slot_width_s(span_s) == width_s


@given(st.floats(1e-6, 1e9))
def test_a_span_has_64_to_128_slots(span_s: float):
    assert span_s / slot_width_s(span_s) * (1 + 1e-9) > MOST_SLOTS / 2
    assert span_s / slot_width_s(span_s) <= MOST_SLOTS * (1 + 1e-9)


def _found(due_at_s, width_s: float = 1.0, value: float = math.inf) -> dict[float, list[float]]:
    return {slot: plain(values) for slot, values in by_due_time(due_at_s, width_s, value)}


def test_requests_are_put_into_slots_by_when_they_were_due():
    assert _found([[0.2, 0.9, 1.0], [0.5, 7.9]]) == {0: [math.inf] * 3, 1: [math.inf], 7: [math.inf]}
    assert _found([[0.2, 0.9, 1.0]], width_s=0.5, value=-math.inf) == {
        0: [-math.inf],
        1: [-math.inf],
        2: [-math.inf],
    }
    assert _found([]) == {}


def test_requests_that_are_counted_are_put_into_slots_as_if_each_were_there():
    assert _found([WeightedValues({0.5: 3, 4.5: 2}), [0.1]]) == {0: [math.inf] * 4, 4: [math.inf] * 2}


def test_requests_with_an_unknown_due_time_are_in_the_last_slot():
    assert _found([[3.0, math.inf, math.inf]]) == {3: [math.inf], math.inf: [math.inf] * 2}


_BURST = [(slot, [2.0] * 10 if 40 <= slot < 50 else [1.0] * 10) for slot in range(100)]
_APART = [(slot, [1.0] * 9 + [2.0]) for slot in range(100)]


def test_values_above_a_threshold_that_cluster_are_worth_less():
    assert SlottedValues(_BURST).effective_above(1.5) < FEWEST
    assert SlottedValues(_APART).effective_above(1.5) == 1000


def test_where_none_is_above_a_threshold_those_equal_to_it_count():
    assert SlottedValues(_BURST).effective_above(2.0) == SlottedValues(_BURST).effective_above(1.5)
    endless = [(slot, [math.inf if value == 2.0 else value for value in values]) for slot, values in _BURST]
    assert SlottedValues(endless).effective_above(math.inf) < FEWEST


@pytest.mark.parametrize("threshold", [0.5, 3.0, -math.inf, math.inf])
def test_a_threshold_beyond_every_value_tells_of_no_cluster(threshold: float):
    assert SlottedValues(_BURST).effective_above(threshold) == 1000


def test_the_order_of_the_parts_does_not_matter_and_a_slot_may_come_in_several():
    whole = SlottedValues(_BURST).effective_above(1.5)
    assert SlottedValues(reversed(_BURST)).effective_above(1.5) == whole
    halves = [(slot, part) for slot, values in _BURST for part in (values[:3], values[3:], [])]
    assert SlottedValues(halves).effective_above(1.5) == whole


def test_values_of_an_unknown_time_come_after_all_others():
    """A tenth is slow and of unknown time, so they are neighbours."""
    known = [(slot, [1.0] * 9) for slot in range(100)]
    assert SlottedValues([(math.inf, [2.0] * 100), *known]).effective_above(1.5) == effective_size(
        [*((0, 9) for _ in known), (100, 100)]
    )


def test_without_values_there_is_no_size():
    assert SlottedValues([]).effective_above(1.0) == 0
    assert SlottedValues([(1, [])]).effective_above(1.0) == 0


@given(st.lists(st.lists(st.integers(0, 3), max_size=20), max_size=40), st.sampled_from([0, 1, 1.5, 2, 3]))
def test_counted_values_are_worth_what_single_ones_are(slots: list[list[int]], threshold: float):
    single = SlottedValues((slot, sorted(values)) for slot, values in enumerate(slots))
    counted = SlottedValues(
        (slot, WeightedValues({value: values.count(value) for value in set(values)}))
        for slot, values in enumerate(slots)
    )
    mixed = SlottedValues(
        (slot, sorted(values) if slot % 2 else WeightedValues({value: values.count(value) for value in set(values)}))
        for slot, values in enumerate(slots)
    )
    assert single.effective_above(threshold) == counted.effective_above(threshold) == mixed.effective_above(threshold)
