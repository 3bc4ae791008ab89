"""`relayload report` of a directory of runs, and the page of a set."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from page_reader import PageReader

from relayload.cli import main
from relayload.core.model.run import ProfileInfo

JUDGED = {"passes": ("latency.p50 < 1s",), "fails": ("latency.p50 < 1ms",), "unsure": ("latency.p99.9 < 1s",)}


@pytest.fixture
def runs(make_recording, request_line, end_line, tmp_path: Path) -> Path:
    """A run of each verdict, and one that was cut short; the first has a page."""
    for number, (name, objectives) in enumerate([*JUDGED.items(), ("cut", JUDGED["passes"])], 1):
        lines = [request_line(index, service_s=0.5 + number / 100) for index in range(60)]
        changes = {"ended_by": "sigint"} if name == "cut" else {}
        recording = make_recording(
            [*lines, end_line(0, started=60)], f"set/run-{number}", objectives=objectives, **changes
        )
        recording.write_verdict(recording.judge())
    (tmp_path / "set" / "run-1" / "report.html").touch()
    return tmp_path / "set"


def _report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_a_directory_of_runs_has_a_table_and_a_page_with_the_same_numbers(runs: Path, tmp_path: Path):
    result = _report(runs, "--html", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    assert f"4 runs in {runs}" in " ".join(result.stdout.split())
    read = PageReader((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "✗ FAIL 1 FAIL" in read.text
    assert "exit code 3" in read.text
    numbers = re.findall(r"\d[\d,.]*(?:ms|s|/s)", result.stdout)
    assert len(numbers) > 30
    assert not [found for found in numbers if not re.search(rf"(?<![\d.]){re.escape(found)}(?!\d)", read.text)]
    assert "left out of median, min and max: run-4: " in read.text


def test_each_run_is_a_mark_by_its_verdict_beside_the_median(runs: Path, tmp_path: Path):
    _report(runs, "--html", tmp_path / "page.html")
    read = PageReader((tmp_path / "page.html").read_text(encoding="utf-8"))
    latency = read.text.split("latency p50 by run")[1].split("latency p99 by run")[0]
    titles = re.findall(r"run-\d, [A-Z]+: latency p50 \d+ms", latency)
    verdicts = ("PASS", "FAIL", "INCONCLUSIVE", "INCONCLUSIVE")
    assert titles == [f"run-{n}, {verdict}: latency p50 {501 + 10 * n}ms" for n, verdict in enumerate(verdicts, 1)]
    assert "median 521ms" in latency
    assert "PASS FAIL INCONCLUSIVE left out of the median" in latency
    links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
    assert links == ["set/run-1/report.html"] * 2


def test_json_has_every_run(runs: Path):
    told = json.loads(_report(runs, "--json").stdout)
    assert told["exit_code"] == 3
    assert [run["verdict"]["verdict"] for run in told["runs"]] == ["PASS", "FAIL", "INCONCLUSIVE", "INCONCLUSIVE"]


def test_runs_of_different_profiles_are_told_with_a_warning(runs: Path, make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "set/run-5", profile=ProfileInfo(name="other", sha256="other"))
    result = _report(runs, "--html", tmp_path / "page.html")
    assert result.stderr == f"warning: the runs are of different profiles\npage: {tmp_path / 'page.html'}\n"
    assert "warning: the runs are of different profiles" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_several_directories_are_one_set_the_oldest_run_first(make_recording, steady_lines, tmp_path: Path):
    begun = {
        "a/late": "2026-03-01T00:00:00+00:00",
        "b/early": "2026-01-01T02:00:00+02:00",
        "c/mid": "2026-02-01T00:00:00",
    }
    for name, started_at in begun.items():
        recording = make_recording(steady_lines, name, started_at=started_at, objectives=("latency.p50 < 1s",))
        recording.write_verdict(recording.judge())
    (tmp_path / "d").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    directories = [
        tmp_path / "a",
        tmp_path / "b",
        tmp_path / "c" / "mid",
        tmp_path / "c",
        tmp_path / "d",
        tmp_path / "broken",
    ]
    result = _report(*directories, "--html", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "3 runs"
    assert [line.split()[0] for line in result.stdout.splitlines()[2:5]] == ["early", "mid", "late"]
    told = " ".join(result.stdout.split())
    assert re.search(r"latency.p50 < 1s 3 of 3 501ms 501ms 501ms 501ms [✓○]{3}", told)
    assert f"{tmp_path}/d: left out: is neither a recording nor a directory of recordings" in result.stderr
    assert f"{tmp_path}/broken: left out: " in result.stderr
    page = PageReader((tmp_path / "page.html").read_text(encoding="utf-8")).text
    assert [page.index(when) for when in ("2026-01-01 02:00", "2026-02-01", "2026-03-01")] == sorted(
        page.index(when) for when in ("2026-01-01 02:00", "2026-02-01", "2026-03-01")
    )


def test_of_several_directories_none_of_which_can_be_read_every_fault_is_told(tmp_path: Path):
    (tmp_path / "a").mkdir()
    result = _report(tmp_path / "a", tmp_path / "b")
    assert result.exit_code == 2
    assert result.stderr.count("is neither a recording nor a directory of recordings") == 2


def test_one_recording_alone_is_rebuilt(runs: Path):
    result = _report(runs, "--rebuild")
    assert result.exit_code == 2
    assert result.stderr == f"--rebuild: is for one recording: name one of those in {runs}\n"
