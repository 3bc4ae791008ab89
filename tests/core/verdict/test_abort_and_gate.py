"""What ends a run fails its gate: random runs, looked at while they go on, and judged on what was known then."""

from collections import Counter
from random import Random

import msgspec
import pytest
from msgspec import structs
from random_runs import RandomRun, random_run

from relayload.core.results.fold import Fold
from relayload.core.results.record import Line
from relayload.core.results.terms import NoData
from relayload.core.verdict.conditions import rowwise
from relayload.core.verdict.evidence import Evidence
from relayload.core.verdict.judging import judge_objective
from relayload.core.verdict.objective import Objective, Op, replace_terms
from relayload.core.verdict.stats import Word, mean_deviation
from relayload.core.verdict.tally import Sighting, tally
from relayload.core.verdict.watch import Broken, Watch


class Master:
    """One to whom every worker tells, sooner or later, what it has seen; each objective has a watch of its own."""

    def __init__(self, run: RandomRun, rng: Random) -> None:
        self.run, self.rng = run, rng
        self.watches = [Watch([objective], run.info) for objective in run.objectives]
        self.known: list[Line] = []
        self._untold: dict[int, list[tuple[float, Line]]] = {}
        for at_s, line in run.lines:
            self._untold.setdefault(line.worker, []).append((at_s, line))

    def hear(self, now_s: float, *, everything: bool = False) -> int:
        """Take what some workers tell; returns how many requests are in flight or not told of."""
        for worker, lines in self._untold.items():
            new = [line for at_s, line in lines if at_s <= now_s]
            if new and (everything or self.rng.random() < 0.8):
                self._see(tally(self.run.objectives, self.run.info, new))
                self.known += new
                self._untold[worker] = lines[len(new) :]
        return sum(
            getattr(line, "intended_at_s", now_s) < now_s for lines in self._untold.values() for _, line in lines
        )

    def _see(self, sighting: Sighting) -> None:
        sent = msgspec.convert(msgspec.to_builtins(sighting), Sighting)
        for number, watch in enumerate(self.watches):
            own = (structs.replace(one, objective=0) for one in sent.tallies if one.objective == number)
            watch.add(structs.replace(sent, tallies=tuple(own)))

    def recorded(self, now_s: float) -> Evidence:
        """What the gate has of a run that ended then."""
        fold = Fold(now_s, rowwise(self.run.objectives))
        fold.extend(self.known)
        fold.settle()
        return Evidence(fold, structs.replace(self.run.info, ended_at_s=now_s, ended_by="objective"), 0)


def looked_at(seed: int) -> Counter[str]:
    """Look at a random run at random instants, and at its end; returns how often it was broken, and what was."""
    run, rng, outcomes = random_run(seed), Random(f"looks {seed}"), Counter[str]()
    master = Master(run, rng)
    for now_s in sorted(rng.uniform(0, run.ended_at_s) for _ in range(rng.randint(2, 8))):
        in_flight = rng.choice((0, master.hear(now_s)))
        found = [broken for watch in master.watches if (broken := watch.broken(now_s, in_flight))]
        evidence = master.recorded(now_s) if found else None
        for broken in found:
            outcomes[f"broken {broken.objective.metric}"] += 1
            judged = judge_objective(broken.objective, evidence)
            assert judged.verdict is Word.FAIL, (seed, now_s, str(broken), judged)
    master.hear(run.ended_at_s, everything=True)
    evidence = master.recorded(run.ended_at_s)
    for objective, watch in zip(run.objectives, master.watches, strict=True):
        breach = next(watch.breaches(run.ended_at_s), None)
        outcomes[f"{'breach' if breach else 'no breach'} of {objective.metric}"] += 1
        agree_in_the_end(seed, objective, breach, evidence)
    return outcomes


def agree_in_the_end(seed: int, objective: Objective, breach: Broken | None, evidence: Evidence) -> None:
    """Where nothing was measured there is nothing to agree on."""
    decided = replace_terms(objective, on_no_data=NoData.PASS)
    if breach is None and (few_for_a_mean(decided, evidence) or nothing_tripped(objective)):
        return
    judged = judge_objective(decided, evidence)
    assert (judged.verdict is Word.FAIL) == (breach is not None), (seed, str(breach), judged)


def few_for_a_mean(objective: Objective, evidence: Evidence) -> bool:
    """A recording has more to tell of a mean than its seconds do, where these are fewer than ten."""
    pieces = [evidence] if objective.terms.over_s is None else [one.evidence for one in evidence.windows(objective)]
    return objective.aggregate == "avg" and any(mean_deviation(one.deviations(objective)) is None for one in pieces)


def nothing_tripped(objective: Objective) -> bool:
    """A watch of breakers hears of changes alone: it can't tell that there were requests, and no trips."""
    return objective.metric == "breaker" and objective.op is Op.EQUAL


def looked_at_all(seeds: range) -> None:
    outcomes = sum(map(looked_at, seeds), Counter[str]())
    broken = sum(count for name, count in outcomes.items() if name.startswith("broken"))
    assert broken >= len(seeds), "runs of which few are broken prove little"


@pytest.mark.parametrize("first", [0, 50, 100, 150])
def test_whatever_ends_a_run_fails_its_gate_and_in_the_end_both_agree(first: int):
    looked_at_all(range(first, first + 50))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 21_000, 500))
def test_whatever_ends_a_run_fails_its_gate_in_thousands_of_runs(first: int):
    looked_at_all(range(first, first + 500))
