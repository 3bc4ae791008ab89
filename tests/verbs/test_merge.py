import json
from pathlib import Path

from click.testing import CliRunner

from relayload.cli import main


def test_merge_writes_a_recording_and_shows_it(make_recording, steady_lines, tmp_path: Path):
    make_recording(steady_lines, "a", offered=100)
    make_recording(steady_lines, "b", offered=100)
    arguments = ["merge", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "ab"), "--compress", "gzip"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "offered 200 = started 200 + dropped 0 + lost 0" in result.stdout
    assert (tmp_path / "ab" / "summary.json").exists()
    again = CliRunner().invoke(main, arguments)
    assert (again.exit_code, again.stderr) == (
        2,
        f"{tmp_path}/ab: already holds a recording: name another directory\n",
    )


def _merged(tmp_path: Path, *names: str) -> Path:
    out = tmp_path / "out"
    arguments = ["merge", *(str(tmp_path / name) for name in names), "--out", str(out), "--compress", "gzip"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return out


def test_the_merged_recording_has_its_page(make_recording, steady_lines, tmp_path: Path):
    for name in ("a", "b"):
        make_recording(steady_lines, name, objectives=("latency.p50 < 1s",), offered=100)
    out = _merged(tmp_path, "a", "b")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "offered 200 = started 200" in page
    assert page.count("<figure") > 5


def test_a_compressed_copy_keeps_its_verdict(make_recording, steady_lines, tmp_path: Path):
    recording = make_recording(steady_lines, "a", objectives=("latency.p50 < 1ms",))
    recording.write_verdict(recording.judge())
    out = _merged(tmp_path, "a")
    assert (out / "verdict.json").read_bytes() == (tmp_path / "a" / "verdict.json").read_bytes()


def test_runs_that_are_brought_together_are_judged_anew(make_recording, steady_lines, tmp_path: Path):
    for name in ("a", "b"):
        recording = make_recording(steady_lines, name, objectives=("latency.p50 < 1s",), offered=100)
        recording.write_verdict(recording.judge(()))
    (told,) = json.loads((_merged(tmp_path, "a", "b") / "verdict.json").read_text())["objectives"]
    assert (told["expr"], told["verdict"], told["n"]) == ("latency.p50 < 1s", "PASS", 200)
