"""`relayload report`, and how verbs print: in colours, in any width and in any encoding."""

import json
import os
import pty
import subprocess
import sys

import pytest
from click.testing import CliRunner
from support import PATIENCE_S

from relayload.cli import main
from relayload.core.model.run import StageInfo
from relayload.recording import Recording

STAGES = (StageInfo(name="first", for_s=50.0), StageInfo(name="second", for_s=50.0))


@pytest.fixture
def recording(make_recording, request_line, end_line) -> Recording:
    lines = [request_line(index, stage="first" if index < 50 else "second") for index in range(100)]
    return make_recording(
        [*lines, end_line(0, started=100)],
        stages=STAGES,
        objectives=("latency.p50 < 1ms", "errors.rate < 2%"),
        base_url="https://relay.example/v1?key=secret",
    )


def _report(recording: Recording, *options: str) -> str:
    result = CliRunner().invoke(main, ["report", str(recording.directory), *options])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("options", [(), ("--rebuild",)])
def test_a_report_begins_with_date_target_models_and_verdict_and_has_the_stages(recording: Recording, options):
    lines = [" ".join(line.split()) for line in _report(recording, *options).splitlines()]
    assert lines[1:5] == [
        "date 2026-01-02 03:04:05 UTC",
        "target relay.example",
        "models o3",
        "verdict FAIL (1 of 2 failed)",
    ]
    assert "first 50.0s 50 0 1/s 100ms 100ms 501ms" in lines
    assert any(line.startswith("✗ ") for line in lines)
    assert lines[-1].startswith("FAIL (1 of 2 failed)") or "FAIL (1 of 2 failed)" in lines
    assert "secret" not in "".join(lines)


def test_the_verdict_is_that_which_was_written(recording: Recording):
    recording.write_verdict(recording.judge(()))
    assert "NOT JUDGED (the profile has no objectives)" in _report(recording)
    assert "FAIL (1 of 2 failed)" in _report(recording, "--rebuild")


def test_as_json_a_report_is_the_summary(recording: Recording):
    assert json.loads(_report(recording, "--json"))["run_id"] == "run"


@pytest.mark.parametrize("verb", ["report", "gate"])
@pytest.mark.parametrize("width", [40, 57, 80, 133])
def test_columns_says_how_wide_a_report_is(recording: Recording, verb: str, width: int):
    result = CliRunner(env={"COLUMNS": str(width)}).invoke(main, [verb, str(recording.directory)])
    assert min(width, 80) - 25 < max(map(len, result.stdout.splitlines())) <= width
    assert "501ms" in result.stdout


def _ran(recording: Recording, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "relayload", *arguments]
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return subprocess.run(command, env={**kept, **environ}, cwd=recording.directory, capture_output=True, check=False)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252:strict", "utf-8:strict"])
@pytest.mark.parametrize(("arguments", "code"), [(("gate", "."), 3), (("report", "."), 0), (("gate", "ü—模"), 2)])
def test_every_encoding_is_spoken(recording: Recording, encoding: str, arguments, code: int):
    result = _ran(recording, *arguments, PYTHONIOENCODING=encoding)
    name = encoding.split(":")[0]
    told = result.stdout.decode(name) + result.stderr.decode(name)
    assert result.returncode == code, told
    assert "Traceback" not in told
    assert "?" not in told
    assert ("≈" in told) == (name == "utf-8" and arguments[1] == ".")


def _on_terminal(recording: Recording, *arguments: str, **environ: str) -> str:
    """What a verb prints on a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "relayload", *arguments]
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            command, env={**kept, "TERM": "xterm", **environ}, cwd=recording.directory, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        told = b""
        try:
            while piece := terminal.read(4096):
                told += piece
        except OSError:  # Linux' way to say that nobody writes to it any more
            process.wait(PATIENCE_S)
    return told.decode()


@pytest.mark.parametrize("verb", ["gate", "report"])
def test_a_terminal_gets_colours_and_who_wants_none_gets_none(recording: Recording, verb: str):
    assert "\x1b[1;31mFAIL\x1b[0m" in _on_terminal(recording, verb, ".")
    for environ in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        told = _on_terminal(recording, verb, ".", **environ)
        assert "FAIL (1 of 2 failed)" in told
        assert "\x1b[" not in told


def test_a_pipe_gets_colours_where_they_are_forced(recording: Recording):
    assert b"\x1b[" not in _ran(recording, "gate", ".").stdout
    assert b"\x1b[1;31mFAIL" in _ran(recording, "gate", ".", FORCE_COLOR="1").stdout
    assert b"\x1b[" not in _ran(recording, "gate", ".", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_json_is_the_same_in_every_encoding(make_recording, request_line, end_line):
    lines = [*(request_line(index, model="模型“é”") for index in range(100)), end_line(0, started=100)]
    recording = make_recording(lines)
    told = {
        encoding: json.loads(
            _ran(recording, "report", ".", "--json", PYTHONIOENCODING=encoding).stdout.decode(encoding)
        )
        for encoding in ("utf-8", "latin-1", "ascii")
    }
    assert told["utf-8"] == told["latin-1"] == told["ascii"]
    assert list(told["ascii"]["by_model"]) == ["模型“é”"]
