import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.metrics.fold import Fold
from relayload.core.metrics.windows import Slices, windows
from relayload.core.model.record import Attempt, Outcome, Record

_FAILED = Attempt(outcome=Outcome.SERVER_ERROR, status=503)


@pytest.mark.parametrize(
    ("begins", "ends", "length", "expected"),
    [
        (10.0, 40.0, 10.0, [(10.0, 20.0), (20.0, 30.0), (30.0, 40.0)]),
        (10.0, 39.9, 10.0, [(10.0, 20.0), (20.0, 30.0)]),
        (0.0, 0.3, 0.1, [(0.0, 0.1), (0.1, 0.2), (0.2, pytest.approx(0.3))]),
        (0.0, 9.0, 10.0, []),
        (5.0, 5.0, 10.0, []),
    ],
)
def test_windows_are_whole_and_begin_with_the_first(begins, ends, length, expected):
    assert list(windows(begins, ends, length)) == expected


def test_a_slice_holds_what_was_due_in_it_in_the_order_of_the_schedule(request_line, drop_line, folded):
    lines = [
        request_line(5, ttft_s=0.5, output_tokens=7),
        request_line(3, ttft_s=0.3, output_tokens=5),
        request_line(4, ttft_s=0.4, output_tokens=6),
        request_line(4, outcome=Outcome.TIMED_OUT),
        drop_line(6),
        drop_line(3),
    ]
    piece = Slices(folded(lines), {"ttft", "output_tokens"}).cut(3.0, 5.0)
    ok, failed = sorted(piece.by_tags.items(), key=lambda item: item[0].outcome)
    assert list(ok[1].columns.due_at_s) == [3.0, 4.0]
    assert list(ok[1].columns["ttft"]) == [0.3, 0.4]
    assert list(failed[1].columns.due_at_s) == [4.0]
    assert Slices(folded(lines), set()).cut(9.0, 20.0).by_tags == {}


def test_a_slice_holds_the_gaps_of_its_seconds(request_line, folded):
    lines = [request_line(index, chunk_gaps=(500, index)) for index in range(1, 6)]
    (tagged,) = Slices(folded(lines), {"chunk_gap"}).cut(2.0, 4.0).by_tags.values()
    assert tagged.gaps.by_slot() == {2: 2, 3: 3}


@given(st.lists(st.tuples(st.floats(0, 29.9), st.booleans()), max_size=60))
def test_windows_together_hold_every_request_once(rows):
    fold = Fold()
    fold.extend(
        Record(
            index=index,
            worker=0,
            scenario="s",
            stage="steady",
            model="o3",
            measured=True,
            intended_at_s=due_at_s,
            late_s=0.0,
            latency_s=due_at_s,
            outcome=Outcome.OK if ok else Outcome.TIMED_OUT,
        )
        for index, (due_at_s, ok) in enumerate(rows)
    )
    slices = Slices(fold, {"latency"})
    pieces = [slices.cut(*window) for window in windows(0.0, 30.0, 10.0)]
    found = sorted(due for piece in pieces for tagged in piece.by_tags.values() for due in tagged.columns["latency"])
    assert found == sorted(due_at_s for due_at_s, _ in rows)


def test_gaps_of_a_slot_are_in_the_window_of_its_middle_also_where_nothing_else_was_due_in_it(request_line, folded):
    slices = Slices(folded([request_line(0, intended_at_s=11.95, chunk_gaps=(5, 3))]), {"chunk_gap"})
    (before,) = slices.cut(8.6, 11.9).by_tags.values()
    (after,) = slices.cut(11.9, 15.2).by_tags.values()
    assert (len(before), len(before.gaps), len(after), len(after.gaps)) == (0, 3, 1, 0)
