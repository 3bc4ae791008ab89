from typing import Any

import pytest
from msgspec import structs

from relayload.core.comparison.repeats import RunLine, repeats, run_line
from relayload.report.repeats import render_repeats
from relayload.report.screen import WIDTH, Screen


@pytest.fixture
def lines(judged, some_lines) -> list[RunLine]:
    """Three runs that are alike but for their slowest requests; the last was killed."""
    ended: list[dict[str, Any]] = [{}, {}, {"ended_by": None}]
    made = [
        run_line(f"before/run-{number}", summary, verdict, None)
        for number, (summary, verdict) in enumerate(
            (judged(["latency.p50 < 1s"], some_lines, **facts) for facts in ended), start=1
        )
    ]
    return [
        made[0],
        structs.replace(made[1], latency_p99_s=2.0, errors=12_345),
        structs.replace(made[2], latency_p99_s=9.0, unfit="INVALID: the run was killed, or could not record its end"),
    ]


def test_each_run_has_a_row_and_their_median_and_ends_come_last(lines):
    text = render_repeats(repeats(lines, 4))
    rows = [line.split() for line in text.splitlines()]
    assert rows[0] == ["3", "runs", "in", "before"]
    assert rows[2] == ["run-1", "PASS", "100ms", "100ms", "400ms", "695ms", "0.99/s", "6"]
    assert [row[:2] for row in rows[3:5]] == [["run-2", "PASS"], ["run-3", "INVALID"]]
    assert [row[0] for row in rows[5:8]] == ["median", "min", "max"]
    assert rows[5][4:] == ["1.35s", "0.99/s", "6,175.5"]
    assert rows[6][4:] == ["695ms", "0.99/s", "6"]
    assert "left out of median, min and max: run-3: INVALID: the run was killed" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= WIDTH


def test_what_was_not_measured_is_a_dash(lines):
    nothing = structs.replace(lines[0], ttft_p50_s=None, ttft_p99_s=None, ok_per_s=None)
    row = render_repeats(repeats([nothing], 4)).splitlines()[2].split()
    assert (row[2:4], row[6]) == (["–", "–"], "–")


def test_of_no_runs_there_is_nothing_to_tell():
    assert render_repeats(repeats([], 1)) == ""


@pytest.mark.parametrize("width", range(40, 81, 4))
def test_at_any_width_names_and_verdicts_are_whole_and_so_are_numbers(lines, width: int):
    text = render_repeats(repeats(lines, 4), Screen(width))
    rows = [line.split() for line in text.splitlines()]
    assert [row[:2] for row in rows[2:5]] == [["run-1", "PASS"], ["run-2", "PASS"], ["run-3", "INVALID"]]
    assert "100ms" in rows[2]
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
