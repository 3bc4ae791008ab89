import csv
from datetime import datetime
from pathlib import Path

import yaml
from click.testing import CliRunner, Result

from relayload.cli import main
from relayload.report.history import COLUMNS, METRIC_COLUMNS


def _history(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["history", *map(str, arguments)])


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_each_run_is_a_row_in_the_order_of_time_and_only_once(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "set/run-1", started_at="2026-01-02T03:04:05Z")
    make_recording(steady_lines, "set/run-2", started_at="2026-01-01T03:04:05Z")
    file = tmp_path / "history.csv"
    assert _history(tmp_path / "set", "--csv", file).exit_code == 0
    assert [row["run"] for row in _rows(file)] == ["set/run-2", "set/run-1"]
    make_recording(steady_lines, "set/run-3", started_at="2026-01-03T03:04:05Z")
    again = _history(tmp_path / "set", "--csv", file)
    assert again.stderr == f"{file}: 1 rows added\n"
    assert [row["run"] for row in _rows(file)] == ["set/run-2", "set/run-1", "set/run-3"]


def test_the_file_is_what_otava_reads(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run")
    file = tmp_path / "history.csv"
    _history(tmp_path / "run", "--csv", file)
    (row,) = _rows(file)
    assert list(row) == list(COLUMNS)
    assert datetime.fromisoformat(row["time"]).year == 2026
    values = {name: float(row[name]) for name in METRIC_COLUMNS}
    assert (values["latency_p50_s"], values["ok_per_s"], values["errors_rate"]) == (0.501, 1.0, 0.0)
    assert row["usd_per_ok"] == "nan"
    config = yaml.safe_load(_history(tmp_path / "run", "--csv", file, "--otava").stdout)["tests"]["trial"]
    assert (config["type"], config["file"], config["time_column"]) == ("csv", str(file), "time")
    assert set(config["metrics"]) | {"time", *config["attributes"]} == set(COLUMNS)
    assert config["metrics"]["ok_per_s"]["direction"] == 1


def test_a_run_that_can_not_be_believed_is_left_out_and_told(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run", ended_by=None)
    file = tmp_path / "history.csv"
    result = _history(tmp_path / "run", "--csv", file)
    assert "left out, since it is INVALID: the run was killed before it ended" in result.stderr
    assert _rows(file) == []


def test_a_file_with_other_columns_is_left_alone(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "run")
    file = tmp_path / "history.csv"
    file.write_text("time,x\n")
    result = _history(tmp_path / "run", "--csv", file)
    assert result.exit_code == 2
    assert "has other columns than this version writes" in result.stderr
    assert file.read_text() == "time,x\n"
