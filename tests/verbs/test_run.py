"""`relayload run`, with recordings instead of load; tests/test_cli.py runs it whole."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import LOCUSTFILE, SHORT, Start, records, saved, wait_for

from relayload.cli import main
from relayload.locust_plugin import launch as launcher
from relayload.locust_plugin.early import LOG_NAME

PASSES, FAILS, UNSURE = ("latency.p50 < 1s",), ("latency.p50 < 1ms",), ("latency.p99.9 < 1s",)
Repeat = Callable[..., Result]


@pytest.fixture
def repeat(tmp_path: Path, make_recording, steady_lines, monkeypatch) -> Repeat:
    """Runs a profile so many times; of each run the objectives are given, or the exit code of one without a verdict."""

    def repeat(*runs: tuple[str, ...] | int, options: tuple[str, ...] = ()) -> Result:
        coming = iter(runs)

        def launched(launch: launcher.Launch, _: object) -> int:
            this = next(coming)
            launch.run_dir.mkdir(parents=True)
            (launch.run_dir / LOG_NAME).write_text("relayload: something went wrong\n")
            if isinstance(this, int):
                return this
            recording = make_recording(steady_lines, str(launch.run_dir.relative_to(tmp_path)), objectives=this)
            recording.write_verdict(recording.judge())
            return recording.judge().exit_code

        monkeypatch.setattr(launcher, "run", launched)
        profile = tmp_path / "short.yaml"
        profile.write_text(SHORT.format(arrivals="constant", seconds=1))
        arguments = ["run", str(profile), "--out", str(tmp_path / "set"), "--repeat", str(len(runs)), *options]
        return CliRunner(env={"GITHUB_ACTIONS": None}).invoke(main, arguments)

    return repeat


def test_several_runs_end_with_a_table_of_them_and_what_to_do_next(repeat: Repeat, tmp_path: Path):
    result = repeat(PASSES, FAILS, PASSES)
    assert result.exit_code == 3, result.output
    table = result.stdout[result.stdout.index("run    verdict") :].splitlines()
    assert [line.split()[:2] for line in table[1:4]] == [["run-1", "PASS"], ["run-2", "FAIL"], ["run-3", "PASS"]]
    assert [line.split()[0] for line in table[4:7]] == ["median", "min", "max"]
    following = f"next: relayload compare {tmp_path}/set OTHER, another set of at least 6 runs\n"
    assert result.stderr.endswith(f"page: {tmp_path}/set/runs.html\n{following}")
    assert f"3 runs in {tmp_path}/set" in (tmp_path / "set" / "runs.html").read_text(encoding="utf-8")


def test_a_page_of_several_runs_that_can_not_be_written_changes_no_verdict(repeat: Repeat, tmp_path: Path):
    (tmp_path / "set" / "runs.html").mkdir(parents=True)
    result = repeat(PASSES, FAILS)
    assert result.exit_code == 3, result.output
    assert f"warning: {tmp_path}/set/runs.html: can't be written: " in result.stderr


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ((PASSES, PASSES), 0),
        ((PASSES, UNSURE), 4),
        ((UNSURE, PASSES), 4),
        ((UNSURE, FAILS), 3),
        ((FAILS, UNSURE), 3),
    ],
)
def test_the_worst_verdict_of_several_runs_counts(repeat: Repeat, runs: tuple[tuple[str, ...], ...], code: int):
    assert repeat(*runs).exit_code == code


def test_several_runs_are_one_json_document(repeat: Repeat, tmp_path: Path):
    result = repeat(PASSES, FAILS, options=("--json",))
    told = json.loads(result.stdout)
    assert result.exit_code == told["exit_code"] == 3
    assert [run["run_dir"] for run in told["runs"]] == [f"{tmp_path}/set/run-1", f"{tmp_path}/set/run-2"]
    assert [run["verdict"]["verdict"] for run in told["runs"]] == ["PASS", "FAIL"]
    assert told["spread"]["latency_p50_s"]["median"] == pytest.approx(0.501)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_run_that_could_not_be_carried_out_ends_them_and_the_others_are_told(repeat: Repeat, options):
    result = repeat(PASSES, 1, PASSES, options=options)
    assert result.exit_code == 1
    assert "relayload: something went wrong" in result.stderr
    if options:
        assert len(json.loads(result.stdout)["runs"]) == 1
    else:
        assert "1 run in" in result.stdout
        assert "run-3" not in result.output


def test_one_run_has_no_table_of_runs(repeat: Repeat):
    result = repeat(PASSES)
    assert (result.exit_code, "median" in result.output, "next:" in result.output) == (0, False, False)


def test_as_json_one_run_is_its_verdict(repeat: Repeat):
    assert json.loads(repeat(PASSES, options=("--json",)).stdout)["verdict"] == "PASS"


def test_as_json_a_run_that_could_not_be_carried_out_says_why(repeat: Repeat):
    result = repeat(6, options=("--json",))
    found = json.loads(result.stdout)
    assert (result.exit_code, found["exit_code"]) == (6, 6)
    assert [fault["message"] for fault in found["faults"]] == ["something went wrong"]


def test_as_json_the_faults_of_a_profile_are_told(tmp_path: Path):
    (tmp_path / "p.yaml").write_text("name: x\nlod: {}\n")
    for verb in ("run", "check", "doctor"):
        result = CliRunner().invoke(main, [verb, str(tmp_path / "p.yaml"), "--json"])
        faults = json.loads(result.stdout)["faults"]
        assert (result.exit_code, faults[-1]["path"], faults[-1]["line"]) == (2, "lod", 2), verb


def test_nothing_is_sent_if_any_of_the_directories_is_taken(repeat: Repeat, make_recording, steady_lines):
    make_recording(steady_lines, "set/run-2")
    result = repeat(PASSES, PASSES)
    assert result.exit_code == 2
    assert "run-2: already holds a recording" in result.stderr


@pytest.mark.parametrize("verb", ["relayload", "locust"])
def test_a_ctrl_c_of_the_terminal_leaves_the_fake_relay_to_answer(verb: str, start: Start, tmp_path: Path):
    """It goes to every process of the group."""
    path, out = tmp_path / "fake.yaml", tmp_path / "run"
    long = SHORT.replace("max_output_tokens: 20", "max_output_tokens: 400").format(arrivals="constant", seconds=30)
    path.write_text(f"{long}target: {{base_url: fake://o-series}}\n")
    locust = ("locust", "-f", LOCUSTFILE, "--headless", "--relay-profile", path, "--relay-out", out)
    run = ("relayload", "run", path, "--out", out)
    process = start(*(run if verb == "relayload" else locust), anew=True)
    wait_for(lambda: records(out) > 10)
    os.killpg(process.popen.pid, signal.SIGINT)
    assert process.wait() == 130, process.output
    assert list(saved(out, "summary.json")["counts"]["by_outcome"]) == ["ok"]
