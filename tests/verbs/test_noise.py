import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import Start

from relayload.cli import main


@pytest.fixture
def made(make_recording, request_line, end_line) -> Callable[..., Path]:
    """Writes a directory of runs, each slower than the one before by a step."""

    def make(name: str, count: int, step: float = 0.01, tmp: float = 0.5) -> Path:
        for number in range(1, count + 1):
            lines = [request_line(index, service_s=tmp * (1 + number * step)) for index in range(60)]
            begins = {"started_at": f"2026-01-02T03:{number:02}:{len(name):02}Z"}
            directory = make_recording([*lines, end_line(0, started=60)], f"{name}/run-{number}", **begins).directory
        return directory.parent

    return make


def _relayload(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_runs_that_are_there_tell_their_noise(made: Callable[..., Path], tmp_path: Path) -> None:
    runs = made("before", 6)
    told = _relayload("noise", runs, "--markdown", tmp_path / "noise.md")
    assert told.exit_code == 0, told.output
    assert "noise between 6 runs" in told.output
    assert "with 3 a side compare proves nothing: it needs 6" in told.output
    (row,) = [line for line in (tmp_path / "noise.md").read_text().splitlines() if line.startswith("| latency.p95")]
    assert row.count("%") == 1 + 3 + 3
    document = json.loads(_relayload("noise", runs, "--json").stdout)
    assert [each["runs"] for each in document["measures"][0]["provable"]] == [3, 6, 10]


def test_two_runs_are_too_few(made: Callable[..., Path]) -> None:
    told = _relayload("noise", made("before", 2))
    assert told.exit_code == 4
    assert "3 are the fewest" in told.output


def test_check_warns_of_a_tolerance_that_the_noise_hides(
    made: Callable[..., Path], profile: Callable[..., Path]
) -> None:
    runs = made("before", 6, step=0.05)
    warned = _relayload("check", profile(), "--noise", runs, "--tolerance", "2%")
    assert warned.exit_code == 0, warned.output
    assert "warning: latency.p50: 6 runs a side tell" in warned.stderr
    fine = _relayload("check", profile(), "--noise", runs, "--tolerance", "200%").stderr
    assert "6 of the 6 runs" in fine
    assert "are of another profile" in fine
    assert "a side tell" not in fine
    assert _relayload("check", profile(), "--tolerance", "5%").exit_code == 2
    assert "3 runs a side prove nothing" in _relayload("check", profile(), "--noise", runs, "--repeat", "3").stderr
    assert _relayload("check", profile(), "--noise", runs / "nothing").exit_code == 2
    assert _relayload("check", profile(), "--noise", runs, "--tolerance", "2").exit_code == 2


def test_compare_says_that_noise_hides_what_it_can_not_decide(made: Callable[..., Path]) -> None:
    told = _relayload("compare", made("before", 6, step=0.05), made("later", 6, step=0.05), "--tolerance", "2%")
    assert told.exit_code == 4, told.output
    assert "warning: latency.p50: 6 runs a side tell" in " ".join(told.output.split())


def test_one_recording_is_no_set_of_them(made: Callable[..., Path]) -> None:
    told = _relayload("noise", made("before", 3) / "run-1")
    assert told.exit_code == 2
    assert "is one recording: name a directory of three or more" in told.stderr


@pytest.mark.slow
def test_a_profile_is_run_as_often_as_is_asked(start: Start, profile: Callable[..., Path], tmp_path: Path) -> None:
    path = profile(more="\ntarget: {base_url: fake://o-series}\n")
    told = start("relayload", "noise", path, "--repeat", "3", "--out", "aa")
    assert told.wait() == 0, told.output
    assert sorted(each.name for each in (tmp_path / "aa").iterdir()) == ["run-1", "run-2", "run-3"]
    assert "noise between 3 runs" in told.output
    again = start("relayload", "check", path, "--noise", "aa", "--tolerance", "300%")
    assert again.wait() == 0, again.output
    assert "noise: 6 runs a side can tell 300% of each measure from noise" in again.output


def test_a_profile_with_faults_is_not_run(start: Start, profile: Callable[..., Path]) -> None:
    told = start("relayload", "noise", profile(more="\nnonsense: 1\n"))
    assert told.wait() == 2, told.output
    assert "unknown key" in told.output
