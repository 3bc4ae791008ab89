"""`relayload report DIR --html FILE`: the page of any recording."""

import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from relayload.cli import main
from relayload.core.objectives.formatting import quantity
from relayload.core.price import Price
from relayload.recording import Recording, page_seal, run_page
from relayload.recording.folded import Folded
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


@pytest.fixture
def ended(recording: Recording) -> Recording:
    """A recording with all that the end of a run writes."""
    recording.update(prices={"o3": Price(input=Decimal("1.5"), output=Decimal(20))})
    (recording.directory / "profile.yaml").write_text("name: trial\n", encoding="utf-8")
    folded = recording.fold()
    summary, verdict = folded.results()
    recording.write_summary(summary)
    recording.write_verdict(verdict)
    write_page(recording, summary, verdict, folded.charts(summary), folded)
    return recording


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The directory of each recording whenever it is folded."""
    counted: list[Path] = []
    fold = Recording.fold

    def counting(recording: Recording, *arguments: Any) -> Folded:
        counted.append(recording.directory)
        return fold(recording, *arguments)

    monkeypatch.setattr(Recording, "fold", counting)
    return counted


def test_the_page_of_a_run_is_written_again_without_reading_its_records(
    ended: Recording, folds: list[Path], tmp_path: Path
):
    kept = (ended.directory / NAME).read_bytes()
    result = _report(ended, tmp_path / "page.html")
    assert (result.exit_code, folds) == (0, [])
    assert "FAIL (1 of 2 failed)" in result.stdout
    assert (tmp_path / "page.html").read_bytes() == kept
    (ended.directory / NAME).unlink()
    assert _report(ended, tmp_path / "drawn.html").exit_code == 0
    assert len(folds) == 1
    assert (tmp_path / "drawn.html").read_bytes() == kept


def _replace(file: Path, old: str, new: str) -> None:
    before = file.read_text(encoding="utf-8")
    assert old in before
    file.write_text(before.replace(old, new), encoding="utf-8")


def _later(file: Path) -> None:
    os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 1))


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (lambda at: _replace(at / "verdict.json", "errors.rate < 2%", "errors.rate < 9%"), "errors.rate &lt; 9%"),
        (lambda at: _replace(at / "summary.json", '"name": "trial"', '"name": "tested"'), "FAIL: tested"),
        (lambda at: _replace(at / "run.json", '"schedule"', '"schedule", "platform": "Plan 9"'), "Plan 9"),
        (lambda at: (at / "profile.yaml").write_text("name: other\n"), "name: other"),
        (lambda at: (at / "profile.yaml").unlink(), "it is not beside the records"),
        (lambda at: _later(at / "records-0.jsonl"), "</html>"),
        (lambda at: _replace(at / NAME, "FAIL: trial", "PASS: trial"), "FAIL: trial"),
        (lambda at: (at / NAME).write_bytes(b"\xff"), "FAIL: trial"),
    ],
    ids=["verdict", "summary", "run", "profile", "no profile", "records", "page", "no page"],
)
def test_a_page_is_drawn_anew_where_anything_that_it_shows_was_changed(
    ended: Recording, folds: list[Path], tmp_path: Path, change: Callable[[Path], None], shown: str
):
    change(ended.directory)
    assert _report(ended, tmp_path / "page.html").exit_code == 0
    assert len(folds) == 1
    assert shown in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_page_is_drawn_anew_from_more_records_of_objectives_that_were_changed(ended: Recording, tmp_path: Path):
    ended.update(objectives=("latency.p50 < 1h",))
    assert CliRunner().invoke(main, ["gate", str(ended.directory)]).exit_code == 0
    assert _report(ended, tmp_path / "page.html").exit_code == 0
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "latency.p50 &lt; 1h" in html
    assert "latency.p50 &lt; 1ms" not in html


def test_a_page_of_other_code_is_drawn_anew(
    ended: Recording, folds: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(page_seal, "_code", lambda: b"another version")
    assert _report(ended, tmp_path / "page.html").exit_code == 0
    assert len(folds) == 1


def test_a_page_is_drawn_anew_with_rebuild(ended: Recording, folds: list[Path], tmp_path: Path):
    assert _report(ended, tmp_path / "page.html", "--rebuild").exit_code == 0
    assert len(folds) == 1
    assert (tmp_path / "page.html").read_bytes() == (ended.directory / NAME).read_bytes()


def test_a_page_with_scripts_of_somebody_else_is_never_passed_on(
    ended: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run_page, "render_page", lambda _: "<script>evil()</script>")
    folded = ended.fold()
    summary, verdict = folded.results()
    write_page(ended, summary, verdict, folded.charts(summary), folded)
    monkeypatch.undo()
    assert _report(ended, tmp_path / "page.html").exit_code == 0
    assert "evil()" not in (tmp_path / "page.html").read_text(encoding="utf-8")
