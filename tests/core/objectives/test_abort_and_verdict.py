"""What ends a run fails its gate, and the last snapshot says what the gate says: on random runs.

They are looked at while they go on, by a master that hears of them late and twice, and judged on what was known then.
"""

import re
from collections import Counter
from random import Random

import pytest
from live import sent
from msgspec import structs
from random_runs import RandomRun, random_run

from relayload.core.metrics.fold import Fold
from relayload.core.model.record import Line
from relayload.core.model.run import RunInfo
from relayload.core.model.snapshot import Snapshot
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.abort import AbortMonitor
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.core.objectives.snapshots import MergedSnapshot, SnapshotMaker

_UNPROVEN = re.compile(r".*not proven, as strict asks(?:; these [^;]*)?(?:; )?")


class Worker:
    """A process that writes lines, and tells of them now and then."""

    def __init__(self, number: int, run: RandomRun) -> None:
        self.untold = [(at_s, line) for at_s, line in run.lines if line.worker == number]
        self.maker = SnapshotMaker(number, [*run.objectives, *run.others], run.info)

    def tell(self, now_s: float, *, whole: bool = False) -> tuple[Snapshot, list[Line]]:
        """A snapshot, and the lines that are new in it."""
        new = [line for at_s, line in self.untold if at_s <= now_s]
        self.untold = self.untold[len(new) :]
        for first in range(0, len(new), 64):
            self.maker.add(new[first : first + 64])
        return sent(self.maker.snapshot(now_s, whole=whole)), new


class Master:
    """One to whom every worker tells, sooner or later, what it has seen; each objective has a monitor of its own."""

    def __init__(self, run: RandomRun, rng: Random) -> None:
        self.run, self.rng = run, rng
        every = [*run.objectives, *run.others]
        self.watched = [(AbortMonitor([objective]), MergedSnapshot(every, run.info)) for objective in run.objectives]
        self.workers = [Worker(number, run) for number in range(run.info.workers)]
        self.known: list[Line] = []

    def hear(self, now_s: float) -> int:
        """Take what some workers tell; returns how many requests are in flight or not told of."""
        for worker in self.workers:
            if self.rng.random() < 0.8:
                snapshot, lines = worker.tell(now_s)
                self.known += lines
                for _ in range(self.rng.choice((1, 1, 2))):
                    for _, so_far in self.watched:
                        assert so_far.replace(snapshot)
        return sum(
            getattr(line, "intended_at_s", now_s) < now_s for worker in self.workers for _, line in worker.untold
        )

    def info(self, now_s: float, **changes) -> RunInfo:
        return structs.replace(self.run.info, ended_at_s=now_s, **changes)


def recorded(run: RandomRun, info: RunInfo, lines: list[Line], most_exact: int = 1000, lost: int = 0) -> Indicators:
    """What the gate has of a run."""
    fold = Fold(info.ended_at_s or 0.0, ObjectiveCounts([*run.objectives, *run.others], info), most_exact)
    fold.extend(lines)
    fold.settle()
    return Indicators(RecordedRun(fold, info), info, lost)


def looked_at(seed: int) -> Counter[str]:
    """Look at a random run at random instants; returns how often it was broken, and what was."""
    run, rng, outcomes = random_run(seed), Random(f"looks {seed}"), Counter[str]()
    master = Master(run, rng)
    for now_s in sorted(rng.uniform(0, run.ended_at_s) for _ in range(rng.randint(2, 8))):
        in_flight = rng.choice((0, master.hear(now_s)))
        breaches = [found for monitor, seen in master.watched if (found := monitor.breach(seen, now_s, in_flight))]
        if not breaches:
            continue
        indicators = recorded(run, master.info(now_s, ended_by="objective"), master.known)
        for breach in breaches:
            outcomes[f"broken {breach.objective.metric}"] += 1
            judged = judge_objective(breach.objective, indicators)
            assert judged.verdict is Status.FAIL, (seed, now_s, str(breach), judged)
    return outcomes


def lost_and_found(seed: int) -> Counter[str]:
    """Let some snapshots of a random run go astray, and judge what the master has in the end beside the records."""
    run, rng, outcomes = random_run(seed), Random(f"losses {seed}"), Counter[str]()
    every = [*run.objectives, *run.others]
    so_far = MergedSnapshot(every, run.info)
    for worker in [Worker(number, run) for number in range(run.info.workers)]:
        complete = True
        for now_s in sorted(rng.uniform(0, run.ended_at_s) for _ in range(rng.randint(0, 6))):
            snapshot, _ = worker.tell(now_s, whole=not complete)
            if rng.random() < 0.7:
                complete = so_far.replace(snapshot)
                outcomes["incomplete"] += not complete
        if not so_far.replace(worker.tell(run.ended_at_s)[0]):
            assert so_far.replace(worker.tell(run.ended_at_s, whole=True)[0])
    info = structs.replace(run.info, ended_at_s=run.ended_at_s, ended_by=rng.choice(("schedule", "schedule", "sigint")))
    lost = rng.choice((0, 0, 1, 40))
    so_far.run = info
    lines = [line for _, line in run.lines]
    gate, master = recorded(run, info, lines, rng.choice((1000, 20)), lost), Indicators(so_far, info, lost)
    for objective in every:
        wanted, judged = judge_objective(objective, gate), judge_objective(objective, master)
        outcomes[judged.verdict.value] += 1
        assert said(judged) == said(wanted), (seed, wanted, judged)
        agree_on_what_is_shown(seed, wanted.observed, judged.observed, in_windows=judged.windows is not None)
    return outcomes


def said(judged: ObjectiveResult) -> tuple[object, ...]:
    """Where windows are alike, either may take another one for the worst.

    What `strict` takes for a proof depends on the width of slots, which a snapshot has wider.
    """
    if judged.windows is None:
        _, *others = _UNPROVEN.split(judged.reason)
        if others:
            return judged.verdict if others[-1] else Status.PASS, others[-1], judged.n, judged.k
        return judged.verdict, judged.reason, judged.n, judged.k
    windows = judged.windows
    bad_share = judged.k / judged.n if judged.k else 0.0
    return judged.verdict, windows.count, windows.broken, windows.most_in_a_row, bad_share


def agree_on_what_is_shown(seed: int, wanted: float | None, shown: float | None, *, in_windows: bool) -> None:
    """Values are known to within 0.4 %, those of windows to a second."""
    assert (wanted is None) == (shown is None) or in_windows, seed
    if wanted is not None and shown is not None and not in_windows:
        assert shown == pytest.approx(wanted, rel=0.0041, abs=2e-6), seed


def looked_at_all(seeds: range) -> None:
    outcomes = sum(map(looked_at, seeds), Counter[str]())
    broken = sum(count for name, count in outcomes.items() if name.startswith("broken"))
    assert broken >= len(seeds), "runs of which few are broken prove little"


def judged_all(seeds: range) -> None:
    outcomes = sum(map(lost_and_found, seeds), Counter[str]())
    assert min(outcomes[word] for word in ("PASS", "FAIL", "INCONCLUSIVE", "incomplete")) >= len(seeds) / 5, outcomes


@pytest.mark.parametrize("first", [0, 25])
def test_whatever_ends_a_run_fails_its_gate(first: int):
    looked_at_all(range(first, first + 25))


@pytest.mark.parametrize("first", [0, 25])
def test_the_last_snapshot_says_what_the_gate_says(first: int):
    judged_all(range(first, first + 25))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(50, 3550, 500))
def test_both_hold_in_thousands_of_runs(first: int):
    looked_at_all(range(first, first + 500))
    judged_all(range(first, first + 500))
