"""The screen of a run in progress: what it tells, in which order, and in how much room."""

from typing import Any

import pytest
from live_progress import DETAILS, objective_so_far, progress
from rich.cells import cell_len

from relayload.core.model.progress import BreakerSoFar, Details, StageSoFar, Standing
from relayload.core.model.run import HandChange
from relayload.report.live_rates import RatesLately, TotalsLately
from relayload.report.live_screen import fitted, objective_tally, screen_lines

_EVIL = "o3\x1b[31m\u202egnp\r\n::error::x"
_RATES = RatesLately(40.0, 39.5, 38.0)


def _lines(width: int = 200, name: str = "night", **changes: Any) -> list[str]:
    return [line.plain.rstrip() for line in screen_lines(name, progress(**changes), _RATES, width)]


def test_everything_that_is_known_is_told_what_matters_most_first():
    head, bar, *lines = _lines()
    assert head.startswith("night ")
    assert head.endswith(" 12s/1m3s")
    assert set(bar) == {"━", "╌", "│"}
    assert lines == [
        "stage 2 of 3: steady, 48s left · then cool (not measured)",
        "offered 1500 · in flight 17 · ok 371 · failed 12 · dropped 3",
        "lately offered 40.0/s · started 39.5/s · ended 38.0/s",
        "TTFT ≈ p50 515ms p99 – · latency ≈ p50 – p99 –",
        "would be INVALID because the load was not delivered: 3 of 40 arrivals were dropped; raise load.max_in_flight",
        "✗ broken so far  latency.p99 < 1s  ∞ (n 80) (warns only)",
        "failed: 8 rate_limited (http_429) · 4 timed_out",
        "breaker o3: open at 1, closed at 1",
        "breaker o4: half-open",
        "spent $1.25 of $5.00 (25%) · sent 400 of 1,000 (40%)",
        "? undecided, needs 20 more  ttft.p99 < 1s  ≈ 900ms (n 80)",
        "✓ pass so far  ttft.p50 < 1s  ≈ 500ms (n 100)",
    ]


def test_a_load_that_was_changed_by_hand_is_inconclusive_at_best():
    lines = _lines(changes=(HandChange(at_s=11.0, rate_factor=1.5),), width=60)
    found = lines.index("INCONCLUSIVE at best because rate changed by hand at 11.0s:")
    assert lines[found + 1] == "  x1.5"
    assert lines[found + 2].startswith("✗ broken so far")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (HandChange(at_s=31.1, rate_factor=1.5), "rate changes by hand from 31.1s on: x1.5"),
        (HandChange(at_s=29.8, rate_factor=1.5), "rate changed by hand at 29.8s: x1.5"),
        (HandChange(at_s=31.1, users=3), "users changed by hand at 31.1s: 3"),
    ],
    ids=["to come", "in force", "users change at once"],
)
def test_a_change_that_is_still_to_come_is_told_so(change: HandChange, told: str):
    assert f"INCONCLUSIVE at best because {told}" in _lines(changes=(change,), elapsed_s=29.8, width=100)


def test_what_is_not_there_takes_no_line():
    quiet = _lines(details=None, failed=0, dropped=0, stages=(), total_s=None)
    assert quiet[2:] == [
        "stage steady",
        "offered 1500 · in flight 17 · ok 371",
        "lately offered 40.0/s · started 39.5/s · ended 38.0/s",
        "TTFT ≈ p50 515ms p99 – · latency ≈ p50 – p99 –",
    ]


def test_the_bar_is_divided_where_stages_end_and_filled_up_to_now():
    bar = _lines(width=63)[1]
    assert (bar[3], bar[60]) == ("│", "│")
    assert bar.replace("│", "").count("━") == 11
    assert len(bar) == 63


def test_a_batch_fills_its_bar_by_requests():
    bar = _lines(width=100, requests=766, total_s=None, stages=())[1]
    assert bar.count("━") == 50, "383 of 766 have ended"


def test_a_stage_without_an_end_has_no_time_left():
    assert "stage 1 of 1: batch" in _lines(stages=(StageSoFar(name="batch", ends_at_s=None),))


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int):
    for line in screen_lines("a long name of a profile, run 2 of 3", progress(), _RATES, width):
        assert cell_len(line.plain) <= width


@pytest.mark.parametrize(("height", "shown"), [(40, 14), (14, 14), (13, 13), (5, 5), (1, 1)])
def test_a_low_terminal_gets_the_first_lines_and_how_many_are_left(height: int, shown: int):
    lines = screen_lines("night", progress(), _RATES, 200)
    found = fitted(lines, height)
    assert len(found) == shown
    if shown < len(lines):
        assert found[-1].plain == f"… {len(lines) - height + 1} more lines"


def test_foreign_text_stays_text():
    details = Details(
        failures={_EVIL: 1},
        breakers=(BreakerSoFar(scope=_EVIL, states={"open": 1}),),
        objectives=(objective_so_far(_EVIL, Standing.BROKEN),),
        would_be_invalid=(_EVIL,),
    )
    stages = (StageSoFar(name=_EVIL, ends_at_s=60.0),)
    for line in _lines(name=_EVIL, stage=_EVIL, details=details, stages=stages):
        assert line.isprintable(), line
        assert not line.startswith("::")


def test_nothing_is_told_by_colour_alone():
    """Whatever has a colour also has a word or a mark."""
    words = ("broken so far", "undecided", "pass so far", "failed", "breaker", "would be INVALID", "━")
    for line in screen_lines("night", progress(), _RATES, 200):
        if str(line.style) not in ("", "default", "bold"):
            assert any(word in line.plain for word in words), line


def test_the_tally_names_what_is_broken():
    assert objective_tally(DETAILS) == "objectives: 1 broken so far (latency.p99 < 1s), 1 undecided, 1 pass so far"
    assert objective_tally(Details()) == ""


def test_rates_are_those_of_the_last_seconds():
    lately = TotalsLately()
    assert lately.rates(progress(elapsed_s=0.0, offered=0, started=0, in_flight=0)) == RatesLately()
    assert lately.rates(progress(elapsed_s=2.0, offered=20, started=10, in_flight=6)) == RatesLately(10.0, 5.0, 2.0)
    for second in range(3, 30):
        told = lately.rates(progress(elapsed_s=float(second), offered=100 * second, started=second, in_flight=0))
    assert told == RatesLately(100.0, 1.0, 1.0)
    assert lately.rates(progress(elapsed_s=29.0, offered=2900, started=29, in_flight=0)) == told, "nothing is new"
    assert lately.rates(progress(elapsed_s=0.5, offered=9, started=9, in_flight=0)) == RatesLately(), "another run"
