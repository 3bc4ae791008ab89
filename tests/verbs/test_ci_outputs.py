"""What CI systems are told of runs, with and without a verdict; no load is sent."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from junitparser import Error, JUnitXml
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support import SHORT

from relayload.cli import main
from relayload.core.model.objective_options import Written
from relayload.locust_plugin import launch as launcher
from relayload.locust_plugin.early import LOG_NAME

QUIET = {"GITHUB_ACTIONS": None, "GITHUB_STEP_SUMMARY": None, "GITHUB_WORKSPACE": None}
Run = Callable[..., Result]


def _options(folder: Path) -> list[str]:
    files = (("--junit", "junit.xml"), ("--markdown", "page.md"), ("--gitlab", "metrics.txt"))
    return [word for option, name in files for word in (option, str(folder / name))]


def _errors(path: Path) -> list[tuple[str, str, str]]:
    """Case, type and message of each error."""
    (suite,) = JUnitXml.fromfile(str(path))
    found = [(case.name, result) for case in suite for result in case.result]
    assert all(isinstance(result, Error) for _, result in found)
    return [(name, result.type, result.message) for name, result in found]


@pytest.fixture
def run(tmp_path: Path, make_recording, steady_lines, monkeypatch) -> Run:
    """Runs a profile whose load ends with an exit code, after some words in Locust's log, or with a recording."""

    def run(code: int, *options: str, said: str = "", objectives: tuple[str, ...] | None = None, **environ) -> Result:
        def launched(launch: launcher.Launch, _: object) -> int:
            launch.run_dir.mkdir(parents=True)
            (launch.run_dir / LOG_NAME).write_text(said)
            if objectives is not None:
                recording = make_recording(
                    steady_lines, str(launch.run_dir.relative_to(tmp_path)), objectives=objectives
                )
                recording.write_verdict(recording.judge())
            return code

        monkeypatch.setattr(launcher, "run", launched)
        profile = tmp_path / "short.yaml"
        profile.write_text(SHORT.format(arrivals="constant", seconds=1))
        arguments = ["run", str(profile), "--out", str(tmp_path / "run"), *_options(tmp_path), *options]
        return CliRunner(env={**QUIET, **environ}).invoke(main, arguments)

    return run


def test_a_run_writes_what_a_gate_would(run: Run, tmp_path: Path):
    assert run(3, objectives=("latency.p50 < 1ms",)).exit_code == 3
    written = [(tmp_path / name).read_text() for name in ("junit.xml", "page.md", "metrics.txt")]
    gate = CliRunner(env=QUIET).invoke(main, ["gate", str(tmp_path / "run"), *_options(tmp_path / "again")])
    assert gate.exit_code == 3
    assert written == [(tmp_path / "again" / name).read_text() for name in ("junit.xml", "page.md", "metrics.txt")]


@pytest.mark.parametrize(
    ("code", "said", "kind", "message"),
    [
        (6, "noise\nrelayload: target http://x: nothing listens\n", "UNREACHABLE", "target http://x: nothing listens"),
        (1, "Traceback\nValueError: no\n", "CRASHED", "Traceback; ValueError: no"),
        (2, "relayload: the trace is cut short\n", "BAD INPUT", "the trace is cut short"),
        (130, "", "INTERRUPTED", "Ctrl-C ended the run before its load began"),
        (143, "", "INTERRUPTED", "SIGTERM ended the run before its load began"),
        (1, "", "CRASHED", "it ended without a word"),
    ],
)
def test_a_run_without_a_verdict_leaves_the_reason_in_every_file(
    run: Run, tmp_path: Path, code: int, said: str, kind: str, message: str
):
    result = run(code, "--github", said=said)
    assert result.exit_code == code
    assert _errors(tmp_path / "junit.xml") == [("the run was carried out", kind, message)]
    page = (tmp_path / "page.md").read_text()
    assert page.startswith(f"### 🛑 {kind}: short\n")
    (family,) = text_string_to_metric_families((tmp_path / "metrics.txt").read_text())
    assert (family.name, family.samples[0].value) == ("relayload_exit_code", code)
    assert f"::error title={kind}%3A short::{message}\n" in result.stderr


def test_a_run_that_crashed_in_part_is_no_green_suite(run: Run, tmp_path: Path):
    assert run(1, objectives=("latency.p50 < 1s",), said="relayload: a part failed\n").exit_code == 1
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (suite.tests, suite.errors) == (2, 2)
    assert "a part of the run crashed" in (tmp_path / "page.md").read_text()
    assert json.loads((tmp_path / "run" / "verdict.json").read_text())["verdict"] == "PASS"


def test_each_of_several_runs_has_files_of_its_own(run: Run, tmp_path: Path):
    run(0, "--repeat", "2", objectives=("latency.p50 < 1s",))
    for name in ("junit-1.xml", "junit-2.xml", "page-1.md", "page-2.md", "metrics-1.txt", "metrics-2.txt"):
        assert (tmp_path / name).exists(), name
    assert not (tmp_path / "junit.xml").exists()


def test_a_run_without_objectives_is_not_judged_and_its_exit_code_is_0(run: Run, tmp_path: Path):
    result = run(0, "--json", "--github", objectives=())
    assert result.exit_code == 0
    verdict = json.loads(result.stdout)
    assert (verdict["verdict"], verdict["exit_code"]) == ("NOT JUDGED", 0)
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (2, 0, 0, 1)
    assert (tmp_path / "page.md").read_text().startswith("### ⚪ NOT JUDGED: trial\n")
    assert "::warning title=NOT JUDGED%3A" in result.stderr
    again = CliRunner(env=QUIET).invoke(main, ["gate", str(tmp_path / "run")])
    assert (again.exit_code, again.stdout.split(" (")[0]) == (4, "NOT JUDGED")


BAD = "objectives: [ttft.p99 < 1]\nnam: x\n"


@pytest.fixture
def bad(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    profile = Path("profiles") / "bad.yaml"
    profile.parent.mkdir()
    profile.write_text(SHORT.format(arrivals="constant", seconds=1).replace("objectives:", "other:") + BAD)
    return profile


def test_every_fault_of_a_profile_is_an_error_and_an_annotation_with_its_line(bad: Path, tmp_path: Path):
    lines = bad.read_text().splitlines()
    at = {key: next(n for n, line in enumerate(lines, 1) if line.startswith(key)) for key in ("other", "nam:")}
    result = CliRunner(env=QUIET).invoke(main, ["run", str(bad), *_options(tmp_path), "--github"])
    assert result.exit_code == 2
    errors = {name: kind for name, kind, _ in _errors(tmp_path / "junit.xml")}
    assert errors[f"profiles/bad.yaml:{at['nam:']}:1: nam"] == "BAD INPUT"
    assert len(errors) == 3
    assert f"::error file=profiles/bad.yaml,line={at['other']},col=1,title=BAD INPUT%3A other::" in result.stderr
    assert "### 🛑 BAD INPUT: bad" in (tmp_path / "page.md").read_text()


def test_annotations_name_files_as_the_repository_has_them(bad: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(bad.parent)
    github = {**QUIET, "GITHUB_ACTIONS": "true"}
    inside = CliRunner(env={**github, "GITHUB_WORKSPACE": str(tmp_path)}).invoke(main, ["run", "bad.yaml"])
    assert "::error file=profiles/bad.yaml,line=" in inside.stderr
    (tmp_path / "elsewhere").mkdir()
    outside = {**github, "GITHUB_WORKSPACE": str(tmp_path / "elsewhere")}
    assert "file=" not in CliRunner(env=outside).invoke(main, ["run", "bad.yaml"]).stderr


def test_the_step_summary_says_why_there_is_no_verdict(bad: Path, tmp_path: Path):
    page = tmp_path / "summary.md"
    environ = {**QUIET, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    CliRunner(env=environ).invoke(main, ["run", str(bad)])
    assert page.read_text().startswith("### 🛑 BAD INPUT: bad\n")


def test_a_gate_that_can_not_judge_leaves_its_reason_too(tmp_path: Path):
    result = CliRunner(env=QUIET).invoke(main, ["gate", str(tmp_path / "nowhere"), *_options(tmp_path)])
    assert result.exit_code == 2
    assert _errors(tmp_path / "junit.xml") == [
        (f"{tmp_path}/nowhere", "BAD INPUT", "there is no such directory"),
    ]


def test_files_that_can_not_be_written_are_told_once_and_the_others_are_written(bad: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    arguments = ["run", str(bad), "--junit", str(tmp_path / "file" / "j.xml"), "--markdown", str(tmp_path / "page.md")]
    result = CliRunner(env=QUIET).invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr.count("can't be written") == 1
    assert "BAD INPUT" in (tmp_path / "page.md").read_text()


def test_a_gate_names_the_line_of_an_objective_by_what_the_recording_keeps(make_recording, steady_lines):
    written = {"latency.p50 < 1ms": Written(file="profiles/relay.yaml", line=23, column=5)}
    recording = make_recording(steady_lines, objectives=("latency.p50 < 1ms",), written=written)
    result = CliRunner(env=QUIET).invoke(main, ["gate", str(recording.directory), "--github"])
    assert "::error file=profiles/relay.yaml,line=23,col=5,title=FAIL%3A latency.p50 < 1ms::" in result.stderr
    verdict = json.loads((recording.directory / "verdict.json").read_text())
    assert verdict["objectives"][0]["written"] == {"file": "profiles/relay.yaml", "line": 23, "column": 5}


def test_names_that_are_no_text_are_told_all_the_same(tmp_path: Path):
    strange = str(tmp_path / "caf\udce9 \x1b[2J")
    result = CliRunner(env=QUIET).invoke(main, ["gate", strange, *_options(tmp_path), "--github"])
    assert result.exit_code == 2, result.output
    ((name, _, message),) = _errors(tmp_path / "junit.xml")
    assert (name, message) == (f"{tmp_path}/caf\\udce9 \\x1b[2J", "there is no such directory")
    assert "caf" in (tmp_path / "page.md").read_text()
