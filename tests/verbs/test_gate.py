import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from junitparser import JUnitXml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from relayload.cli import main
from relayload.recording import Recording
from relayload.recording.run_page import page_of


@pytest.fixture
def failed(make_recording, steady_lines) -> Recording:
    return make_recording(steady_lines, objectives=("latency.p50 < 1ms", "ttft.p50 < 1s"))


def _gate(recording: Recording, *options: str | Path, **environ: str | None) -> Result:
    github = {"GITHUB_ACTIONS": None, "GITHUB_STEP_SUMMARY": None}
    return CliRunner(env={**github, **environ}).invoke(main, ["gate", str(recording.directory), *map(str, options)])


def test_every_output_is_written_and_the_verdict_is_the_exit_code(failed, tmp_path: Path):
    files = [tmp_path / "out" / name for name in ("junit.xml", "page.md", "metrics.txt")]
    result = _gate(failed, "--junit", files[0], "--markdown", files[1], "--gitlab", files[2])
    assert result.exit_code == 3, result.output
    (suite,) = JUnitXml.fromfile(str(files[0]))
    assert (suite.tests, suite.failures, suite.errors) == (3, 1, 0)
    assert files[1].read_text().startswith("### ❌ FAIL: trial")
    assert len(list(text_string_to_metric_families(files[2].read_text()))) > 10
    assert "::error" not in result.output


def test_in_github_actions_it_annotates_and_adds_to_the_step_summary(failed, tmp_path: Path):
    page = tmp_path / "summary.md"
    page.write_text("of another command\n")
    result = _gate(failed, "--json", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    assert json.loads(result.stdout)["verdict"] == "FAIL"
    assert result.stderr.startswith("::error title=FAIL%3A latency.p50 < 1ms::latency.p50 < 1ms: observed 501ms")
    assert page.read_text().startswith("of another command\n### ❌ FAIL: trial")
    assert "::error" not in _gate(failed, "--no-github", GITHUB_ACTIONS="true").stderr
    assert "::error" in _gate(failed, "--github").stderr


def test_each_objective_says_whether_its_pass_is_proven(make_recording, steady_lines):
    """The last of them fails, and counts are facts."""
    asked = ("latency.p50 < 1s", "ttft.p99 < 1s", "errors.count == 0", "latency.p50 < 1ms")
    recording = make_recording(steady_lines, objectives=asked)
    told = json.loads(_gate(recording, "--json").stdout)["objectives"]
    assert [(each["expr"], each["verdict"], each["proven"]) for each in told] == [
        ("latency.p50 < 1s", "PASS", True),
        ("ttft.p99 < 1s", "PASS", False),
        ("errors.count == 0", "PASS", None),
        ("latency.p50 < 1ms", "FAIL", None),
    ]


def test_a_step_summary_that_is_full_is_left_alone(failed, tmp_path: Path):
    page = tmp_path / "summary.md"
    page.write_text("x" * 899_500)
    assert _gate(failed, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page)).exit_code == 3
    assert page.stat().st_size == 899_500


def test_a_step_summary_that_can_not_be_written_does_not_change_the_verdict(failed, tmp_path: Path):
    result = _gate(failed, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path / "nowhere" / "summary.md"))
    assert result.exit_code == 3
    assert "the step summary can't be written: No such file or directory" in result.stderr


def test_a_file_that_can_not_be_written_is_the_authors_fault(failed, tmp_path: Path):
    (tmp_path / "file").write_text("")
    result = _gate(failed, "--junit", tmp_path / "file" / "junit.xml")
    assert result.exit_code == 2
    assert f"{tmp_path}/file/junit.xml: can't be written: " in result.stderr


def test_without_objectives_there_is_nothing_to_pass(make_recording, steady_lines, tmp_path: Path):
    recording = make_recording(steady_lines)
    result = _gate(recording, "--junit", tmp_path / "junit.xml", "--markdown", tmp_path / "page.md")
    assert result.exit_code == 4
    assert result.stdout.startswith("NOT JUDGED (the profile has no objectives)\n")
    assert "there are no objectives to judge by" in result.stdout
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (suite.tests, suite.failures, suite.errors) == (2, 0, 1)
    assert "NOT JUDGED" in (tmp_path / "page.md").read_text()
    assert json.loads((recording.directory / "verdict.json").read_text())["exit_code"] == 4


def test_what_shows_tables_has_them(failed, tmp_path: Path):
    page = tmp_path / "page.md"
    _gate(failed, "--markdown", page)
    assert "latency" in page.read_text().split("measured, ok")[1]
    step = tmp_path / "step.md"
    _gate(failed, "--github", GITHUB_STEP_SUMMARY=str(step))
    assert step.read_text() == page.read_text()


def test_a_recording_that_can_only_be_read_is_judged_all_the_same(failed, tmp_path: Path):
    (failed.directory / "verdict.json").mkdir()  # nothing can take its place, whoever runs the test
    result = _gate(failed, "--junit", tmp_path / "junit.xml")
    assert result.exit_code == 3
    assert "FAIL (1 of 2 failed)" in result.stdout
    assert "verdict.json: can't be written: Is a directory" in result.stderr
    assert (tmp_path / "junit.xml").exists()


@pytest.fixture
def aborted(make_recording, steady_lines) -> Recording:
    """An older version ended it, by a fault of its own."""
    recording = make_recording(steady_lines, objectives=("ttft.p50 < 1s",))
    recording.update(
        ended_by="objective", stopped_by_objective="ttft.p50 < 1s: 9 of 9 were not within the limit, 50% may"
    )
    return recording


def test_a_run_that_an_objective_ended_never_passes_unless_its_records_are_asked_alone(aborted, tmp_path: Path):
    assert _gate(aborted).exit_code == 3
    junit = tmp_path / "junit.xml"
    result = _gate(aborted, "--rejudge", "--junit", junit)
    assert result.exit_code == 0, result.output
    told = "it ended the run: 9 of 9 were not within the limit, 50% may; judged by its records alone"
    assert f"ttft.p50 < 1s: {told}" in " ".join(result.output.split())
    (suite,) = JUnitXml.fromfile(str(junit))
    assert (suite.tests, suite.failures, suite.errors) == (2, 0, 0)
    verdict = json.loads(_gate(aborted, "--rejudge", "--json").stdout)
    assert (verdict["verdict"], verdict["objectives"][0]["reason"]) == ("PASS", told)


def test_reports_show_what_the_gate_said_last(aborted):
    runner, report = CliRunner(), ["report", str(aborted.directory)]
    _gate(aborted, "--rejudge")
    assert "verdict    PASS" in runner.invoke(main, report).output
    _gate(aborted)
    assert "verdict    FAIL" in runner.invoke(main, report).output


def _page_of(recording: Recording) -> Path:
    summary, verdict = recording.fold().results()
    recording.write_summary(summary)
    recording.write_verdict(verdict)
    page = recording.directory / "report.html"
    page.write_text(page_of(recording, summary, verdict), encoding="utf-8")
    return page


def test_the_page_shows_the_verdict_that_was_judged_anew(aborted: Recording, tmp_path: Path):
    page = _page_of(aborted)
    before = page.read_text(encoding="utf-8")
    assert "<title>FAIL: trial</title>" in before
    file = tmp_path / "new" / "page.html"
    again = _gate(aborted, "--html", file)
    assert (again.exit_code, again.stderr.count("page: "), f"page: {file}\n" in again.stderr) == (3, 1, True)
    assert page.read_text(encoding="utf-8") == file.read_text(encoding="utf-8") == before
    rejudged = _gate(aborted, "--rejudge")
    assert f"page: {page}\n" in rejudged.stderr
    assert "<title>PASS: trial</title>" in page.read_text(encoding="utf-8")


def test_a_recording_without_a_page_gets_none_but_the_one_asked_for(failed, tmp_path: Path):
    file = tmp_path / "page.html"
    assert _gate(failed, "--html", file).exit_code == 3
    assert "<title>FAIL: trial</title>" in file.read_text(encoding="utf-8")
    assert not (failed.directory / "report.html").exists()


def test_a_page_that_cannot_be_written_is_told_and_the_verdict_stays(failed, tmp_path: Path):
    _page_of(failed)
    (failed.directory / "report.html").unlink()
    (failed.directory / "verdict.json").unlink()
    assert _gate(failed, "--html", tmp_path).exit_code == 2  # a directory
    (tmp_path / "file").touch()
    told = _gate(failed, "--html", tmp_path / "file" / "page.html")
    assert told.exit_code == 2
    assert "can't be written" in told.stderr
