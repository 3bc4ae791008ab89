"""The page of several runs, with made-up ones."""

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


def test_no_set_makes_a_page_of_2_mb(judged, request_line):
    summary, verdict = judged(["latency.p50 < 1s"], [request_line(index) for index in range(60)])
    lines = [run_line(f"set/{'<' * 200}{number}", summary, verdict, None) for number in range(3000)]
    html = render_repeats_page(RepeatsPage(repeats(lines, 0)))
    assert "the first 2,900 are not shown" in html
    assert len(html) < 2_000_000
