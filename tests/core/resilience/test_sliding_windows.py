import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.resilience.sliding_windows import SLICES, CallCounts, Counts, CountWindow, TimeWindow

# Calls that end on a grid of 1/8 s, which floats hold exactly: gap to the one before, failed, slow.
CALLS = st.lists(st.tuples(st.integers(0, 200), st.booleans(), st.booleans()), max_size=80)


def seen(counts: Counts) -> tuple[int, int, int, float | None, float | None]:
    return counts.calls, counts.failures, counts.slow, counts.first_failed_at_s, counts.first_slow_at_s


def told(calls: list[tuple[float, bool, bool]]) -> tuple[int, int, int, float | None, float | None]:
    failed = [at_s for at_s, has_failed, _ in calls if has_failed]
    slow = [at_s for at_s, _, was_slow in calls if was_slow]
    return len(calls), len(failed), len(slow), min(failed, default=None), min(slow, default=None)


def ended(calls: list[tuple[int, bool, bool]]) -> list[tuple[float, bool, bool]]:
    at, ends = 0, []
    for gap, failed, slow in calls:
        at += gap
        ends.append((at / 8, failed, slow))
    return ends


@given(CALLS)
def test_a_tally_holds_every_call(calls):
    tally, ends = CallCounts(), ended(calls)
    for at_s, failed, slow in ends:
        tally.add(failed, slow, at_s)
    assert seen(tally) == told(ends)


@given(CALLS, st.integers(1, 10))
def test_a_count_window_holds_the_last_calls(calls, size):
    window, ends = CountWindow(size), ended(calls)
    for done, (at_s, failed, slow) in enumerate(ends, start=1):
        window.add(failed, slow, at_s)
        assert seen(window) == told(ends[max(0, done - size) : done])


@given(CALLS)
def test_a_time_window_holds_the_slice_that_runs_and_those_before_it(calls):
    window, ends = TimeWindow(SLICES * 2.0), ended(calls)
    for done, (at_s, failed, slow) in enumerate(ends, start=1):
        window.add(failed, slow, at_s)
        assert seen(window) == told([end for end in ends[:done] if end[0] // 2 > at_s // 2 - SLICES])


@given(CALLS)
def test_a_time_window_errs_by_no_more_than_one_slice_at_its_old_end(calls):
    window, ends = TimeWindow(SLICES * 2.0), ended(calls)
    for done, (at_s, failed, slow) in enumerate(ends, start=1):
        window.add(failed, slow, at_s)
        ages_s = [at_s - end[0] for end in ends[:done]]
        assert sum(age_s <= 118 for age_s in ages_s) <= window.calls <= sum(age_s < 120 for age_s in ages_s)


@pytest.mark.parametrize("idle_s", [30.0, 1e6])
def test_a_time_window_is_empty_after_a_silence_as_long_as_itself(idle_s):
    window = TimeWindow(30.0)
    for number in range(1000):
        window.add(True, True, number / 100)
    window.add(False, False, 10.0 + idle_s)
    assert seen(window) == (1, 0, 0, None, None)


def test_a_time_window_stays_small_at_any_rate():
    window = TimeWindow(30.0)
    for number in range(50_000):
        window.add(False, False, number / 1000)
    assert len(window._slices) == SLICES
    assert window.calls == pytest.approx(30_000, rel=1 / SLICES)
