import math

import pytest

from relayload.core.metrics.selection import Selection, Series
from relayload.core.model.record import Outcome


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
    assert (series.ordered.count, series.effective_n) == (1000, 50)


def test_where_less_is_worse_the_least_are_looked_for(request_line, folded):
    lines = [request_line(index, service_s=50.0 if 400 <= index < 420 else 1.0) for index in range(1000)]
    assert _series(folded(lines), "output_rate", worst=-math.inf).effective_n < 200


def test_a_selection_counts_its_requests_by_outcome(request_line, folded):
    fold = folded([request_line(0), request_line(1), request_line(2, outcome=Outcome.REJECTED)])
    selection = Selection(fold.by_tags)
    assert selection.by_outcome() == {"ok": 2, "rejected": 1}
    assert selection.where(lambda key: key.ok).count == 2
    assert selection.output_tokens == 20
