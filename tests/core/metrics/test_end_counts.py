from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.end_counts import EndCounts, Ended
from relayload.core.metrics.rows import grouped
from relayload.core.model.record import Attempt, Outcome
from relayload.core.model.run import StageInfo

_INSTANTS = st.one_of(
    st.floats(0, 20), st.integers(0, 20).map(float), st.sampled_from([0.0, 2.5, 2.5000000000000004, 7.25])
)


def counted(lines, cells: Cells, *, ok: bool = True) -> EndCounts:
    counts = EndCounts(cells)
    for _, rows in grouped(lines):
        counts.add(rows, ok=ok)
    return counts


def test_cells_are_seconds_cut_where_stages_and_the_load_end(make_run):
    stages = (StageInfo(name="a", for_s=2.5), StageInfo(name="b", for_s=1.5), StageInfo(name="trace", for_s=None))
    assert Cells.of(make_run(stages=stages, ended_at_s=7.25)).cuts == (2.5, 7.25)
    assert Cells.of(make_run(stages=stages, ended_at_s=None)).cuts == (2.5,)
    assert Cells.of(make_run(stages=stages, ended_at_s=7.25)).edges is None, "the last arrival ends a trace"
    assert Cells.of(make_run(stages=stages[:2], ended_at_s=4.0)).edges == (2.5, 4.0)


def test_cells_suit_a_run_whose_stages_end_with_some_of_them(make_run):
    run = make_run(stages=(StageInfo(name="a", for_s=2.5), StageInfo(name="b", for_s=1.5)), ended_at_s=4.0)
    assert Cells.of(run).suit(run)
    assert Cells((2.5,)).suit(run)
    assert not Cells().suit(run)
    assert not Cells((2.5,), (2.5,)).suit(run)
    assert not Cells.of(run).suit(structs.replace(run, ended_at_s=None))


@pytest.mark.parametrize(
    ("at_s", "number", "second"),
    [(0.0, 0, 0), (0.1, 1, 0), (1.0, 1, 0), (2.5, 3, 2), (2.6, 4, 2), (3.0, 4, 2), (7.25, 9, 7), (7.3, 10, 7)],
)
def test_a_cell_includes_its_end(at_s: float, number: int, second: int):
    cells = Cells((2.5, 7.25))
    assert (cells.number(at_s), cells.numbers([at_s]), cells.second(number)) == (number, [number], second)


@given(st.lists(_INSTANTS, max_size=30), st.lists(_INSTANTS, min_size=2, max_size=5), st.booleans())
def test_every_end_counts_in_exactly_one_of_consecutive_spans(request_line, ends_s, edges_s, known):
    edges_s = sorted({0.0, *edges_s, 20.0})
    cells = Cells(tuple(edge for edge in edges_s if edge % 1), tuple(edges_s) if known else None)
    counts = counted([request_line(0, intended_at_s=0.0, latency_s=end_s) for end_s in ends_s], cells)
    for begins_at_s, ends_at_s in pairwise(edges_s):
        inside = [end_s for end_s in ends_s if begins_at_s < end_s <= ends_at_s or begins_at_s == end_s == 0.0]
        assert counts.within([(begins_at_s, ends_at_s)]) == Ended(len(inside), 10 * len(inside))
    assert counts.within(list(pairwise(edges_s))).requests == len(ends_s)
    assert counts.by_second().total() == len(ends_s)


def test_the_tokens_of_all_attempts_count_when_the_request_ends(request_line):
    retried = (Attempt(outcome=Outcome.BROKEN_STREAM, output_tokens=4), Attempt(outcome=Outcome.RATE_LIMITED))
    lines = [
        request_line(0, service_s=5.0, retried=retried),
        request_line(1, service_s=1.0, output_tokens=None, streamed_tokens=None),
    ]
    counts = counted(lines, Cells())
    assert counts.within([(0.0, 3.0)]) == Ended(1, 0)
    assert counts.within([(3.0, 6.0)]) == Ended(1, 14)
    assert counted(lines, Cells(), ok=False).within([(0.0, 6.0)]) == Ended(2, 0)


def test_counts_merge_in_any_order(request_line):
    lines = [request_line(index, service_s=0.3 * index) for index in range(9)]
    parts = [counted(lines[first::3], Cells()) for first in range(3)]
    whole = EndCounts()
    for part in reversed(parts):
        whole.merge(part)
    spans = [(2.0, 4.0), (5.0, 9.0)]
    assert whole.within(spans) == counted(lines, Cells()).within(spans)
