from relayload.core.results.cell import Cell
from relayload.core.results.presort import presort
from relayload.core.results.record import Outcome
from relayload.core.results.tables import summarize
from relayload.recording.processes import over


def _cells(fold) -> list[Cell]:
    return list(fold.cells.values())


def _lines(request_line):
    return [
        *(request_line(index, service_s=0.1 + index * 37 % 101 / 100) for index in range(300)),
        *(request_line(index, outcome=Outcome.TIMED_OUT, error="timeout") for index in range(300, 320)),
        *(request_line(index, ttfo_s=None, ttft_s=0.2, model="o4") for index in range(320, 400)),
    ]


def test_columns_sorted_elsewhere_are_those_sorted_here(request_line, folded):
    here, elsewhere = folded(_lines(request_line)), folded(_lines(request_line))
    presort(elsewhere, over(2))
    for cell, other in zip(_cells(here), _cells(elsewhere), strict=True):
        for metric in ("due", "latency", "service", "ttft", "ttfo", "tpot", "late"):
            assert cell.ordered(metric) == other.ordered(metric)
            assert cell.moments(metric) == other.moments(metric)


def test_a_summary_is_the_same_however_many_processes_made_it(request_line, folded, make_run):
    lines = _lines(request_line)
    assert summarize(folded(lines), make_run(), run_all=over(2)) == summarize(folded(lines), make_run())


def test_the_requests_above_a_threshold_are_found_in_the_tail_and_below_it(request_line, folded):
    (cell,) = _cells(folded(request_line(index, service_s=float(index * 7 % 20)) for index in range(20)))
    for threshold in (-1.0, 3.0, 14.0, 15.0, 18.5, 19.0):
        wanted = [float(index) for index in range(20) if index * 7 % 20 > threshold]
        assert cell.due_above("service", threshold) == wanted


def test_visible_content_later_than_the_first_token_is_sorted_on_its_own(request_line, folded):
    (cell,) = _cells(folded(request_line(index, ttft_s=0.1, ttfo_s=0.3 - index / 100) for index in range(5)))
    assert list(cell.ordered("ttfo")) == sorted(0.3 - index / 100 for index in range(5))
    assert list(cell.ordered("ttft")) == [0.1] * 5
