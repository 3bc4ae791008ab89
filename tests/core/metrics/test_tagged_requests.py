import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_sample import plain

from relayload.core.metrics.columns import Columns
from relayload.core.metrics.tagged_requests import TaggedRequests


def _tagged(fold) -> list[TaggedRequests]:
    return list(fold.by_tags.values())


def _columns(folded, request_line, rows) -> Columns:
    """Requests due at some instants, each with a service time; a first token only where there is one."""
    lines = [
        request_line(index, intended_at_s=due_at_s, service_s=service_s, ttft_s=ttft_s)
        for index, (due_at_s, service_s, ttft_s) in enumerate(rows)
    ]
    (tagged,) = _tagged(folded(lines))
    assert isinstance(tagged.columns, Columns)
    return tagged.columns


_UNORDERED = [(9.0, 1.0, None), (0.5, 3.0, 0.3), (2.5, 0.5, 0.2), (0.0, 2.0, None), (2.6, 0.25, 0.1), (128.0, 7.0, 0.4)]


@pytest.mark.parametrize("rows", [sorted(_UNORDERED), _UNORDERED])
def test_values_are_sorted_in_slots_of_time_whatever_the_order_of_the_records(rows, request_line, folded):
    columns = _columns(folded, request_line, rows)
    found = columns.by_slot("service")
    assert found.width_s == 1.0
    assert {slot: plain(values) for slot, values in found.slots.items()} == {
        0: [2.0, 3.0],
        2: [0.25, 0.5],
        9: [1.0],
        128: [7.0],
    }
    assert list(columns.ordered("service")) == [0.25, 0.5, 1.0, 2.0, 3.0, 7.0]


@pytest.mark.parametrize("rows", [sorted(_UNORDERED), _UNORDERED])
def test_values_that_were_not_measured_are_in_no_slot(rows, request_line, folded):
    columns = _columns(folded, request_line, rows)
    found = columns.by_slot("ttft")
    assert {slot: plain(values) for slot, values in found.slots.items() if len(values)} == {
        0: [0.3],
        2: [0.1, 0.2],
        128: [0.4],
    }
    assert list(columns.ordered("ttft")) == [0.1, 0.2, 0.3, 0.4]


_ROWS = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0.001, 100), st.none() | st.floats(0.001, 100)), min_size=1)


@given(rows=_ROWS)
def test_each_value_is_in_the_slot_of_its_instant(rows, request_line, folded):
    columns = _columns(folded, request_line, rows)
    for metric, column in (("service", 1), ("ttft", 2)):
        found = columns.by_slot(metric)
        wanted: dict[int, list[float]] = {}
        for row in rows:
            if row[column] is not None:
                wanted.setdefault(math.floor(row[0] / found.width_s), []).append(row[column])
        slots = {slot: plain(values) for slot, values in found.slots.items() if len(values)}
        assert slots == {slot: sorted(values) for slot, values in wanted.items()}


def test_requests_that_are_added_move_the_slots(request_line, folded):
    columns = _columns(folded, request_line, [(float(at), 1.0, 0.1) for at in range(65)])
    assert (columns.by_slot("service").width_s, len(columns.by_slot("service").slots)) == (0.5, 65)
    columns.merge(_columns(folded, request_line, [(200.0, 2.0, 0.1)]))
    found = columns.by_slot("service")
    assert (found.width_s, plain(found.slots[100])) == (2.0, [2.0])


def test_visible_content_later_than_the_first_token_is_sorted_on_its_own(request_line, folded):
    (tagged,) = _tagged(folded(request_line(index, ttft_s=0.1, ttfo_s=0.3 - index / 100) for index in range(5)))
    assert list(tagged.columns.ordered("ttfo")) == sorted(0.3 - index / 100 for index in range(5))
    assert list(tagged.columns.ordered("ttft")) == [0.1] * 5
