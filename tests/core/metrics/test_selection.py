import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.metrics.end_counts import Ended
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.selection import Selection, Series, Slices
from relayload.core.model.record import Outcome, Record
from relayload.core.objectives.time_slots import windows
from relayload.core.stats.effective_size import FEWEST


def _series(fold, metric="latency", unanswered_s=(), worst=math.inf) -> Series:
    return Series(Selection(fold.by_tags), metric, unanswered_s, worst)


def _values(series: Series) -> list[float]:
    return [series.ordered.at(rank) for rank in range(1, series.ordered.count + 1)]


def test_the_values_of_all_cells_are_sorted_together(request_line, folded):
    lines = [request_line(index, latency_s=1.0 / (index + 1), scenario="ab"[index % 2]) for index in range(4)]
    assert _values(_series(folded(lines))) == [0.25, 1 / 3, 0.5, 1.0]


def test_what_was_not_measured_is_left_out(request_line, folded):
    lines = [request_line(0, ttft_s=0.3), request_line(1, ttft_s=None), request_line(2, ttft_s=0.1)]
    assert _values(_series(folded(lines), "ttft")) == [0.1, 0.3]
    assert _values(_series(folded([]), "ttft")) == []


@pytest.mark.parametrize(("worst", "position"), [(math.inf, -1), (-math.inf, 0)])
def test_requests_without_an_answer_stand_at_the_bad_end(worst: float, position: int, request_line, folded):
    series = _series(folded([request_line(0)]), unanswered_s=[[1.0]], worst=worst)
    assert len(_values(series)) == 2
    assert _values(series)[position] == worst
    assert series.moments.mean == pytest.approx(0.501)


def test_the_order_is_that_of_the_schedule_and_not_of_the_file(request_line, folded):
    slow = range(400, 420)
    lines = [request_line(index, service_s=2.0 if index in slow else 0.1 + index * 1e-6) for index in range(1000)]
    scattered = [lines[index * 617 % 1000] for index in range(1000)]
    assert _series(folded(scattered)).effective_n == _series(folded(lines)).effective_n < 200


def test_failures_in_a_row_count_for_less_even_where_they_are_more_than_one_in_twenty(request_line, folded):
    lines = [request_line(index) for index in range(1000) if not 300 <= index < 400]
    series = _series(folded(lines), unanswered_s=[[float(index) for index in range(300, 400)]])
    assert series.ordered.count == 1000
    assert series.effective_n < FEWEST


def test_where_less_is_worse_the_least_are_looked_for(request_line, folded):
    lines = [request_line(index, service_s=50.0 if 400 <= index < 420 else 1.0) for index in range(1000)]
    assert _series(folded(lines), "output_rate", worst=-math.inf).effective_n < 200


def test_a_threshold_has_the_effective_size_of_the_values_above_it(request_line, folded):
    """Twenty in a row take two seconds; every tenth of the others takes one."""
    lines = [
        request_line(index, service_s=2.0 if 400 <= index < 420 else 1.0 if index % 10 == 0 else 0.1)
        for index in range(1000)
    ]
    series = _series(folded(lines), "service")
    assert series.effective_above(1.5) < 200
    assert [series.effective_above(limit) for limit in (0.05, 3.0)] == [1000, 1000]
    assert series.effective_above(0.5) > series.effective_above(1.5)
    assert series.effective_n == series.effective_above(1.0)


@pytest.mark.parametrize("most_exact", [10_000, 10])
def test_tags_without_a_value_do_not_widen_the_slots(most_exact: int, request_line, folded):
    """Late in a run of an hour, a minute in which every second is fast and slow by turns, for one scenario."""
    lines = [request_line(0, stage="warm", scenario="other", intended_at_s=3600.0, ttft_s=None)]
    lines += [
        request_line(index, intended_at_s=3600.0 + index / 20, ttft_s=0.5 if index // 20 % 2 else 0.1)
        for index in range(1200)
    ]
    series = _series(folded(lines, most_exact=most_exact), "ttft")
    assert series.effective_above(0.3) == series.effective_n > FEWEST


def test_a_selection_counts_its_requests_by_outcome(request_line, folded):
    fold = folded([request_line(0), request_line(1), request_line(2, outcome=Outcome.REJECTED)])
    selection = Selection(fold.by_tags)
    assert selection.by_outcome() == {"ok": 2, "rejected": 1}
    assert selection.where(lambda tags: tags.ok).count == 2
    assert selection.ended([(0.0, 2.0)]) == Ended(2, 20)
    assert selection.ended([(2.0, 3.0)]) == Ended(1)


def test_a_slice_holds_what_was_due_in_it_in_the_order_of_the_schedule(request_line, drop_line, folded):
    lines = [
        request_line(5, ttft_s=0.5, output_tokens=7),
        request_line(3, ttft_s=0.3, output_tokens=5),
        request_line(4, ttft_s=0.4, output_tokens=6),
        request_line(4, outcome=Outcome.TIMED_OUT),
        drop_line(6),
        drop_line(3),
    ]
    piece = Slices(folded(lines).by_tags, "ttft").cut(3.0, 5.0)
    ok, failed = sorted(piece.by_tags.items(), key=lambda item: item[0].outcome)
    assert list(ok[1].columns.due_at_s) == [3.0, 4.0]
    assert list(ok[1].columns["ttft"]) == [0.3, 0.4]
    assert list(failed[1].columns.due_at_s) == [4.0]
    assert Slices(folded(lines).by_tags, "ttft").cut(9.0, 20.0).by_tags == {}


def test_a_slice_holds_the_gaps_of_its_seconds(request_line, folded):
    lines = [request_line(index, chunk_gaps=(500, index)) for index in range(1, 6)]
    (tagged,) = Slices(folded(lines).by_tags, "chunk_gap").cut(2.0, 4.0).by_tags.values()
    assert {slot: len(gaps) for slot, gaps in tagged.gaps.by_slot().items()} == {2: 2, 3: 3}


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
    slices = Slices(fold.by_tags, "latency")
    pieces = [slices.cut(*window) for window in windows(0.0, 30.0, 10.0)]
    found = sorted(due for piece in pieces for tagged in piece.by_tags.values() for due in tagged.columns["latency"])
    assert found == sorted(due_at_s for due_at_s, _ in rows)


def test_gaps_of_a_slot_are_in_the_window_of_its_middle_also_where_the_request_is_not(request_line, folded):
    slices = Slices(folded([request_line(0, intended_at_s=11.95, chunk_gaps=(5, 3))]).by_tags, "chunk_gap")
    (before,) = slices.cut(8.6, 11.9).by_tags.values()
    assert len(before.gaps) == 3
    assert slices.cut(11.9, 15.2).by_tags == {}
