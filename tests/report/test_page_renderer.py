"""What the renderer makes of what it is told, without a process of its own."""

import gzip
from typing import Any

import msgspec
import pytest

from relayload.core.model.progress import Progress
from relayload.core.model.record import Outcome
from relayload.core.model.run import HandChange
from relayload.core.objectives.charts import charts_of
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.snapshots import SnapshotMaker
from relayload.core.objectives.verdict import assess
from relayload.core.resilience.guard import Caps
from relayload.report.html.page import RunPage, render_page
from relayload.report.page_renderer.messages import (
    Began,
    Ended,
    Failed,
    Look,
    Rendered,
    Told,
    encoded,
    message_of,
)
from relayload.report.page_renderer.renderer import Renderer

HOSTILE = "<script>alert(1)</script>\"'\x1b[31m\u202eevil"
OBJECTIVES = ["latency.p50 < 1s", "latency.p99 < 1s", "errors.rate < 5%"]


def sent(message: Any) -> Any:
    """A message as it arrives."""
    return message_of(encoded(message))


def progress(at_s: float = 50.0, **changes: Any) -> Progress:
    plain: dict[str, Any] = {"stage": "steady", "elapsed_s": at_s, "total_s": 100.0, "offered": 60, "started": 60}
    return Progress(**(plain | {"dropped": 0, "in_flight": 10, "ok": 50, "failed": 0, "workers": 1} | changes))


def look(**changes: Any) -> Look:
    plain: dict[str, Any] = {"name": "trial", "target": "fake://o-series", "progress": progress()}
    return sent(Look(**(plain | changes)))


def snapshot(run, lines, objectives=OBJECTIVES) -> Told:
    maker = SnapshotMaker(0, [parse(text) for text in objectives], run)
    maker.add(lines)
    return sent(Told(msgspec.Raw(msgspec.msgpack.encode(maker.snapshot(50.0)))))


def page_of(renderer: Renderer, asked: Look) -> str:
    answer = renderer.take(asked)
    assert isinstance(answer, Rendered), answer
    assert gzip.decompress(answer.sections).decode() in _without_assets(gzip.decompress(answer.whole).decode())
    return gzip.decompress(answer.sections).decode()


def _without_assets(whole: str) -> str:
    head, _, rest = whole.partition("<style>")
    _, _, rest = rest.partition("</style>")
    body, _, rest = rest.rpartition("<script>")
    return head + rest_after(body, rest)


def rest_after(body: str, rest: str) -> str:
    return body + rest.partition("</script>")[2]


@pytest.fixture
def run(make_run):
    return make_run(ended_at_s=None, ended_by=None, objectives=tuple(OBJECTIVES))


@pytest.fixture
def begun(run) -> Renderer:
    renderer = Renderer()
    renderer.take(sent(Began(run, "guardrails: {max_usd: $5}\n", Caps(requests=500))))
    return renderer


def test_before_a_run_the_page_says_how_to_start_one():
    page = page_of(Renderer(), look(progress=None, notices=("mind the gap",)))
    assert "How to start a run" in page
    assert "mind the gap" in page
    assert '<script id="bins"' not in page.partition("<main")[0]


def test_a_run_that_goes_on_says_of_each_objective_where_it_stands(begun: Renderer, run, request_line):
    begun.take(snapshot(run, [request_line(index) for index in range(50)]))
    page = page_of(begun, look())
    for told in (
        "running · undecided so far",
        "undecided (needs 50 more)",
        "pass so far",
        "known once the run has ended",
    ):
        assert told in page
    for told in ("60 of at most 500", "stage steady · 50.0s of 1m40s", "≈ p99"):
        assert told in page
    assert page.count("<figure") > 5


def test_what_is_broken_is_told(begun: Renderer, run, request_line):
    failed = {"outcome": Outcome.SERVER_ERROR, "error": "http_500", "status": 500}
    begun.take(snapshot(run, [request_line(index, **(failed if index % 5 else {})) for index in range(50)]))
    page = page_of(begun, look())
    assert "running · broken so far" in page
    assert "3 broken so far" in page


@pytest.mark.parametrize(
    ("objectives", "lines", "banner"),
    [
        ((), 50, "running · INCONCLUSIVE at best"),
        (("latency.p50 < 1s",), 50, "running · INCONCLUSIVE at best"),
        (("latency.p99 < 1s",), 5, "running · INCONCLUSIVE at best"),
        (("latency.p50 < 1ms",), 50, "running · broken so far"),
    ],
    ids=["without objectives", "passing", "undecided", "broken"],
)
def test_a_load_that_was_changed_by_hand_does_not_pass(make_run, request_line, objectives, lines, banner):
    changed = (HandChange(at_s=40.0, rate_factor=1.5), HandChange(at_s=45.0, users=1200))
    run, renderer = make_run(ended_at_s=None, ended_by=None, objectives=objectives), Renderer()
    renderer.take(sent(Began(run)))
    renderer.take(snapshot(run, [request_line(index) for index in range(lines)], objectives))
    page = page_of(renderer, look(progress=progress(changes=changed)))
    assert banner in page
    told = "rate changed by hand at 40.0s: x1.5; users changed by hand at 45.0s: 1,200"
    assert f"<li>INCONCLUSIVE at best because {told}</li>" in page
    assert "would be INVALID" not in page


def test_a_change_by_hand_is_marked_on_the_charts(begun: Renderer, run, request_line):
    begun.take(snapshot(run, [request_line(index) for index in range(50)]))
    assert ">x1.5<" in page_of(begun, look(progress=progress(changes=(HandChange(at_s=20.0, rate_factor=1.5),))))


def test_what_would_make_it_invalid_is_told(begun: Renderer, run, request_line):
    begun.take(snapshot(run, [request_line(index, 0.3, late_s=0.5) for index in range(50)]))
    page = page_of(begun, look())
    assert "running · would be INVALID" in page
    assert "would be INVALID because the generator was the bottleneck" in page


def test_a_run_of_which_nothing_has_ended_has_a_page(begun: Renderer):
    assert "running · undecided so far" in page_of(begun, look(progress=progress(0.0, offered=0, started=0)))


def test_a_run_of_long_requests_that_are_all_in_flight_has_a_page(begun: Renderer, run):
    maker = SnapshotMaker(0, [parse(text) for text in OBJECTIVES], run)
    for due_at_s in (0.5, 3.5):
        maker.begin(due_at_s)
    begun.take(sent(Told(msgspec.Raw(msgspec.msgpack.encode(maker.snapshot(4.0))))))
    assert "running · undecided so far" in page_of(begun, look(progress=progress(4.0)))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"requests": 200, "total_s": None, "started": 60}, "50 of 200 requests, 50.0s"),
        ({"total_s": None}, "stage steady, 50.0s over"),
        ({"total_s": 50.0}, "stage steady · 50.0s of 50.0s"),
    ],
)
def test_how_far_it_is_depends_on_the_load(begun: Renderer, changes: dict[str, Any], told: str):
    assert told in page_of(begun, look(progress=progress(**changes)))


def test_after_the_end_it_is_the_report_to_the_digit(begun: Renderer, run, request_line, folded, end_line):
    ended = msgspec.structs.replace(run, ended_at_s=100.0, ended_by="schedule")
    read = [parse(text) for text in OBJECTIVES]
    fold = folded([*(request_line(index) for index in range(100)), end_line(0, started=100)], read, ended)
    summary, verdict = assess(read, fold, ended)
    charts = charts_of(read, fold, ended, summary)
    begun.take(sent(Ended(ended, summary, verdict, charts)))
    page = page_of(begun, look(progress=None, files=("report.html", "summary.json")))
    report = render_page(RunPage(summary, verdict, ended, charts, "guardrails: {max_usd: $5}\n"))
    assert main_of(page) == main_of(report)
    assert f"</span> {verdict.verdict.value}</p>" in page
    assert '<a href="relay/report.html">report.html</a>' in page


def main_of(page: str) -> str:
    return page.partition('<main id="run">')[2].partition("</main>")[0]


def test_another_run_takes_the_place_of_the_first(begun: Renderer, make_run, run, request_line):
    begun.take(snapshot(run, [request_line(0, scenario="first")]))
    begun.take(sent(Began(make_run(run_id="run-2", ended_at_s=None, ended_by=None))))
    page = page_of(begun, look())
    assert "run-2" in page
    assert "first" not in page


def test_whatever_others_say_stays_text(begun: Renderer, run, request_line):
    said = {"outcome": Outcome.SERVER_ERROR, "error": HOSTILE, "status": 500, "relay_message": HOSTILE}
    lines = [request_line(index, scenario=HOSTILE, model=HOSTILE, stage=HOSTILE, **said) for index in range(20)]
    begun.take(snapshot(run, lines))
    page = page_of(begun, look(name=HOSTILE, target=HOSTILE, notices=(HOSTILE,), progress=progress(stage=HOSTILE)))
    assert "&lt;script&gt;alert" in page
    for wrong in ("<script>alert", "\x1b", "\u202e"):
        assert wrong not in page


def test_what_can_not_be_read_is_told_to_whoever_looks(begun: Renderer):
    begun.take(Told(msgspec.Raw(b"\xc1")))
    answer = begun.take(look())
    assert isinstance(answer, Failed)
    assert "MsgPack" in answer.reason or "malformed" in answer.reason
