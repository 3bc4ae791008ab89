"""Whether an objective with `abort: true` is proven broken while the run goes on.

What is in flight may yet turn out well, so it is taken for good. What is called broken fails a verdict on the same
requests: tallies are judged by its rules, and breakers and costs by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from relayload.core.results.cell import Key, Tokens
from relayload.core.results.fold import Fold
from relayload.core.results.run import RunInfo
from relayload.core.results.targets import paid
from relayload.core.results.terms import NoData
from relayload.core.verdict.evidence import Evidence, never_measured, tagged
from relayload.core.verdict.facts import known_usd
from relayload.core.verdict.judgement import Judgement
from relayload.core.verdict.judging import judge_objective
from relayload.core.verdict.looks import Looks, Moment, amount_beyond, in_a_row
from relayload.core.verdict.objective import Objective, Op, replace_terms
from relayload.core.verdict.stats import Word
from relayload.core.verdict.tally import Paid, Sighting
from relayload.core.verdict.wording import quantity


@dataclass(frozen=True, slots=True)
class Broken:
    """An objective that is proven broken, and how."""

    objective: Objective
    reason: str

    def __str__(self) -> str:
        return f"{self.objective.id}: {self.reason}"


def watched(objectives: Iterable[Objective]) -> tuple[Objective, ...]:
    """Those that may end the run."""
    return tuple(objective for objective in objectives if objective.terms.abort)


class Watch:
    """Adds up what all processes see, and judges it whenever it is asked."""

    def __init__(self, objectives: Sequence[Objective], run: RunInfo) -> None:
        """`objectives` are the watched ones, in the order in which they are tallied."""
        self._run = run
        self._fold = Fold()
        """Without requests: the transitions of breakers, and how far the run has come."""
        self._answered: dict[str, set[str]] = {}
        """By scenario, the watched metrics that its answers had."""
        self._used: dict[Key, _Used] = {}
        self._looks = [Looks(objective) for objective in objectives]
        self._by_breakers: dict[Objective, _Breakers] = {}

    def add(self, sighting: Sighting) -> None:
        """What a process has seen since its last sighting."""
        self._fold.transitions += sighting.transitions
        self._fold.last_due_s = max(self._fold.last_due_s, sighting.last_due_s)
        self._fold.last_end_s = max(self._fold.last_end_s, sighting.last_end_s)
        for scenario, metrics in sighting.answered.items():
            self._answered.setdefault(scenario, set()).update(metrics)
        for one in sighting.paid:
            self._used.setdefault(one.key, _Used()).add(one)
        for tally in sighting.tallies:
            self._looks[tally.objective].add(tally)

    def broken(self, now_s: float, in_flight: int = 0) -> Broken | None:
        """The first objective that is proven broken at that instant of the run, whatever comes of what is in flight."""
        evidence = self._until(now_s)
        for looks in self._looks:
            if now_s >= looks.objective.terms.abort_after_s:
                reason = self._by_sums(looks.objective, evidence, final=False)
                reason = reason or looks.reason(self._moment(looks.objective, evidence, now_s, in_flight))
                if reason:
                    return Broken(looks.objective, reason)
        return None

    def breaches(self, now_s: float) -> Iterator[Broken]:
        """Every objective that is broken if the run has ended: as the verdict finds, which looks once."""
        evidence = self._until(now_s)
        for looks in self._looks:
            reason = self._by_sums(looks.objective, evidence, final=True)
            reason = reason or looks.breach(self._moment(looks.objective, evidence, now_s))
            if reason:
                yield Broken(looks.objective, reason)

    def _until(self, now_s: float) -> Evidence:
        """The run as if it had ended then."""
        return Evidence(self._fold, structs.replace(self._run, ended_at_s=now_s), 0)

    def _moment(self, objective: Objective, evidence: Evidence, now_s: float, in_flight: int = 0) -> Moment:
        return Moment(
            now_s=now_s,
            in_flight=in_flight,
            windows=1 if objective.terms.over_s is None else evidence.window_count(objective),
            without={metric: self._without(metric) for metric in objective.metrics},
        )

    def _without(self, metric: str) -> set[str]:
        return never_measured(metric, self._run, self._answered, lambda name: metric in self._answered[name])

    def _by_sums(self, objective: Objective, evidence: Evidence, *, final: bool) -> str | None:
        """What breakers and prices say, which are no matter of single requests."""
        match objective.metric:
            case "breaker":
                seen = self._by_breakers.setdefault(objective, _Breakers(objective))
                return seen.reason(evidence, final=final)
            case "cost":
                used = {key: own for key, own in self._used.items() if tagged(objective.tags, key.place)}
                cost = paid(used, self._run)
                whole = final and cost.usd is not None
                return amount_beyond(objective, known_usd(cost), final=whole) if cost.by_model else None
            case _:
                return None


class _Breakers:
    """An objective on breakers, which is judged again once there is something new."""

    def __init__(self, objective: Objective) -> None:
        self._objective = replace_terms(objective, on_no_data=NoData.PASS)
        self._growing = replace(self._objective, op=Op.AT_MOST) if objective.op is Op.EQUAL else self._objective
        """What has not happened yet still may."""
        self._known: tuple[int, int] | None = None
        self._judged: Judgement | None = None

    def reason(self, evidence: Evidence, *, final: bool) -> str | None:
        objective = self._objective if final else self._growing
        judged = judge_objective(objective, evidence) if final else self._latest(evidence)
        if judged.verdict is not Word.FAIL or judged.observed is None:
            return None
        windows, worst = judged.windows, quantity(judged.observed, objective.unit)
        if windows is None:
            return f"{worst} until now"
        return f"{in_a_row(windows.most_in_a_row, windows.over_s)}{worst} in the worst"

    def _latest(self, evidence: Evidence) -> Judgement:
        """Windows that are over change by new transitions alone."""
        if self._growing.terms.over_s is None:
            return judge_objective(self._growing, evidence)
        known = len(evidence.fold.transitions), evidence.window_count(self._growing)
        if self._judged is None or known != self._known:
            self._known, self._judged = known, judge_objective(self._growing, evidence)
        return self._judged


class _Used:
    """What the requests of one key used, added up."""

    def __init__(self) -> None:
        self.tokens, self.retried = Tokens(), Tokens()
        self._requests = 0

    def __len__(self) -> int:
        return self._requests

    def add(self, paid: Paid) -> None:
        self._requests += paid.requests
        self.tokens.merge(Tokens.of(paid.tokens))
        self.retried.merge(Tokens.of(paid.retried))
