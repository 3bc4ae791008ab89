from html import unescape
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from msgspec import structs

from relayload.core.errors import Fault
from relayload.core.metrics.summary import ErrorCount
from relayload.core.model.run import StageInfo
from relayload.report.markdown import escape, render_markdown, render_markdown_not_run
from relayload.report.not_run import NotRun
from relayload.report.text import COUNTED_LEGEND, OBSERVED_LEGEND

PARSER = MarkdownIt("commonmark").enable("table")
OBJECTIVES = ["latency{scenario=a|b}.p50 < 1s", "errors.rate < 0.1%", "latency{outcome=ok}.p99.9 < 1s"]


class _Page(HTMLParser):
    """The cells of every table, and the elements used."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._in_cell = False
        self.feed(PARSER.render(text))

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._in_cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self._in_cell:
            self.rows[-1][-1] += data


def test_the_verdict_comes_first_and_every_objective_is_a_row(judged, some_lines):
    summary, verdict = judged(OBJECTIVES, some_lines)
    text = render_markdown(summary, verdict)
    assert text.startswith("### ❌ FAIL: trial\n")
    rows = _Page(text).rows
    assert rows[0] == ["", "objective", "observed", "95% interval", "k of n ≈ eff."]
    assert rows[1][:2] == ["❌", "latency{scenario=a|b}.p50 < 1s"]
    assert rows[2] == ["❌", "errors.rate < 0.1%", "1%", rows[2][3], "6 of 600"]
    assert rows[3][:2] == ["❔", "latency{outcome=ok}.p99.9 < 1s"]
    assert ["all", "latency", "594", "400ms", "640ms", "671ms", "695ms", "700ms"] in rows
    assert ["rate_limited", "http_429", "6", ""] in rows


def test_numbers_stand_to_the_right_and_what_the_relay_said_to_the_left(judged, some_lines):
    lines = render_markdown(*judged(OBJECTIVES, some_lines)).splitlines()
    assert lines[lines.index("| errors |  | count | as the relay put it first |") + 1] == "| --- | --- | --: | --- |"
    (measured,) = [number for number, line in enumerate(lines) if line.startswith("| measured, ok |")]
    assert lines[measured + 1] == "| --- | --- | --: | --: | --: | --: | --: | --: |"


def test_a_run_that_can_not_be_believed_says_why(judged, some_lines):
    text = render_markdown(*judged(OBJECTIVES, some_lines, ended_by=None))
    assert text.startswith(
        "### 🚫 INVALID: trial\n\n"
        "- errors.rate \\< 0.1% failed all the same\n- the run was killed, or could not record its end\n"
    )


def test_a_run_without_data_is_told(judged):
    text = render_markdown(*judged([], []))
    assert "no request of a measured stage was sent" in text
    assert _Page(text).rows == []


@pytest.mark.parametrize(
    "nasty", ["a|b", "<script>", "**b**", "`x`", "[a](b)", "a\nb", "~~s~~", "# h", "&amp;", "a\\|b"]
)
def test_names_stand_for_themselves(nasty: str, judged, some_lines):
    summary, verdict = judged([], some_lines)
    error = ErrorCount(outcome="rejected", error=nasty, status=400, count=3, relay_message=nasty)
    page = _Page(render_markdown(structs.replace(summary, errors=(error,)), verdict))
    shown = " ".join(nasty.split())
    assert ["rejected", shown, "3", shown] in page.rows
    assert page.tags <= {"h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    assert unescape(PARSER.renderInline(escape(nasty))) == " ".join(nasty.split())


def test_a_page_never_grows_beyond_what_is_shown_and_keeps_the_verdict(judged, some_lines):
    summary, verdict = judged(OBJECTIVES, some_lines)
    errors = tuple(ErrorCount(outcome="rejected", error="ü" * 2000, status=400, count=index) for index in range(500))
    text = render_markdown(structs.replace(summary, errors=errors), verdict)
    assert 890_000 < len(text.encode()) <= 900_000
    assert text.startswith("### ❌ FAIL")
    assert text.endswith("_More was left out here, so that this page is not dropped whole._\n")
    assert "left out" not in render_markdown(summary, verdict)


def test_a_run_without_objectives_says_that_nothing_was_judged(judged, some_lines):
    text = render_markdown(*judged([], some_lines))
    assert text.startswith("### ⚪ NOT JUDGED: trial\n\n- the profile has no objectives\n")


def test_the_numbers_behind_a_verdict_are_explained(judged, some_lines):
    text = render_markdown(*judged(["errors.rate < 1.2%"], some_lines))
    assert f"- {escape(COUNTED_LEGEND)}\n- {escape(OBSERVED_LEGEND)}\n" in text
    assert _Page(text).rows[1][:3] == ["☑️ observed", "errors.rate < 1.2%", "1%"]
    assert escape(OBSERVED_LEGEND) not in render_markdown(*judged(OBJECTIVES, some_lines))


def test_a_pass_is_marked_by_how_sure_it_is(judged, some_lines, warning):
    facts = ["requests.count >= 600", "latency{outcome=ok}.max < 1s"]
    texts = ["latency.p50 < 1s", "errors.rate < 1.2%", *facts, "errors.rate < 0.1%", "latency.p99.9 < 1s", warning]
    rows = _Page(render_markdown(*judged(texts, some_lines))).rows[1:8]
    assert [row[0] for row in rows] == ["✅ proven", "☑️ observed", "✅", "✅", "❌", "❌", "⚠️"]


def test_values_that_are_too_correlated_say_so(judged, request_line):
    lines = [request_line(index, service_s=2.0 if 300 <= index < 400 else 0.1) for index in range(1000)]
    (row,) = _Page(render_markdown(*judged(["latency.p95 < 3s"], lines))).rows[1:2]
    assert row[3] == "too correlated to tell"


def test_each_stage_is_a_row_where_there_are_several(judged, request_line):
    stages = (StageInfo(name="warm|up", for_s=10.0, warmup=True), StageInfo(name="steady", for_s=90.0))
    lines = [request_line(index, stage="warm|up", measured=False) for index in range(10)]
    lines += [request_line(index) for index in range(10, 100)]
    rows = _Page(render_markdown(*judged([], lines, stages=stages))).rows
    assert ["stage", "for", "started", "failed", "ok/s", "TTFT p50", "TTFT p99", "latency p99"] in rows
    assert ["warm|up (not measured)", "10.0s", "10", "0", "1/s", "100ms", "100ms", "501ms"] in rows


def test_a_run_without_a_verdict_says_why():
    faults = (Fault("is *required*", "load.rate", "relay.yaml", 12, 9), Fault("nothing listens"))
    assert render_markdown_not_run(NotRun("re_lay", 2, faults)) == (
        "### 🛑 BAD INPUT: re\\_lay\n\n- relay.yaml:12:9: load.rate: is \\*required\\*\n- nothing listens\n\n"
        "exit code 2: nothing was judged\n\n"
    )
