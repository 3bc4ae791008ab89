import math
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.traffic.stages import ScheduleCursor, Stage, rate_segments, stage_at

RATE = st.one_of(st.just(0.0), st.floats(0.01, 100))
STAGES = st.lists(st.builds(Stage, st.just("s"), st.floats(0.1, 100), RATE, st.one_of(st.none(), RATE)), min_size=1)


@pytest.mark.parametrize(("at_s", "stage"), [(0.0, 0), (9.99, 0), (10.0, 1), (14.0, 1), (99.0, 1)])
def test_an_instant_belongs_to_the_stage_that_begins_with_it(at_s: float, stage: int) -> None:
    assert stage_at([Stage("a", 10.0, 1.0), Stage("b", 5.0, 1.0)], at_s) == stage


@pytest.mark.parametrize(("marks", "measured"), [({}, True), ({"warmup": True}, False), ({"cooldown": True}, False)])
def test_a_warm_up_and_a_cool_down_are_not_measured(marks: dict[str, bool], measured: bool) -> None:
    assert Stage("a", 1.0, 1.0, **marks).measured is measured


def test_stretches_leave_out_what_is_silent() -> None:
    found = list(rate_segments([Stage("a", 10.0, 2.0), Stage("pause", 5.0), Stage("b", 4.0, 0.0, 3.0)]))
    assert [(part.stage, part.starts_at_s, part.for_s, part.expected_before) for part in found] == [
        (0, 0.0, 10.0, 0.0),
        (2, 15.0, 4.0, 20.0),
    ]
    assert found[-1].expected_by_end == 26.0


def test_windows_cut_the_stages_and_lift_their_rate() -> None:
    windows = ((number * 3.0, number * 3.0 + 1.0) for number in count())
    found = list(rate_segments([Stage("a", 3.5, 2.0), Stage("ramp", 6.0, 0.0, 6.0)], windows, factor=3.0))
    assert [(part.stage, part.starts_at_s, part.ends_at_s) for part in found] == [
        (0, 0.0, 1.0),
        (0, 3.0, 3.5),
        (1, 3.5, 4.0),
        (1, 6.0, 7.0),
        (1, 9.0, 9.5),
    ]
    assert [part.rate_per_s for part in found] == [6.0, 6.0, 0.0, 7.5, 16.5]
    assert [part.slope_per_s2 for part in found] == [0.0, 0.0, 3.0, 3.0, 3.0]


def test_a_stage_of_endless_bursts_is_cut_as_it_is_read() -> None:
    windows = ((float(number), number + 0.5) for number in count())
    assert len(list(islice(rate_segments([Stage("a", 1e12, 1.0)], windows), 3))) == 3


@given(STAGES, st.floats(0, 1))
def test_expected_arrivals_and_instants_are_each_others_inverse(stages: list[Stage], share: float) -> None:
    for part in rate_segments(stages):
        expected = part.expected_before + share * (part.expected_by_end - part.expected_before)
        assert part.starts_at_s <= part.at_s(expected) <= part.ends_at_s + 1e-6
        assert math.isclose(part.expected_until(part.at_s(expected)), expected, rel_tol=1e-6, abs_tol=1e-6)


def test_a_course_goes_forward_over_pauses_and_ends() -> None:
    cursor = ScheduleCursor(rate_segments([Stage("a", 10.0, 1.0), Stage("pause", 5.0), Stage("b", 10.0, 2.0)]))
    assert (cursor.at_s(4.0), cursor.open_from(7.0)) == (4.0, 7.0)
    assert cursor.open_from(12.0) == 15.0
    assert (cursor.at_s(10.0), cursor.at_s(12.0), cursor.at_s(30.0), cursor.open_from(16.0)) == (15.0, 16.0, None, None)
