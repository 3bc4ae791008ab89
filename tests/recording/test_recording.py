import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from relayload.core.errors import AuthorError
from relayload.core.model.health import Thresholds
from relayload.core.model.record import Outcome
from relayload.core.model.verdict import Status
from relayload.core.objectives.grammar import parse
from relayload.recording import Damage, Recording, new_run_dir
from relayload.recording.sets import results


@pytest.fixture
def recording(tmp_path: Path, make_run) -> Recording:
    return Recording.create(tmp_path / "run", make_run(objectives=("latency.p50 < 1s",), ended_by=None))


def _write(recording: Recording, worker: int, lines) -> None:
    writer = recording.writer(worker)
    for line in lines:
        writer.write(line)
    writer.close()


def test_a_recording_holds_the_run_and_every_line(recording, request_line, drop_line, end_line):
    first = [request_line(0, chunk_gaps=(500, 3)), drop_line(2), end_line(0, started=1, dropped=1)]
    second = [request_line(1, worker=1, outcome=Outcome.TIMED_OUT), end_line(1, started=1)]
    _write(recording, 0, first)
    _write(recording, 1, second)
    reopened = Recording.open(recording.directory)
    assert reopened.run == recording.run
    assert list(reopened.lines()) == [*first, *second]


def test_a_line_is_there_as_soon_as_it_is_written(recording, request_line):
    recording.writer(0).write(request_line(0))
    assert list(recording.lines()) == [request_line(0)]


def test_how_a_run_ended_is_noted_later(recording):
    recording.update(ended_at_s=12.5, ended_by="sigint", offered=40)
    run = Recording.open(recording.directory).run
    assert (run.ended_at_s, run.ended_by, run.offered, run.run_id) == (12.5, "sigint", 40, "run-1")


def test_the_summary_written_is_the_summary_rebuilt(recording, request_line):
    _write(recording, 0, [request_line(index) for index in range(20)])
    recording.update(ended_at_s=100.0, ended_by="schedule", offered=20)
    written = recording.summarize()
    recording.write_summary(written)
    reopened = Recording.open(recording.directory)
    before = (recording.directory / "summary.json").read_bytes()
    assert reopened.summary() == written == reopened.rebuild()
    assert (recording.directory / "summary.json").read_bytes() == before
    assert written.counts.offered == 20


def test_a_summary_that_was_never_written_comes_from_the_records(recording, request_line):
    _write(recording, 0, [request_line(0)])
    assert recording.summary().counts.ok == 1
    assert not (recording.directory / "summary.json").exists()


def test_a_recording_is_judged_by_its_own_objectives_or_by_others(recording, request_line):
    _write(recording, 0, [request_line(index) for index in range(100)])
    recording.update(ended_at_s=100.0, ended_by="schedule")
    verdict = recording.judge()
    assert (verdict.verdict, [judged.expr for judged in verdict.objectives]) == (Status.PASS, ["latency.p50 < 1s"])
    assert recording.judge([parse("latency.p50 < 1ms")]).exit_code == 3
    assert recording.verdict() is None
    recording.write_verdict(verdict)
    assert recording.verdict() == verdict


def test_the_files_are_json_that_others_can_read(recording, request_line):
    _write(recording, 0, [request_line(0)])
    recording.rebuild()
    recording.write_verdict(recording.judge())
    summary = json.loads((recording.directory / "summary.json").read_text())
    assert summary["schema_version"] == 2
    assert summary["counts"]["offered"] == 1
    assert [percentile["p"] for percentile in summary["metrics"]["ttft"]["percentiles"]] == [50, 90, 95, 99, 99.9]
    assert json.loads((recording.directory / "verdict.json").read_text())["verdict"] == "INVALID"
    assert sorted(path.name for path in recording.directory.iterdir()) == [
        "records-0.jsonl",
        "run.json",
        "summary.json",
        "verdict.json",
    ]


def test_a_torn_last_line_is_tolerated_and_told(recording, request_line):
    _write(recording, 0, [request_line(0), request_line(2)])
    path = recording.directory / "records-0.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    lenient = Thresholds(lost_share=1.0)
    recording.update(ended_at_s=100.0, ended_by="schedule", offered=3, thresholds=lenient)
    summary = recording.summarize()
    assert summary.warnings == ("records-0.jsonl:2: the line is torn: its worker was killed while it wrote",)
    assert (summary.counts.started, summary.counts.lost, summary.generator.valid) == (1, 2, True)


@pytest.mark.parametrize("garbage", [b"not json\n", b'{"line": "request"}\n', b'{"line": "song"}\n', b"\xff\xfe\n"])
def test_a_line_that_is_no_record_makes_the_run_invalid(garbage: bytes, recording, request_line):
    _write(recording, 0, [request_line(0)])
    path = recording.directory / "records-0.jsonl"
    path.write_bytes(garbage + path.read_bytes())
    recording.update(ended_at_s=100.0, ended_by="schedule")
    folded = recording.fold()
    assert folded.damages == (Damage("records-0.jsonl", 1, torn=False),)
    assert folded.summary().generator.reasons == ("records-0.jsonl:1: the line is not a record",)
    assert folded.results()[1].verdict is Status.INVALID


_KILLED = """
import sys, time
from pathlib import Path
from relayload.core.model.record import Outcome, Record
from relayload.recording import Recording

writer = Recording.open(Path(sys.argv[1])).writer(0)
for index in range(1000):
    writer.write(Record(index=2 * index, worker=0, scenario="a", stage="steady", model="m", measured=True,
                        intended_at_s=0.01 * index, late_s=0.0, latency_s=0.1, outcome=Outcome.OK))
print("written", flush=True)
time.sleep(60)
"""


def test_a_killed_run_keeps_what_had_finished_and_has_lost_the_rest(recording):
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(recording.directory)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "written\n"
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    summary = recording.summarize()
    assert (summary.counts.started, summary.counts.lost, summary.counts.offered) == (1000, 999, 1999)
    killed, lost = recording.judge().reasons
    assert killed == "the run was killed, or could not record its end"
    assert "999 of 1999 arrivals were lost" in lost


def test_a_directory_that_holds_a_recording_is_not_written_over(recording, make_run):
    with pytest.raises(AuthorError, match="already holds a recording: name another directory"):
        Recording.create(recording.directory, make_run())


def test_a_file_is_no_place_for_a_recording(tmp_path: Path, make_run):
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorError, match="is not a directory"):
        Recording.create(tmp_path / "file", make_run())


def test_a_directory_that_is_no_recording_is_refused(tmp_path: Path):
    with pytest.raises(AuthorError, match=r"is not a recording: it has no run\.json"):
        Recording.open(tmp_path)
    with pytest.raises(AuthorError, match="there is no such directory"):
        Recording.open(tmp_path / "nowhere")


def test_a_directory_of_recordings_names_one_of_them(tmp_path: Path, make_run):
    for name in ("run-1", "run-2"):
        Recording.create(tmp_path / name, make_run())
    with pytest.raises(AuthorError, match=r"it has no run\.json; name one of those in it, such as .*run-1$"):
        Recording.open(tmp_path)


def test_records_that_can_not_be_read_are_told(recording):
    (recording.directory / "records-0.jsonl").mkdir()
    with pytest.raises(AuthorError, match=r"records-0\.jsonl: can't be read: Is a directory"):
        recording.judge()


@pytest.mark.parametrize("name", ["run.json", "summary.json", "verdict.json"])
def test_a_file_of_another_version_is_told_by_name(name: str, recording):
    (recording.directory / name).write_text('{"schema_version": 2}')
    remedy = "; relayload report --rebuild writes it anew" if name == "summary.json" else ""
    with pytest.raises(AuthorError, match=f"{name}: is not a {name} of this version: [^;]*{remedy}$"):
        Recording.open(recording.directory).summary() if name == "summary.json" else Recording.open(
            recording.directory
        ).verdict()


def _written_before(recording: Recording, request_line) -> None:
    """Requests that end after the load, as an earlier version summarized and judged them."""
    _write(recording, 0, [request_line(index, service_s=50.0) for index in range(100)])
    recording.update(
        ended_at_s=100.0, ended_by="schedule", offered=100, objectives=("goodput.per_second > 0.7",), exit_code=0
    )
    summary, verdict = recording.fold().results()
    old = replace(summary, schema_version=1, rates=replace(summary.rates, ok_per_s=1.0))
    recording.write_summary(old)
    (judged,) = verdict.objectives
    recording.write_verdict(
        replace(verdict, schema_version=1, verdict=Status.PASS, objectives=(replace(judged, observed=1.0),))
    )


def test_what_an_earlier_version_wrote_is_counted_anew(recording, request_line):
    _written_before(recording, request_line)
    assert recording.summary().rates.ok_per_s == 0.5
    summary, verdict = results(recording)
    assert (summary.rates.ok_per_s, summary.schema_version) == (0.5, 2)
    assert (verdict.verdict, verdict.objectives[0].observed) == (Status.FAIL, 0.5)
    recording.rebuild()
    assert results(recording) == (summary, verdict), "the verdict was not written anew"


def test_what_an_earlier_version_wrote_is_told_where_the_records_are_gone(recording, request_line):
    _written_before(recording, request_line)
    (recording.directory / "records-0.jsonl").unlink()
    for read in (recording.summary, lambda: results(recording)):
        with pytest.raises(AuthorError, match=r"was summarized by an earlier version, .* the records .* are gone"):
            read()


def test_a_wrong_objective_in_run_json_is_the_authors(recording):
    recording.update(objectives=("tfft.p99 < 1s",))
    with pytest.raises(AuthorError, match=r"run\.json: objectives: .* did you mean 'ttft.p99 < 1s'\?"):
        recording.judge()


def test_a_new_directory_is_named_after_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    first = new_run_dir("chat steady/1")
    assert first.parent == Path("runs")
    assert first.name.endswith("Z-chat-steady-1")
    second = new_run_dir("chat steady/1")
    assert len({first, second}) == len(list(Path("runs").iterdir())) == 2


def test_a_place_where_no_directory_can_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("runs").write_text("")
    with pytest.raises(AuthorError, match=r"runs/\S+-chat: can't be written to: Not a directory"):
        new_run_dir("chat")


def test_a_directory_that_can_not_be_written_to_is_told(recording, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorError, match=r"file/run: can't be written to: Not a directory"):
        Recording.create(tmp_path / "file" / "run", recording.run)


def test_a_summary_that_can_not_be_written_is_told(recording):
    (recording.directory / "summary.json").mkdir()
    with pytest.raises(AuthorError, match=r"summary.json: can't be written: Is a directory"):
        recording.rebuild()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "mine.yaml",
            "is a file: expected the directory of a recording, as 'relayload run' names it last; to run this",
        ),
        ("notes.txt", "is a file: expected the directory of a recording, as 'relayload run' names it last"),
        ("run/run.json", "is a file of a recording: name its directory, "),
    ],
)
def test_a_file_in_place_of_a_directory_is_told_with_what_belongs_there(tmp_path, name, told):
    (tmp_path / "run").mkdir()
    (tmp_path / name).write_text("name: x\n")
    with pytest.raises(AuthorError) as error:
        Recording.open(tmp_path / name)
    assert error.value.faults[0].message.startswith(told)
