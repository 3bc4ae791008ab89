"""The page of several runs, with made-up ones."""

import re

from msgspec import structs
from page_reader import PageReader

from relayload.core.comparison.repeats import repeats, run_line
from relayload.core.model.verdict import Status
from relayload.report.html.repeats_page import RepeatsPage, render_repeats_page

HOSTILE = "<script>alert(1)</script>'\"&\x1b[31m\u202ebidi"


def test_names_and_reasons_are_text_and_what_is_missing_is_said(judged):
    summary, verdict = judged([], [])
    invalid = structs.replace(verdict, verdict=Status.INVALID, reasons=(HOSTILE,))
    html = render_repeats_page(
        RepeatsPage(repeats([run_line(f"set/{HOSTILE}", summary, invalid, HOSTILE)], 4), {}, [HOSTILE])
    )
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert(1)") >= 3
    text = PageReader(html).text
    assert "no run can be compared with others" in text
    assert "latency p50: no run measured it" in text


def test_each_objective_is_drawn_and_told_of_each_run(judged, request_line):
    asked = ["latency.p50 < 520ms", "errors.rate < 1%"]
    made = [
        judged(asked, [request_line(index, service_s=0.5 + number / 100) for index in range(200)])
        for number in range(4)
    ]
    lines = [
        structs.replace(
            run_line(f"set/run-{number}", summary, verdict, None), started_at=f"2026-01-0{number + 2}T03:04:05Z"
        )
        for number, (summary, verdict) in enumerate(made)
    ]
    read = PageReader(render_repeats_page(RepeatsPage(repeats(lines, 3), {"set/run-1": "run-1/report.html"})))
    assert re.search(r"latency.p50 < 520ms 2 of 4 501ms 531ms 501ms 531ms [✓○]{2}✗✗", read.text)
    assert re.search(r"run-2 2026-01-04 03:04 ✗ 521ms \(521ms–521ms\) [✓○] 0% \(0%–", read.text)
    assert "run-1, 2026-01-03 03:04, PASS: observed 511ms, interval 511ms–511ms, k of n ≈ eff. 0 of 200" in read.text
    assert read.text.count("limit 520ms") == 1
    assert [attributes["href"] for tag, attributes in read.elements if tag == "a"] == ["run-1/report.html"] * 2


def test_an_objective_that_some_runs_lack_has_no_mark_there(judged, request_line):
    requests = [request_line(index) for index in range(60)]
    pairs = [judged([], requests), judged(["latency.p50 < 1s"], requests), judged(["latency.p50 < 1s"], [])]
    lines = [run_line(f"set/run-{number}", summary, verdict, None) for number, (summary, verdict) in enumerate(pairs)]
    text = PageReader(render_repeats_page(RepeatsPage(repeats(lines, 4)))).text
    assert re.search(r"latency.p50 < 1s 1 of 2 501ms – 501ms 501ms ·[✓○]✗", text)


def test_no_set_makes_a_page_of_2_mb(judged, request_line):
    summary, verdict = judged(["latency.p50 < 1s"], [request_line(index) for index in range(60)])
    lines = [run_line(f"set/{'<' * 200}{number}", summary, verdict, None) for number in range(3000)]
    html = render_repeats_page(RepeatsPage(repeats(lines, 0)))
    assert "the first 2,900 are not shown" in html
    assert len(html) < 2_000_000
