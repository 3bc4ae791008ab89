"""`relayload report DIR --html FILE`: the page of any recording."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relayload.cli import main
from relayload.core.objectives.formatting import quantity
from relayload.recording import Recording
from relayload.recording.run_page import NAME, write_page

RUN = {"objectives": ("latency.p50 < 1ms", "errors.rate < 2%")}


@pytest.fixture
def recording(make_recording, steady_lines) -> Recording:
    return make_recording(steady_lines, **RUN)


def _report(recording: Recording, file: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["report", str(recording.directory), "--html", str(file), *options])


def test_the_page_is_written_beside_the_tables(recording: Recording, tmp_path: Path):
    page = tmp_path / "new" / "page.html"
    result = _report(recording, page)
    assert result.exit_code == 0, result.output
    assert "FAIL (1 of 2 failed)" in result.stdout
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "1 of 2 failed" in html
    assert html.count("<figure") > 5


def test_json_goes_to_stdout_all_the_same(recording: Recording, tmp_path: Path):
    result = _report(recording, tmp_path / "page.html", "--json")
    assert json.loads(result.stdout)["run_id"] == "run"
    assert (tmp_path / "page.html").exists()


def test_the_page_has_the_written_verdict_unless_it_is_rebuilt(recording: Recording, tmp_path: Path):
    recording.write_verdict(recording.judge(()))
    page = tmp_path / "page.html"
    assert _report(recording, page).exit_code == 0
    assert "NOT JUDGED" in page.read_text(encoding="utf-8")
    assert _report(recording, page, "--rebuild").exit_code == 0
    assert "NOT JUDGED" not in page.read_text(encoding="utf-8")


def test_numbers_are_those_of_summary_json(recording: Recording, tmp_path: Path):
    page, summary = tmp_path / "page.html", recording.rebuild()
    assert _report(recording, page).exit_code == 0
    html = page.read_text(encoding="utf-8")
    assert summary.metrics.ttft is not None
    for percentile in summary.metrics.ttft.percentiles:
        assert f">{quantity(percentile.value, 's')}<" in html
    assert f"offered {summary.counts.offered:,} = started" in html


def test_without_records_the_page_says_that_there_are_none(recording: Recording, tmp_path: Path):
    summary, verdict = recording.fold().results()
    recording.write_summary(summary)
    recording.write_verdict(verdict)
    (recording.directory / "records-0.jsonl").unlink()
    assert _report(recording, tmp_path / "page.html").exit_code == 0
    assert "there are no records to draw" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_profile_is_shown_as_it_was_kept(recording: Recording, tmp_path: Path):
    (recording.directory / "profile.yaml").write_text("name: <b>bold</b>\napi_key: '***'\n", encoding="utf-8")
    assert _report(recording, tmp_path / "page.html").exit_code == 0
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "name: &lt;b&gt;bold&lt;/b&gt;\napi_key: &#39;***&#39;\n" in html


def test_a_profile_that_is_no_file_is_left_out(recording: Recording, tmp_path: Path):
    (recording.directory / "profile.yaml").mkdir()
    assert _report(recording, tmp_path / "page.html").exit_code == 0
    assert "it is not beside the records" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_file_that_can_not_be_written_is_told_with_exit_code_2(recording: Recording, tmp_path: Path):
    (tmp_path / "file").write_text("")
    result = _report(recording, tmp_path / "file" / "page.html")
    assert result.exit_code == 2
    assert "page.html: can't be written" in result.stderr


def test_a_page_is_the_same_whenever_it_is_made(recording: Recording, tmp_path: Path):
    pages = []
    for name in ("a.html", "b.html"):
        assert _report(recording, tmp_path / name).exit_code == 0
        pages.append((tmp_path / name).read_text(encoding="utf-8"))
    assert pages[0] == pages[1]


def test_the_page_of_a_run_lies_in_its_directory(recording: Recording):
    folded = recording.fold()
    summary, verdict = folded.results()
    write_page(recording, summary, verdict, folded.charts(summary))
    assert (recording.directory / NAME).read_text(encoding="utf-8").endswith("</html>")
