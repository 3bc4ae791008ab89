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
