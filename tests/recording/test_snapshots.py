"""Recordings without single requests: what their snapshots tell is what the records would have told."""

from pathlib import Path
from random import Random

import pytest
from msgspec import structs
from random_runs import RandomRun, random_run

from relayload.core.errors import AuthorError
from relayload.core.model.record import Line, Outcome
from relayload.core.model.run import RunInfo
from relayload.core.model.verdict import ObjectiveResult
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.snapshots import SnapshotMaker
from relayload.core.objectives.verdict import assess
from relayload.recording import Recording
from relayload.recording.compression import Compression
from relayload.recording.snapshots import SnapshotWriter

SEEDS = [seed if seed < 12 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(60)]


def _objectives(run: RandomRun) -> list[Objective]:
    asked = [*run.objectives, *run.others]
    return list({objective.id: objective for objective in asked}.values())


def _recorded(
    folder: Path, info: RunInfo, objectives: list[Objective], lines: list[Line], compression: Compression
) -> Recording:
    """A recording of what each process told, now and then."""
    recording = Recording.create(folder, info)
    writer, rng, now_s = SnapshotWriter(folder, objectives, compression), Random(len(lines)), 0.0
    for worker in range(info.workers):
        maker, own = SnapshotMaker(worker, objectives, info), [line for line in lines if line.worker == worker]
        while own:
            count, now_s = rng.randint(1, 200), now_s + rng.uniform(0, 4)
            maker.add(own[:count])
            del own[:count]
            writer.add(maker.snapshot(now_s), now_s)
    writer.close()
    return recording


def _said(result: ObjectiveResult) -> tuple[object, ...]:
    if result.windows is not None:
        return result.verdict, result.windows.count, result.windows.broken, result.windows.most_in_a_row
    return result.verdict, result.proven, result.k, result.n, result.budget


@pytest.mark.parametrize("seed", SEEDS)
def test_snapshots_say_what_the_records_would_have_said(seed: int, folded, tmp_path: Path):
    made = random_run(seed)
    objectives, lines = _objectives(made), [line for _, line in made.lines]
    info = structs.replace(made.info, ended_at_s=made.ended_at_s, ended_by="schedule", records="none")
    info = structs.replace(info, objectives=tuple(objective.spec for objective in objectives))
    recording = _recorded(tmp_path / "run", info, objectives, lines, Random(seed).choice(list(Compression)))
    summary, verdict = recording.fold().results()
    wanted, by_records = assess(objectives, folded(lines, objectives, structs.replace(info, records="all")), info)
    assert [_said(one) for one in verdict.objectives] == [_said(one) for one in by_records.objectives]
    assert verdict.verdict == by_records.verdict
    for name in ("counts", "errors", "tokens", "cost", "breaker", "workers", "duration_s", "batch", "saturation"):
        assert getattr(summary, name) == getattr(wanted, name), name
    assert summary.counts.offered == summary.counts.started + summary.counts.dropped + summary.counts.lost
    assert summary.counts.started == sum(summary.counts.by_outcome.values())
    assert any(warning.startswith("judged from snapshots") for warning in summary.warnings)


@pytest.fixture
def steady(make_run, tmp_path: Path, request_line):
    """Makes a recording of 100 requests, of which none is on record unless told otherwise."""

    def make(records: str = "none", compression: Compression = Compression.NONE) -> Recording:
        objectives = [parse("latency.p95 < 1s")]
        info = make_run(records=records, objectives=("latency.p95 < 1s",), offered=100)
        return _recorded(tmp_path / "run", info, objectives, [request_line(n) for n in range(100)], compression)

    return make


def test_an_objective_that_nobody_counted_is_refused_in_one_line(steady):
    recording = steady()
    assert recording.judge([parse("latency.p95 < 1s")]).objectives[0].n == 100
    with pytest.raises(AuthorError, match=r"snapshots\.jsonl: 'latency\.p95 < 2s' can't be judged") as refused:
        recording.judge([parse("latency.p95 < 2s")])
    assert len(refused.value.faults) == 1


def test_what_no_snapshot_tells_of_is_lost(steady):
    recording = steady()
    recording.update(offered=103)
    counts = recording.summarize().counts
    assert (counts.offered, counts.started, counts.lost) == (103, 100, 3)


def test_records_that_are_kept_are_shown_and_never_counted(steady, request_line):
    recording = steady("errors")
    writer = recording.writer(0)
    writer.write(request_line(7, outcome=Outcome.SERVER_ERROR))
    writer.close()
    folded = recording.fold()
    summary = folded.summary()
    assert (summary.counts.started, summary.counts.ok) == (100, 100)
    assert [lane.record.index for lane in folded.charts(summary).data.slowest or ()] == [7]


def test_without_kept_records_there_are_no_lanes(steady):
    folded = steady().fold()
    assert folded.charts(folded.summary()).data.slowest is None


def test_a_torn_line_of_snapshots_is_a_warning(steady):
    recording = steady()
    path = recording.directory / "snapshots.jsonl"
    path.write_bytes(path.read_bytes() + b'{"line":"told","snapsh')
    summary, _ = recording.fold().results()
    assert any("is torn" in warning for warning in summary.warnings)
    assert summary.counts.ok == 100


@pytest.mark.parametrize("line", [b"no json\n", b'{"line":"told","snapshot":{"worker":0,"number":-1}}\n'])
def test_a_line_that_is_no_snapshot_makes_the_run_invalid(line: bytes, steady):
    recording = steady()
    path = recording.directory / "snapshots.jsonl"
    path.write_bytes(path.read_bytes() + line)
    assert recording.judge().verdict == "INVALID"


def test_counts_that_no_worker_tells_are_refused(steady):
    recording = steady()
    path = recording.directory / "snapshots.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"indicator":0', b'"indicator":9').replace(b"[[0,[0,", b"[[9,[0,"))
    with pytest.raises(AuthorError, match="tells of counts that no worker tells"):
        recording.fold()


def test_without_snapshots_there_is_nothing_to_judge(steady):
    recording = steady()
    assert recording.has_records
    (recording.directory / "snapshots.jsonl").unlink()
    assert not recording.has_records
    with pytest.raises(AuthorError, match=r"has no snapshots\.jsonl, from which its numbers come"):
        recording.fold()
