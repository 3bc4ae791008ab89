"""Recordings that somebody has made up to harm who reads them."""

import gzip
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relayload.cli import main
from relayload.core.errors import AuthorError
from relayload.recording import Recording

FILLING = 400
"""Megabytes that a file stands for."""


@pytest.fixture
def good(make_recording, steady_lines) -> Recording:
    return make_recording(steady_lines, objectives=("errors.rate < 5%",))


def _run(*arguments: str | Path) -> Result:
    env = {"GITHUB_ACTIONS": None, "GITHUB_STEP_SUMMARY": None}
    return CliRunner(env=env).invoke(main, [*map(str, arguments)])


def _change(recording: Recording, **fields: object) -> None:
    path = recording.directory / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"started_at": "not a date"}, "started_at: expected an instant, got 'not a date'"),
        (
            {"objectives": ["errors.rate < 1%"] * 20_000},
            "is not a run.json of this version: Expected `array` of length",
        ),
        ({"workers": 10**12}, "is not a run.json of this version: Expected `int` <= 1000000"),
        ({"offered": 10**30}, "is not a run.json of this version: it holds a number that is too large"),
        ({"stages": [{"name": "s", "for_s": 1e300}]}, "is not a run.json of this version: it holds a number"),
        ({"prices": {"o3": {"input": "1E+999999", "output": "1"}}}, "prices: expected dollars per million tokens"),
        ({"prices": {"o3": {"input": "NaN", "output": "1"}}}, "prices: expected dollars per million tokens"),
        ({"load_kind": "\ud83d"}, "is not a run.json of this version"),
        (
            {"objectives": [{"expr": "latency.p50 < 1s", "terms": {"over_s": 0.001}}], "ended_at_s": 1e6},
            "objectives: 'latency.p50 < 1s' has more than 1,000,000 windows of 0.001 s",
        ),
    ],
    ids=str,
)
def test_a_run_that_can_not_be_is_refused_in_one_line(fields, said, good):
    _change(good, **fields)
    result = _run("gate", good.directory)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


@pytest.mark.parametrize("name", ["run.json", "summary.json", "verdict.json"])
@pytest.mark.parametrize("content", ["[" * 100_000 + "]" * 100_000, "{}", '"' + "x" * (65 << 20) + '"'], ids=len)
def test_a_file_of_a_run_that_is_none_is_refused_in_one_line(name, content, good):
    good.write_verdict(good.judge())
    (good.directory / name).write_text(content)
    result = _run("compare", good.directory)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert name in result.stderr


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: Path(path).symlink_to("/dev/zero")])
@pytest.mark.parametrize("verb", ["gate", "report", "cost", "merge", "compare", "export otava"])
def test_records_are_read_from_regular_files(make, verb, good, tmp_path):
    make(good.directory / "records-1.jsonl")
    more = {"merge": ["--out", tmp_path / "merged"], "export otava": ["--csv", tmp_path / "csv"], "compare": [tmp_path]}
    result = _run(*verb.split(), good.directory, *more.get(verb, []))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert "records-1.jsonl" in result.stderr


def test_gaps_that_are_no_pairs_make_a_run_invalid(good):
    path = good.directory / "records-0.jsonl"
    path.write_text(path.read_text().replace('"service_s"', '"chunk_gaps":[1,5,3],"service_s"', 2))
    result = _run("gate", good.directory)
    assert result.exit_code == 4
    assert "chunks of 2 answers are no pairs of bucket and count" in " ".join(result.stdout.split())


def test_what_a_recording_says_moves_no_cursor_and_gives_no_command(good, tmp_path):
    _change(good, run_id="\x1b[2J\n::error::run", profile={"name": "\u202e\x9b::error::name", "sha256": "0"})
    path = good.directory / "records-0.jsonl"
    said = json.dumps("\x1b[2J\n" + "::error::said " * 20)
    text = path.read_text().replace('"outcome":"ok"', f'"outcome":"server_error","error":"::error","said":{said}')
    path.write_text(text)
    page = tmp_path / "page.md"
    told = [
        _run("gate", good.directory, "--markdown", page).output,
        _run("report", good.directory).output,
        _run("compare", good.directory, good.directory.parent).output,
        _run("export", "otava", good.directory, "--csv", tmp_path / "csv").output,
        _run("merge", good.directory, "--out", tmp_path / "merged").output,
        page.read_text(),
    ]
    for text in told:
        assert not {"\x1b", "\x9b", "\u202e"}.intersection(text)
        assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert r"\x1b[2J" in told[0]
    assert ": :error::said" in told[0]


@pytest.fixture(scope="module", params=[bytes(1 << 20), b"\n" * (1 << 20)], ids=["a line", "lines"])
def filled(request, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "filled.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(FILLING):
            file.write(request.param)
    return path


@pytest.mark.parametrize("verb", ["gate", "report", "merge"])
def test_a_small_file_that_stands_for_a_large_one_fills_no_memory(filled, verb, good, tmp_path):
    (good.directory / "records-0.jsonl").unlink()
    (good.directory / "records-0.jsonl.gz").hardlink_to(filled)
    more = ["--out", tmp_path / "merged"] if verb == "merge" else []
    process = subprocess.run(
        [sys.executable, "-m", "relayload", verb, *map(str, [good.directory, *more])],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (FILLING << 20, FILLING << 20)),
    )
    assert "Traceback" not in process.stderr
    if verb == "merge":
        assert process.returncode == 2
        assert not (tmp_path / "merged" / "run.json").exists()
    else:
        assert "not read from here on" in " ".join(process.stdout.split())
    assert process.returncode == {"gate": 4, "report": 0, "merge": 2}[verb]


def test_more_kinds_of_requests_than_the_memory_holds_are_refused(good, request_line, monkeypatch):
    monkeypatch.setattr("relayload.recording.recording._MOST_KINDS", 10)
    writer = good.writer(1)
    for index in range(100, 111):
        writer.write(request_line(index, scenario=f"s{index}", worker=1))
    writer.close()
    result = _run("gate", good.directory)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "holds more kinds of requests" in result.stderr


def test_a_run_whose_recording_nobody_could_read_is_not_begun(make_recording):
    with pytest.raises(AuthorError, match=r"the run can't be recorded: Expected `array` of length <= 1000"):
        make_recording([], objectives=("errors.rate < 1%",) * 1001)
