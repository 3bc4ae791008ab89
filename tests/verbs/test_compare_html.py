"""`relayload compare --html`: the page of a comparison."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from page_reader import PageReader

from relayload.cli import main
from relayload.core.comparison.compare import LeftOut, Side, compare
from relayload.core.comparison.measures import Measure
from relayload.recording import Recording
from relayload.report.html.comparison_page import ComparedRun, ComparisonPage, render_comparison_page

HOSTILE = "<script>alert(1)</script>'\"&\x1b[31m\u202ebidi"


@pytest.fixture
def make_set(make_recording, request_line, end_line):
    """Writes a directory of six runs, each with a latency of its own."""

    def make(name: str, service_s: float, kept: str, **changes) -> list[Recording]:
        made = []
        for number in range(1, 7):
            lines = [request_line(index, service_s=service_s * (1 + number / 100)) for index in range(60)]
            begins = {"started_at": f"2026-01-02T03:{number:02}:{sum(map(ord, name)) % 60:02}Z"}
            recording = make_recording([*lines, end_line(0, started=60)], f"{name}/run-{number}", **begins, **changes)
            (recording.directory / "profile.yaml").write_text(kept, encoding="utf-8")
            made.append(recording)
        return made

    return make


@pytest.fixture
def sets(make_set, tmp_path: Path) -> Path:
    """Runs before and after; one of the latter can't be believed, and one has a page."""
    make_set("base", 0.5, "name: chat\nprompt: same\nrate: 5/s\n")
    new = make_set("new", 0.8, f"name: chat\nprompt: same\nrate: 6/s\nnote: {HOSTILE}\n")
    (new[0].directory / "report.html").touch()
    (new[5].directory / "run.json").write_text(
        re.sub(r'"ended_by":\s*"[^"]*"', '"ended_by":"sigint"', (new[5].directory / "run.json").read_text())
    )
    return tmp_path


def _compare(sets: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments, "--html", str(sets / "pages" / "page.html")])


def _page(sets: Path) -> PageReader:
    return PageReader((sets / "pages" / "page.html").read_text(encoding="utf-8"))


def test_the_verdict_comes_first_and_every_number_of_the_table_is_there(sets: Path):
    result = _compare(sets, str(sets / "base"), str(sets / "new"))
    assert result.exit_code in (3, 4), result.output
    read = _page(sets)
    verdict = result.stdout.split("\n\n")[1].split()[0]
    assert re.search(rf"Comparison . {verdict} \d", read.text)
    assert f"exit code {result.exit_code}" in read.text
    numbers = re.findall(r"[+-]?\$?\d[\d,.]*(?:ms|s|%|/s|pp)?", result.stdout.split("\n\n")[0])
    assert len(numbers) > 30
    assert not [found for found in numbers if not re.search(rf"(?<![\d.]){re.escape(found)}(?!\d)", read.text)]


def test_each_run_is_a_dot_in_each_measure_and_a_row_with_a_link_to_its_page(sets: Path):
    result = _compare(sets, str(sets / "base"), str(sets / "new"), "--measure", "latency.p95")
    read = _page(sets)
    kinds = [attributes.get("class") for _, attributes in read.elements]
    left_out = result.stdout.count("left out of new")
    assert (kinds.count("run base"), kinds.count("run new")) == (6, 6 - left_out)
    assert left_out == 1
    assert "new/run-6" in read.text
    links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
    assert links == ["../new/run-1/report.html"]


def test_how_the_profiles_differ_is_told_as_text(sets: Path):
    _compare(sets, str(sets / "base"), str(sets / "new"))
    html = (sets / "pages" / "page.html").read_text(encoding="utf-8")
    assert "-rate: 5/s\n+rate: 6/s\n" in html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", html)
    assert not PageReader(html).open


def test_runs_without_profiles_are_compared_all_the_same(sets: Path):
    (sets / "base" / "run-1" / "profile.yaml").unlink()
    _compare(sets, str(sets / "base"), str(sets / "new"))
    assert "they are not beside the records of both sides" in _page(sets).text


def test_without_a_run_to_compare_the_page_says_why(sets: Path):
    result = _compare(sets, str(sets / "base"), str(sets / "new" / "run-6"))
    assert result.exit_code == 4
    read = _page(sets)
    assert "! INVALID" in read.text
    assert "no new run is left to compare" in read.text
    assert "nothing was compared" in read.text


def test_names_of_measures_and_runs_are_text():
    runs = [
        ComparedRun(side, HOSTILE, {HOSTILE: Measure(HOSTILE, "s", 0.5 + number)})
        for side in Side
        for number in range(6)
    ]
    left_out = [LeftOut(side=Side.NEW, run=HOSTILE, why=HOSTILE)]
    base, new = ([run.measures for run in runs if run.side is side] for side in Side)
    html = render_comparison_page(ComparisonPage(compare(base, new, 0.1, [HOSTILE], left_out), runs))
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert(1)") > 20
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", html)
