"""Recordings without single requests: what their snapshots tell is what the records would have told."""

from pathlib import Path
from random import Random

import pytest
from msgspec import structs
from random_runs import RandomRun, random_run

from relayload.core.model.record import Line
from relayload.core.model.run import RunInfo
from relayload.core.model.verdict import ObjectiveResult
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
