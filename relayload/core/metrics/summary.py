"""The summary of a run: `summary.json`, schema version 2, which others may rely on.

`counts`, `errors`, `tokens`, `retries`, `quota`, `breaker`, `cost` and `timeline` cover the whole run, warm-up
included. `rates` and `metrics` cover the measured stages, and `metrics` only the requests that ended ok; `scope` says
so in the file. In a stage's own tables its own requests stand, also those of a warm-up.

Version 1 divided the ok requests of the measured stages by their length, however late they ended; since version 2 rates
of what ended count it where it ended.
"""

from typing import TYPE_CHECKING

from msgspec import Struct, defstruct, field

from relayload.core.audit.findings import Audit
from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.cost import Cost
from relayload.core.metrics.metric import Output
from relayload.core.metrics.saturation import Saturation
from relayload.core.metrics.side_by_side import SideBySide
from relayload.core.model.record import Outcome
from relayload.core.stats.sample import Distribution

SCHEMA_VERSION = 2


class Scope(Struct, frozen=True):
    """What the parts of a summary cover, in words."""

    counts: str = "the whole run, warm-up included"
    rates: str = "the measured stages; ok and tokens are what ended in them, whichever stage it was sent in"
    metrics: str = "requests of the measured stages that ended ok; percentiles with their 95 % interval"


class ProfileName(Struct, frozen=True):
    name: str
    sha256: str


class Counts(Struct, frozen=True, kw_only=True):
    """offered = started + dropped + lost, and started = the sum of by_outcome."""

    offered: int
    started: int
    dropped: int
    lost: int
    ok: int
    by_outcome: dict[str, int]
    attempts: int
    retries: int

    def __post_init__(self) -> None:
        assert self.offered == self.started + self.dropped + self.lost, self
        assert self.started == sum(self.by_outcome.values()), self

    @property
    def failed(self) -> int:
        """Requests that were neither ok nor cancelled on purpose."""
        return self.started - self.ok - self._cancelled

    @property
    def errors_rate(self) -> float | None:
        """The share of failed requests among those that were not cancelled on purpose; None if there are none."""
        return self.failed / self.not_cancelled if self.not_cancelled else None

    @property
    def not_cancelled(self) -> int:
        """Requests that were not cancelled on purpose."""
        return self.started - self._cancelled

    @property
    def _cancelled(self) -> int:
        return self.by_outcome.get(Outcome.CANCELLED.value, 0)


class Rates(Struct, frozen=True, kw_only=True):
    """Per second of the measured span; `max_in_...` is the most requests started in any sliding window of the run.

    The measured span is made of the measured stages and the pauses between them.
    """

    measured_s: float
    """The length of the measured span in seconds; that of a batch is its makespan."""
    offered_per_s: float | None
    """The requests of the measured stages. This rate and those below are None where none was reached."""
    started_per_s: float | None
    ok_per_s: float | None
    """The requests that ended ok inside the measured span, whichever stage they were sent in."""
    output_tokens_per_s: float | None
    """All tokens of those."""
    ended_later: int = 0
    """Requests of the measured stages that ended ok after the measured span, and so are in no rate of it."""
    ended_later_s: float | None = None
    """How long after it the last of them ended; None where there were none."""
    max_in_1s: int | None
    """None, as below, while the run goes on."""
    max_in_60s: int | None
    max_attempts_in_1s: int | None = None
    """The same with retries, each counted when it was sent; None, as below, in summaries that predate it."""
    max_attempts_in_60s: int | None = None


class _ByName(Struct, frozen=True):
    """Distributions by the name of their metric."""

    def __getitem__(self, metric: str) -> Distribution | None:
        found: Distribution | None = getattr(self, metric)
        return found


if TYPE_CHECKING:

    class Metrics(_ByName, frozen=True):
        """A field for each metric of the catalog that summaries show."""

        def __init__(self, **by_name: Distribution | None) -> None: ...

        def __getattr__(self, metric: str) -> Distribution | None: ...

else:
    Metrics = defstruct(
        "Metrics",
        [(metric.name, Distribution | None, None) for metric in shown_in(Output.SUMMARY)],
        bases=(_ByName,),
        module=__name__,
        namespace={"__doc__": "One distribution per metric; absent where nothing was measured."},
        frozen=True,
        kw_only=True,
        omit_defaults=True,
    )
    """`throttled` is absent where no request waited for a quota; else it covers all requests, including those without a
    wait."""


class TokenCounts(Struct, frozen=True, kw_only=True):
    """The tokens of every attempt, as the relay told them; `counted` attempts had their chunks counted instead."""

    input: int
    cached_input: int
    output: int
    reasoning: int
    counted: int


class ErrorCount(Struct, frozen=True, kw_only=True, rename={"relay_message": "said"}):
    """How many requests ended in this way."""

    outcome: str
    error: str | None
    status: int | None
    count: int
    relay_message: str | None = None
    """The relay's message of the first such request, shortened."""


class Retries(Struct, frozen=True, kw_only=True):
    """What was tried again, and why no more."""

    by_kind: dict[str, int] = field(default_factory=dict)
    """Retries by the result of the attempt before."""
    amplification: float | None = None
    """Attempts per request that sent any; None where none did."""
    succeeded_after_retry: int = 0
    """Requests that ended ok, but not at the first attempt."""
    backoff_s: float = 0.0
    """Total seconds of waiting before retries."""
    stopped_by: dict[str, int] = field(default_factory=dict)
    """Failed requests by the reason why they were not tried again."""


class QuotaWaits(Struct, frozen=True, kw_only=True):
    """Requests that waited for our own quota, and how long, added up."""

    throttled: int = 0
    throttled_s: float = 0.0


class BreakerChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A breaker changed its state, with the calls behind it: see `record.Transition`."""

    at_s: float
    worker: int
    scope: str
    before: str
    after: str
    reason: str
    calls: int = 0
    failures: int = 0
    slow: int = 0
    since_s: float | None = None


class BreakerActs(Struct, frozen=True, kw_only=True):
    """What the circuit breakers of all workers did."""

    trips: int = 0
    open_time_s: float = 0.0
    """Seconds until the load's end, added up over workers and scopes."""
    short_circuited: int = 0
    """Requests that a breaker refused."""
    enforced: bool | None = None
    """False where breakers only watched; None where none changed its state."""
    transitions: tuple[BreakerChange, ...] = ()
    """In order of time."""


class Group(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The requests that share a scenario, a model or a stage. What was lost can't be told apart."""

    started: int
    dropped: int
    ok: int
    by_outcome: dict[str, int]
    measured_s: float
    ok_per_s: float | None
    output_tokens_per_s: float | None
    metrics: Metrics
    warmup: bool = False

    @property
    def failed(self) -> int:
        """Requests that were neither ok nor cancelled on purpose."""
        return self.not_cancelled - self.ok

    @property
    def not_cancelled(self) -> int:
        """Requests that were not cancelled on purpose."""
        return self.started - self.by_outcome.get(Outcome.CANCELLED.value, 0)


class PaidGroup(Group, frozen=True, kw_only=True, omit_defaults=True):
    """The requests to one of several targets, with one key or of one free tag, and what they cost at their targets."""

    tokens: TokenCounts
    cost: Cost = Cost()


class Second(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of the timeline. Percentiles are of the requests that were due in it and ended ok at any time."""

    at_s: float
    offered: int
    """Arrivals that were due in the step."""
    started: int
    """Those of them that were started, in time or late."""
    ok: int
    """Requests that ended ok in the step, whenever they were due; `failed` likewise counts the others."""
    failed: int
    ttft_p50_s: float | None = None
    ttft_p99_s: float | None = None
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None


class GeneratorHealth(Struct, frozen=True, kw_only=True):
    """Whether the load was delivered and measured as it should be; the worst of all workers."""

    timestamps: str | None
    """`kernel`, or `user` if any worker had to use its own clock."""
    ttft_error_p99_s: float | None = None
    """By how much the p99 of TTFT may be too large; None where that is unknown, as with `user` timestamps."""
    loop_lag_p99_s: float | None
    late_p99_s: float | None
    clock_error_s: float | None = None
    """By how much the schedules of workers on other hosts may have been off; 0 where there are none."""
    cpu_share: float | None
    gc_pause_max_s: float | None
    open_files_max: int | None
    open_files_limit: int | None
    """The limit of the worker that came nearest to it."""
    valid: bool
    reasons: tuple[str, ...]


class BatchTally(Struct, frozen=True, kw_only=True):
    """Where the requests of a batch are: requests = queued + running + done + failed + lost."""

    requests: int
    queued: int
    """Never begun, since the run ended before their turn came: they were not offered."""
    running: int
    """Under way when the run ended, and abandoned."""
    done: int
    """Ended ok, or as their scenario wants: cancelled."""
    failed: int
    lost: int
    """Requests of a worker that died, whose result is unknown."""
    makespan_s: float | None
    """Seconds from the first start to the end of the last request; None where none was started."""

    @property
    def finished(self) -> bool:
        """Every request has ended, ok or not."""
        return not (self.queued or self.running or self.lost)


class Summary(Struct, frozen=True, kw_only=True):
    """Everything a report shows and a gate needs to know of a run."""

    run_id: str
    profile: ProfileName
    started_at: str
    duration_s: float
    workers: int
    scope: Scope
    counts: Counts
    rates: Rates
    metrics: Metrics
    errors: tuple[ErrorCount, ...]
    tokens: TokenCounts
    by_scenario: dict[str, Group]
    by_model: dict[str, Group]
    by_stage: dict[str, Group]
    by_target: dict[str, PaidGroup] = {}
    """By target, where there are several, in the order of the profile."""
    by_key: dict[str, PaidGroup] = {}
    """By the name of the key, where keys have names, in the order of the profile."""
    by_tag: dict[str, dict[str, PaidGroup]] = {}
    """By the name of each free tag of scenarios, by its value. Scenarios without the tag are in none."""
    comparison: SideBySide | None = None
    """None where arrivals went to one target each."""
    timeline_step_s: float
    timeline: tuple[Second, ...]
    generator: GeneratorHealth
    retries: Retries = Retries()
    quota: QuotaWaits = QuotaWaits()
    breaker: BreakerActs = BreakerActs()
    cost: Cost = Cost()
    batch: BatchTally | None = None
    """The requests of a batch load; None for other loads."""
    saturation: Saturation | None = None
    """By how much the backlog grew, if it did so through the whole of an open load; else None."""
    audit: Audit | None = None
    """What the audited answers say of usage and models; None where none was audited."""
    warnings: tuple[str, ...] = ()
    """Warnings that do not invalidate the numbers."""
    schema_version: int = SCHEMA_VERSION
