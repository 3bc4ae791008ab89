import csv
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from msgspec.structs import replace
from support import ROOT

from relayload.cli import main
from relayload.core.model.run import ProfileInfo
from relayload.report.otava import COLUMNS, METRIC_COLUMNS, otava_config


def _export(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["export", "otava", *map(str, arguments)])


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_each_run_is_a_row_in_the_order_of_time_and_only_once(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "set/run-1", started_at="2026-01-02T03:04:05Z")
    make_recording(steady_lines, "set/run-2", started_at="2026-01-01T03:04:05Z")
    file = tmp_path / "history.csv"
    assert _export(tmp_path / "set", "--csv", file).exit_code == 0
    assert [row["run"] for row in _rows(file)] == ["set/run-2", "set/run-1"]
    make_recording(steady_lines, "set/run-3", started_at="2026-01-03T03:04:05Z")
    again = _export(tmp_path / "set", "--csv", file)
    assert again.stderr == f"{file}: 1 row added\n"
    assert [row["run"] for row in _rows(file)] == ["set/run-2", "set/run-1", "set/run-3"]


def test_the_file_is_what_otava_reads(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run")
    file = tmp_path / "history.csv"
    _export(tmp_path / "run", "--csv", file)
    (row,) = _rows(file)
    assert list(row) == list(COLUMNS)
    assert datetime.fromisoformat(row["time"]).year == 2026
    values = {name: float(row[name]) for name in METRIC_COLUMNS}
    assert (values["latency_p50_s"], values["ok_per_s"], values["errors_rate"]) == (0.501, 1.0, 0.0)
    assert row["usd_per_ok"] == "nan"
    config = yaml.safe_load(_export(tmp_path / "run", "--csv", file, "--print-config").stdout)["tests"]["trial"]
    assert (config["type"], config["file"], config["time_column"]) == ("csv", str(file), "time")
    assert {"time", *config["attributes"], *config["metrics"], "usd_per_ok", "summary_version"} == set(COLUMNS)
    assert "usd_per_ok" not in config["metrics"]
    assert config["metrics"]["ok_per_s"]["direction"] == 1


def test_it_is_the_verb_history_of_before(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run")
    renamed = "warning: 'relayload history' is now 'relayload export otava': the next version drops the old name\n"
    file = tmp_path / "history.csv"
    before = CliRunner().invoke(main, ["history", str(tmp_path / "run"), "--csv", str(file)])
    assert (before.exit_code, before.stdout, before.stderr) == (0, "", f"{renamed}{file}: 1 row added\n")
    before = CliRunner().invoke(main, ["history", str(tmp_path / "run"), "--csv", str(file), "--otava"])
    now = _export(tmp_path / "run", "--csv", file, "--print-config")
    assert (before.exit_code, before.stdout, before.stderr) == (0, now.stdout, renamed)


def test_runs_of_an_earlier_version_are_refused_by_name(make_recording, steady_lines, tmp_path: Path):
    for name in ("old", "new"):
        recording = make_recording(steady_lines, name)
        recording.write_summary(replace(recording.summarize(), schema_version=1 if name == "old" else 2))
    file = tmp_path / "history.csv"
    result = _export(tmp_path / "new", tmp_path / "old", "--csv", file)
    assert (result.exit_code, file.exists()) == (2, False)
    assert f"{tmp_path / 'old'}: was summarized by an earlier version" in result.stderr
    assert f"write relayload report {tmp_path / 'old'} --rebuild" in result.stderr
    assert str(tmp_path / "new") not in result.stderr
    assert CliRunner().invoke(main, ["report", str(tmp_path / "old"), "--rebuild"]).exit_code == 0
    assert _export(tmp_path / "new", tmp_path / "old", "--csv", file).exit_code == 0
    assert [row["summary_version"] for row in _rows(file)] == ["2", "2"]


@pytest.mark.parametrize(
    ("ended_by", "why"),
    [
        (None, "INVALID: the run was killed, or could not record its end"),
        ("sigint", "Ctrl-C ended the run after 1m40s, before its plan was through"),
    ],
)
def test_a_run_that_is_no_good_is_left_out_and_told(ended_by, why: str, make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run", ended_by=ended_by)
    file = tmp_path / "history.csv"
    result = _export(tmp_path / "run", "--csv", file)
    assert f"run: left out: {why}" in result.stderr
    assert _rows(file) == []


@pytest.mark.parametrize("broken", ["run.json", "verdict.json"])
def test_a_run_that_can_not_be_read_is_left_out_and_told(broken: str, make_recording, steady_lines, tmp_path: Path):
    for number in (1, 2, 3):
        make_recording(steady_lines, f"set/run-{number}")
    (tmp_path / "set" / "run-1" / broken).write_text("{")
    file = tmp_path / "history.csv"
    result = _export(tmp_path / "set", "--csv", file)
    assert result.exit_code == 0, result.output
    assert f"set/run-1: left out: {broken}: is not a {broken} of this version: " in result.stderr
    assert [row["run"] for row in _rows(file)] == ["set/run-2", "set/run-3"]


def test_a_directory_of_a_run_that_never_began_is_left_out_and_told(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "good")
    (tmp_path / "never").mkdir()
    (tmp_path / "never" / "locust.log").write_text("target unreachable\n")
    file = tmp_path / "history.csv"
    result = _export(tmp_path / "good", tmp_path / "never", "--csv", file)
    assert (result.exit_code, len(_rows(file))) == (0, 1)
    assert "never: left out: is neither a recording nor a directory of recordings" in result.stderr
    assert _export(tmp_path / "never", "--csv", file).exit_code == 2


def test_where_no_run_can_be_read_nothing_is_written(make_recording, steady_lines, tmp_path: Path):
    for number in (1, 2):
        make_recording(steady_lines, f"set/run-{number}")
        (tmp_path / "set" / f"run-{number}" / "run.json").write_text("{")
    file = tmp_path / "history.csv"
    for option in ((), ("--print-config",)):
        result = _export(tmp_path / "set", "--csv", file, *option)
        assert result.exit_code == 2
        assert result.stderr.count("is not a run.json of this version") == 2
    assert not file.exists()


def test_otavas_configuration_is_named_after_a_run_that_can_be_read(make_recording, steady_lines, tmp_path: Path):
    for number in (1, 2):
        make_recording(steady_lines, f"set/run-{number}")
    (tmp_path / "set" / "run-1" / "run.json").write_text("{")
    result = _export(tmp_path / "set", "--print-config")
    assert yaml.safe_load(result.stdout)["tests"].keys() == {"trial"}
    assert "set/run-1: left out: " in result.stderr


def test_a_file_with_other_columns_is_left_alone(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run")
    file = tmp_path / "history.csv"
    file.write_text("time,x\n")
    result = _export(tmp_path / "run", "--csv", file)
    assert result.exit_code == 2
    assert "has other columns than this version writes" in result.stderr
    assert file.read_text() == "time,x\n"


def test_a_row_that_is_not_whole_is_told(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run")
    file = tmp_path / "history.csv"
    file.write_text(f"{','.join(COLUMNS)}\n2026-01-01T03:04:05Z,torn\n")
    result = _export(tmp_path / "run", "--csv", file)
    assert (result.exit_code, "has a row that is not whole" in result.stderr) == (2, True)


def test_a_run_that_is_named_twice_is_one_row(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "set/run-1")
    file = tmp_path / "history.csv"
    assert _export(tmp_path / "set", tmp_path / "set" / "run-1", "--csv", file).stderr == f"{file}: 1 row added\n"
    assert [row["run"] for row in _rows(file)] == ["set/run-1"]


def test_a_row_is_one_of_its_own_also_behind_a_line_without_an_end(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run-1")
    make_recording(steady_lines, "run-2", started_at="2026-02-01T03:04:05Z")
    file = tmp_path / "history.csv"
    _export(tmp_path / "run-1", "--csv", file)
    file.write_text(file.read_text().removesuffix("\n"))  # as an editor may leave it
    assert _export(tmp_path / "run-2", "--csv", file).exit_code == 0
    assert [row["run"] for row in _rows(file)] == ["run-1", "run-2"]


@pytest.mark.parametrize("content", [b"time\xff\n", b"\n\n"])
def test_a_file_that_is_no_history_is_told_and_left_alone(content: bytes, make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run")
    file = tmp_path / "history.csv"
    file.write_bytes(content)
    result = _export(tmp_path / "run", "--csv", file)
    assert (result.exit_code, result.stderr.startswith(f"{file}: ")) == (2, True)
    assert file.read_bytes() == content


def test_a_run_that_began_earlier_stands_before_later_ones(make_recording, steady_lines, tmp_path: Path):
    file = tmp_path / "history.csv"
    for day in (3, 1, 2):
        make_recording(steady_lines, f"run-{day}", started_at=f"2026-01-0{day}T03:04:05Z")
        _export(tmp_path / f"run-{day}", "--csv", file)
    assert [row["run"] for row in _rows(file)] == ["run-1", "run-2", "run-3"]
    assert list(tmp_path.glob("history*")) == [file]


def test_a_metric_that_only_some_runs_have_is_told_and_not_in_otavas_configuration(
    make_recording, request_line, steady_lines, tmp_path: Path
):
    file = tmp_path / "history.csv"
    make_recording(steady_lines, "set/run-1")
    make_recording([request_line(index, ttft_s=None, ttfo_s=None) for index in range(100)], "set/run-2")
    told = _export(tmp_path / "set", "--csv", file).stderr
    (line,) = (line for line in told.splitlines() if "not measured" in line)
    assert line == (
        f"{file}: ttft_p50_s, ttft_p95_s, ttft_p99_s and 3 more metrics: not measured in every run, so Otava finds no "
        "change there"
    )
    assert "usd_per_ok" not in told
    (config,) = yaml.safe_load(_export(tmp_path / "set", "--csv", file, "--print-config").stdout)["tests"].values()
    assert {"latency_p99_s", "ttft_p99_s"} & set(config["metrics"]) == {"latency_p99_s"}


def test_runs_of_several_profiles_in_one_file_are_told(make_recording, steady_lines, tmp_path: Path):
    for name in ("chat", "code"):
        make_recording(steady_lines, f"set/{name}", profile=ProfileInfo(name=name, sha256="0" * 64))
    told = _export(tmp_path / "set", "--csv", tmp_path / "history.csv").stderr
    assert "rows of 2 profiles, chat, code, are one series to Otava: give each its own file" in told


@pytest.mark.parametrize("name", ["2026", "a: b", "yes", 'the "new" relay', "Grüße"])
def test_otavas_configuration_holds_any_name(name: str):
    (test,) = yaml.safe_load(otava_config(name, name))["tests"].items()
    assert (test[0], test[1]["file"]) == (name, name)


def test_the_documentation_shows_what_is_printed_for_otava():
    (shown,) = re.findall(r"```yaml\n(tests:\n.*?)```", (ROOT / "docs" / "compare.md").read_text(), re.DOTALL)
    unpriced = ["nan" if name == "usd_per_ok" else "1" for name in COLUMNS]
    assert shown == otava_config("history.csv", "nightly", [unpriced])


@pytest.mark.otava
@pytest.mark.skipif(shutil.which("otava") is None, reason="Apache Otava is not installed")
def test_otava_finds_the_run_from_which_on_something_changed(
    make_recording, request_line, end_line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    first = datetime.now(UTC) - timedelta(days=60)
    for run in range(40):
        service_s = 0.5 + run % 7 / 1000 + (0.1 if run >= 25 else 0.0)
        lines = [*(request_line(index, service_s) for index in range(20)), end_line(0, started=20)]
        make_recording(lines, f"set/run-{run}", started_at=(first + timedelta(days=run)).isoformat())
    _export("set")
    Path("otava.yaml").write_text(_export("set", "--print-config").stdout)
    command = ["otava", "analyze", "trial", "--config-file", "otava.yaml", "-M", "0.05", "--output", "json"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["trial"]
    assert [change["attributes"]["run"] for change in found] == ["set/run-25"]
    assert "latency_p99_s" in {change["metric"] for change in found[0]["changes"]}


def test_a_file_that_a_spreadsheet_gave_a_mark_is_gone_on_with(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run")
    file = tmp_path / "history.csv"
    assert _export(tmp_path / "run", "--csv", file).exit_code == 0
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    result = _export(tmp_path / "run", "--csv", file)
    assert (result.exit_code, result.stderr.count("other columns")) == (0, 0)
