"""One trial of a capacity search: what was asked, and what the gate's statistics say of it.

A trial is decided by all objectives that count. A backlog that grows through all of its measured part fails it, too,
whatever its latencies are: they are only those of its length. A trial in which the generator was the bottleneck is void
and says nothing about the relay.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from relayload.core.capacity.ceiling import Ceiling
from relayload.core.capacity.full_queue import FullQueue
from relayload.core.capacity.measures import Measures
from relayload.core.capacity.recovery import Recovery
from relayload.core.capacity.refusals import NOTHING_REFUSED, OVERLOADED, Refusals
from relayload.core.metrics.saturation import Saturation
from relayload.core.metrics.summary import Summary
from relayload.core.model.record import Outcome
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.stats.binomial import share_bounds
from relayload.core.stats.sample import Percentile

BACKLOG = "backlog"
"""The name of what binds where requests in flight pile up before any objective is broken."""


class Purpose(StrEnum):
    """Why a trial is run."""

    SEARCH = "search"
    """To narrow the bracket, at the default confidence."""
    CONFIRM = "confirm"
    """To prove the rate: longer, on fresh samples, and judged as `strict` demands."""
    CONTROL = "control"
    """To see whether the relay still does what it did early in the search."""


class Decision(StrEnum):
    """What a trial says, together with those that it is pooled with."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"
    VOID = "void"
    """The generator was the bottleneck."""
    STOPPED = "stopped"
    """A guardrail or a person ended it."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A trial to run: warm-up, then the measured part, both at one rate or with as many users."""

    purpose: Purpose
    rate_per_s: float
    """Arrivals per second; with users, the least that they are known to make, and 0 where nothing is known."""
    users: int | None = None
    """The users of a closed load; None in an open one."""
    warmup_s: float
    measured_s: float
    pooled_with: tuple[int, ...] = ()
    """The earlier trials at this level that it is to be judged together with."""
    again: str = ""
    """Why the level is tried again; empty for the first time."""

    @property
    def level(self) -> float:
        """What the search varies: the rate, or the users."""
        return self.rate_per_s if self.users is None else float(self.users)

    @property
    def for_s(self) -> float:
        """The length of its load in seconds."""
        return self.warmup_s + self.measured_s

    @property
    def requests(self) -> float:
        """The expected arrivals; the least that are known of, with users."""
        return self.rate_per_s * self.for_s


class Binding(Struct, frozen=True, kw_only=True):
    """The objective that is nearest to its limit, or furthest beyond it."""

    objective: str
    """Its id, or `backlog`."""
    used: float | None
    """The part of the error budget, or of the limit, that was used: above 1 is beyond it. None for a backlog, and where
    the limit is 0."""
    observed: float | None = None
    limit: float | None = None
    unit: str | None = None


class Trial(Struct, frozen=True, kw_only=True):
    """One trial, as it is kept in `capacity.json`."""

    number: int
    purpose: Purpose
    rate_per_s: float
    """Arrivals per second: as asked for, or as its users made them."""
    users: int | None = None
    """The users of a closed load; None in an open one."""
    warmup_s: float
    measured_s: float
    """The planned lengths of its two parts in seconds."""
    decision: Decision
    proven: bool = False
    """It passed, and so do the bounds of every objective."""
    refuted: bool = False
    """It failed, and by a bound: chance alone does not explain it."""
    pooled_with: tuple[int, ...] = ()
    """The earlier trials at this level that it is judged together with."""
    again: str = ""
    """Why the level was tried again; empty for the first time."""
    objectives: tuple[ObjectiveResult, ...] = ()
    """The results of the pool."""
    binding: Binding | None = None
    reasons: tuple[str, ...] = ()
    """Why it is void or was stopped."""
    offered: int = 0
    ok: int = 0
    rate_limited: int = 0
    """How many of all its requests ended with a 429, the warm-up included."""
    overloaded: int = 0
    """How many ended with a 503 or 529."""
    failed: int = 0
    """How many did not end ok, those included."""
    ok_per_s: float | None = None
    latency_p50_s: float | None = None
    latency_p50_low_s: float | None = None
    latency_p50_high_s: float | None = None
    """Its 95 % interval; None where the requests are too few or too correlated, and in files that predate it."""
    saturation: Saturation | None = None
    ceiling: Ceiling | None = None
    """The ceiling of the requests that were let through, if 429s held back the rest."""
    queue: FullQueue | None = None
    """The bounded queue whose being full explains its refusals."""
    usd: float | None = None
    load_s: float = 0.0
    """How long its load lasted in fact: shorter where an objective ended it early."""
    recording: str = ""
    """Its directory, within that of the search."""
    recovery: Recovery | None = None
    """How the relay was found right before it; None where nobody looked."""
    measures: Measures | None = None
    """What else it tells; None in files that predate it."""

    @property
    def level(self) -> float:
        """What the search varies: the rate, or the users."""
        return self.rate_per_s if self.users is None else float(self.users)

    @property
    def used(self) -> float | None:
        """The part of the budget, or of the limit, that the binding objective used."""
        return self.binding.used if self.binding else None

    @property
    def quota_bound(self) -> bool:
        """Nearly all its failures are 429s, and no full queue explains them."""
        return self.queue is None and self._refused_by(self.rate_limited)

    @property
    def full(self) -> bool:
        """Nearly all its failures say that the relay was full, as a bounded queue makes them."""
        refused = self.overloaded if self.queue is None else self.overloaded + self.rate_limited
        return self._refused_by(refused)

    def _refused_by(self, refused: int) -> bool:
        piled_up = self.binding is not None and self.binding.objective == BACKLOG
        return self.decision is Decision.FAIL and not piled_up and 0 < _MOSTLY * self.failed <= refused


_MOSTLY = 0.9


def trial_of(
    wanted: Wanted,
    number: int,
    summary: Summary,
    verdict: Verdict,
    *,
    pooled: tuple[ObjectiveResult, ...] | None = None,
    refused: Refusals = NOTHING_REFUSED,
    ended_by: str | None = None,
    interrupted: bool = False,
    load_s: float | None = None,
    recording: str = "",
) -> Trial:
    """Decide a trial from its summary and verdict.

    `pooled` are the results of its objectives together with the trials that it is pooled with; None judges it alone.
    An objective that was proven broken, `ended_by`, may have ended what it would not prove any more once all is
    counted. If it was `interrupted`, as by a signal, requests may have failed for that, and it says nothing.
    `load_s` is how long its load lasted, if not as planned.
    """
    results = verdict.objectives if pooled is None else pooled
    decision = Decision.STOPPED if interrupted else _decision(verdict, results, summary.saturation)
    counting = [result for result in results if result.counts]
    p50 = _latency_p50(summary)
    return Trial(
        number=number,
        purpose=wanted.purpose,
        rate_per_s=wanted.rate_per_s if wanted.users is None else summary.rates.started_per_s or 0.0,
        users=wanted.users,
        warmup_s=wanted.warmup_s,
        measured_s=wanted.measured_s,
        decision=decision,
        proven=decision is Decision.PASS and all(result.proven is not False for result in counting),
        refuted=decision is Decision.FAIL
        and (ended_by is not None or bool(summary.saturation) or any(map(refutes, counting))),
        pooled_with=() if pooled is None else wanted.pooled_with,
        again=wanted.again,
        objectives=results,
        binding=_binding(counting, summary.saturation if decision is Decision.FAIL else None, ended_by),
        reasons=verdict.reasons,
        offered=summary.counts.offered,
        ok=summary.counts.ok,
        rate_limited=summary.counts.by_outcome.get(Outcome.RATE_LIMITED.value, 0),
        overloaded=sum(error.count for error in summary.errors if error.status in OVERLOADED),
        failed=summary.counts.failed,
        ok_per_s=summary.rates.ok_per_s,
        latency_p50_s=p50.value if p50 else None,
        latency_p50_low_s=p50.low if p50 else None,
        latency_p50_high_s=p50.high if p50 else None,
        saturation=summary.saturation,
        ceiling=refused.ceiling,
        queue=refused.queue,
        usd=None if summary.cost.usd is None else float(summary.cost.usd),
        load_s=wanted.for_s if load_s is None else load_s,
        recording=recording,
    )


def refutes(result: ObjectiveResult) -> bool:
    """Return whether a result FAILs by its bound, or by a fact, and not only by far in what was observed."""
    if result.verdict is not Status.FAIL or not (result.n or result.observed is not None):
        return False
    if result.budget is None or result.k is None:
        interval = (result.low, result.high)
        return None in interval or not _within(result.limit, *interval)
    if not 0 < result.budget < 1:
        return True
    size = max(1, result.effective_n)
    return share_bounds(result.k / result.n * size, size, result.confidence)[0] > result.budget


def _within(limit: float, low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low <= limit <= high


def _decision(verdict: Verdict, results: Iterable[ObjectiveResult], backlog: Saturation | None) -> Decision:
    if verdict.verdict is Status.INVALID:
        return Decision.VOID
    if verdict.verdict is Status.STOPPED:
        return Decision.STOPPED
    statuses = {result.verdict for result in results if result.counts}
    if Status.FAIL in statuses or backlog is not None:
        return Decision.FAIL
    interrupted = verdict.verdict is Status.INCONCLUSIVE and bool(verdict.reasons)
    if interrupted:
        return Decision.STOPPED
    if verdict.verdict is Status.FAIL and verdict.reasons:  # such as no data at all
        return Decision.FAIL
    return Decision.UNDECIDED if Status.INCONCLUSIVE in statuses else Decision.PASS


def _binding(
    results: Sequence[ObjectiveResult], backlog: Saturation | None, ended_by: str | None = None
) -> Binding | None:
    """Return what binds. A broken objective comes before a backlog, and facts before shares.

    What ended the trial comes first: requests that were abandoned for that may break others.
    """
    broken = [result for result in results if result.verdict is Status.FAIL]
    broken = [result for result in broken if _ended(result, ended_by)] or broken
    if not broken and backlog is not None:
        return Binding(objective=BACKLOG, used=None)
    worst = max(broken or results, key=_nearness, default=None)
    if worst is None:
        return None
    return Binding(objective=worst.id, used=_used(worst), observed=worst.observed, limit=worst.limit, unit=worst.unit)


def _ended(result: ObjectiveResult, ended_by: str | None) -> bool:
    """Return whether a run that was `ended_by` an objective, such as `errors.rate < 1%: 5 of 9`, was so by this one."""
    return ended_by is not None and ended_by.startswith(f"{result.id}: ")


def _nearness(result: ObjectiveResult) -> float:
    used = _used(result)
    return (float("inf") if result.verdict is Status.FAIL else 0.0) if used is None else used


def _used(result: ObjectiveResult) -> float | None:
    """Return the part of the budget that bad requests used, or of the limit that the observed value reached."""
    if result.budget and result.k is not None and result.n:
        return result.k / result.n / result.budget
    if result.observed is None or not result.limit:
        return None
    return result.observed / result.limit


def _latency_p50(summary: Summary) -> Percentile | None:
    latency = summary.metrics.latency
    return None if latency is None else next((each for each in latency.percentiles if each.p == 50), None)
