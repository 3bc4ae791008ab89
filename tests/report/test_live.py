from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from relayload.core.model.progress import Progress
from relayload.core.model.run import HandChange
from relayload.report.live import LiveDisplay
from relayload.report.live_screen import totals

SOME: dict[str, Any] = {
    "stage": "batch",
    "elapsed_s": 12.0,
    "total_s": None,
    "offered": 40,
    "started": 40,
    "dropped": 0,
    "in_flight": 10,
    "ok": 28,
    "failed": 2,
    "workers": 1,
}


def test_a_batch_tells_how_many_of_all_are_where():
    assert totals(Progress(**SOME, requests=100)) == "30 of 100 · queued 60 · running 10 · done 28 · failed 2"


def test_other_loads_tell_what_was_offered():
    assert totals(Progress(**SOME)) == "offered 40 · in flight 10 · ok 28 · failed 2"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def shown(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("file", "environ"),
    [(StringIO, {}), (StringIO, {"FORCE_COLOR": "1"}), (Terminal, {"TERM": "dumb"})],
    ids=["a file", "a log with colours", "a terminal that can't draw"],
)
def test_where_nothing_is_drawn_a_plain_line_comes_every_few_seconds(file, environ):
    console = Console(file=file(), width=200, color_system=None, highlight=False, _environ=environ)
    display = LiveDisplay("night", console)
    with display:
        for elapsed_s in (0.0, 4.0, 5.0, 6.0):
            display.show(Progress(**SOME | {"elapsed_s": elapsed_s}, requests=100))
    queue = "30 of 100 · queued 60 · running 10 · done 28 · failed 2"
    assert shown(console) == f"night: 0s · {queue}\nnight: 5s · {queue}\n"


def test_a_plain_line_says_what_a_change_by_hand_costs():
    console = Console(file=StringIO(), width=200, color_system=None, highlight=False)
    with LiveDisplay("night", console) as display:
        display.show(Progress(**SOME, changes=(HandChange(at_s=11.0, rate_factor=1.5),)))
    assert shown(console) == "night: 12s · offered 40 · in flight 10 · ok 28 · failed 2 · INCONCLUSIVE at best\n"


def test_a_terminal_gets_a_picture():
    console = Console(file=Terminal(), width=200, _environ={"TERM": "xterm"})
    with LiveDisplay("night", console) as display:
        display.show(Progress(**SOME, requests=100))
    assert "30 of 100" in shown(console)


@pytest.mark.parametrize("width", [40, 60, 100])
def test_a_picture_breaks_its_lines_between_numbers_alone(width: int):
    console = Console(file=Terminal(), width=width, _environ={"TERM": "xterm"})
    numbers = {"ttft_p50_s": 0.515, "ttft_p99_s": 2.65, "latency_p50_s": 0.547, "latency_p99_s": 2.07}
    with LiveDisplay("short", console) as display:
        display.show(Progress(**{**SOME, "total_s": 60.0, **numbers}))
    told = shown(console)
    for whole in (
        "TTFT ≈ p50 515ms p99 2.65s",
        "latency ≈ p50 547ms p99 2.07s",
        "12s/1m",
        "offered 40",
        "in flight 10",
    ):
        assert whole in told


def test_once_the_load_is_over_the_results_are_added_up():
    console = Console(file=Terminal(), width=80, _environ={"TERM": "xterm"})
    with LiveDisplay("short", console) as display:
        display.show(None)
        display.show(Progress(**SOME))
        display.show(None)
    told = shown(console)
    assert told.count("short: starting") == 1
    assert "short: adding up" in told
