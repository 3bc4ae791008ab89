"""The facts of a run apart from its requests: the content of `run.json`."""

import math
from collections.abc import Iterator
from types import MappingProxyType
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, field

from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.model.amounts import (
    MOST_CHANGES,
    MOST_KEYS,
    MOST_OBJECTIVES,
    MOST_PRICES,
    MOST_STAGES,
    MOST_TAGS,
    MOST_TARGETS,
    Count,
    Instant,
    Length,
    Offset,
    Share,
    Worker,
)
from relayload.core.model.health import Thresholds
from relayload.core.model.objective_options import ObjectiveSpec, Written
from relayload.core.price import Price
from relayload.core.units import format_duration


class ProfileInfo(Struct, frozen=True, kw_only=True):
    """Which profile was run."""

    name: str
    sha256: str
    file: str | None = None
    """The effective profile, in the directory of the recording."""


LAUNCHER = "launcher"
"""`ended_by` of a run whose launcher died, and with it the fake relays that this had started."""
_INTERRUPTIONS = MappingProxyType(
    {
        **{ExitCode(code).name.lower(): name for code, name in INTERRUPTIONS.items()},
        "stop": "a stop from the page or by --run-time",
        "workers": "the loss of the last worker",
        LAUNCHER: "the death of the relayload process that started it",
    }
)


ALL = "all"
"""`records` of a run whose every request is on record."""
CRASH = "crash"
"""`ended_by` of a run that a failure of relayload's own ended."""


class StageInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stage as planned. `for_s` is None where only the run knows its end, as in a batch or a trace."""

    name: str
    for_s: Length | None
    warmup: bool = False
    """The stage is left out of the statistics, as a warm-up or a cool-down."""
    pause: bool = False
    """Nothing is sent. A pause is measured only between measured stages."""


class TargetInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of several targets."""

    base_url: str
    prices: Annotated[dict[str, Price], Meta(max_length=MOST_PRICES)] = {}
    """By model, in US dollars per million tokens."""


AT_BEST = "INCONCLUSIVE at best"
"""What the verdict is of a run that was changed by hand: it is not the one that was planned."""


class HandChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody changed the load while it went on."""

    at_s: Instant
    rate_factor: Share | None = None
    """By which the rates of the profile are multiplied from then on."""
    users: Count | None = None
    """The number of users of a closed load from then on."""
    by: str = ""
    """Who did it, as far as it is known: `web page`, with the name of a login if there is one."""

    def __str__(self) -> str:
        """Return it in words, as a reason of the verdict."""
        what, to = ("users", f"{self.users:,}") if self.rate_factor is None else ("rate", f"x{self.rate_factor:g}")
        return f"{what} changed by hand at {format_duration(self.at_s)}: {to}"

    def told(self, now_s: float) -> str:
        """Return it in words at an instant of the run, at which another rate may be still to come."""
        if self.rate_factor is None or self.at_s <= now_s:
            return str(self)
        return f"rate changes by hand from {format_duration(self.at_s)} on: x{self.rate_factor:g}"


class WorkerInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last counts a worker reported, for workers without a last line on record."""

    worker: Worker
    started: Count
    dropped: Count = 0
    drained: bool = False
    """The worker ended in order and wrote its last line; otherwise it died."""
    host: str = ""
    """The name of its host."""
    clock_offset_s: Offset | None = None
    """The master's monotonic clock minus that of the worker's host; 0 on the master's own."""
    clock_error_s: Length | None = None
    """By how much the worker's schedule may have been off the master's at most; 0 on the master's own host."""
    clock_steps: Count = 0
    """How often the wall clock of the worker's host was stepped during the run."""


class RunInfo(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"worker_reports": "last_told"}):
    """The facts of a run. Those that start with `ended` are None until it ended in order."""

    run_id: str
    profile: ProfileInfo
    started_at: str
    """ISO 8601, UTC."""
    load_kind: str
    """`open`, `closed` or `batch`."""
    stages: Annotated[tuple[StageInfo, ...], Meta(max_length=MOST_STAGES)]
    workers: Worker
    base_url: str
    """The URL of the target, without credentials; with several targets, that of the first."""
    targets: Annotated[dict[str, TargetInfo], Meta(max_length=MOST_TARGETS)] = {}
    """By name, where there are several. The first is the base of comparisons."""
    keys: Annotated[tuple[str, ...], Meta(max_length=MOST_KEYS * MOST_TARGETS)] = ()
    """The names of the keys of all targets, in the order of the profile; empty where none has a name."""
    tags: Annotated[dict[str, Annotated[dict[str, str], Meta(max_length=MOST_TAGS)]], Meta(max_length=MOST_STAGES)] = {}
    """By scenario, its free tags, where it has any."""
    reference: str | None = None
    """The target with which the audit compares the others; None where there is none."""
    paired: bool = False
    """Every arrival went to each of the targets."""
    streaming: tuple[str, ...] = ()
    """Scenarios whose answers are all requested as streams."""
    cautions: tuple[str, ...] = ()
    """Warnings for every reader of the results, such as that certificates were not verified."""
    objectives: Annotated[tuple[str | ObjectiveSpec, ...], Meta(max_length=MOST_OBJECTIVES)] = ()
    """Their text, with their options where they have any."""
    written: Annotated[dict[str, Written], Meta(max_length=MOST_OBJECTIVES)] = {}
    """The place of each objective in the profile, by its id."""
    thresholds: Thresholds = Thresholds()
    prices: Annotated[dict[str, Price], Meta(max_length=MOST_PRICES)] = {}
    """By model, in US dollars per million tokens: the prices applied to the run. `any` stands for all other models."""
    versions: dict[str, str] = field(default_factory=dict)
    platform: str = ""
    ended_at_s: Instant | None = None
    """When the load ended: nothing was due later, though answers may have come later."""
    ended_by: str | None = None
    """`schedule`, `stop`, `sigint`, `sigterm`, `sighup`, `crash`, `workers`, `launcher`, `guardrail` ..."""
    stopped_by_guardrail: str | None = None
    """Which guardrail stopped the run, and why."""
    stopped_by_objective: str | None = None
    """Which broken objective stopped the run early, and how."""
    changes: Annotated[tuple[HandChange, ...], Meta(max_length=MOST_CHANGES)] = ()
    """What was changed by hand while the load went on."""
    crash: str | None = None
    """What of relayload failed and ended the run, or made a part of it worthless."""
    offered: Count | None = None
    """Arrivals that were due until the run ended; None in a closed load. In a batch, those whose turn came."""
    requests: Count | None = None
    """The requests of a batch; None for other loads."""
    exit_code: int | None = None
    worker_reports: tuple[WorkerInfo, ...] = ()
    """What each worker last reported; `last_told` in `run.json`."""
    uid: str = ""
    """A stamp of the run's master that distinguishes its parts from those of other runs; empty in recordings of earlier
    versions. A merged run has the stamps of its parts, joined."""
    records: str = ALL
    """Which single requests are on record, as `recording.records` of the profile says. Unless these are `all`, the
    numbers come from the snapshots."""
    part: Worker | None = None
    """The number of the worker whose records alone this holds; None for a whole run."""
    schema_version: int = 1

    @property
    def identity(self) -> tuple[str, ...]:
        """The values that all parts of one run share and no other run has."""
        return (self.uid,) if self.uid else (self.run_id, self.started_at)

    @property
    def copies(self) -> int:
        """The number of requests per arrival, all with its index."""
        return len(self.targets) if self.paired else 1

    @property
    def interrupted_by(self) -> str | None:
        """Who ended the run before its plan was complete, in words; None where nobody did."""
        return _INTERRUPTIONS.get(self.ended_by or "")

    @property
    def guardrail_reason(self) -> str | None:
        """Which guardrail stopped the run and why, in words; None where none did."""
        if self.ended_by != "guardrail" and not self.stopped_by_guardrail:
            return None
        return f"a guardrail stopped the run: {self.stopped_by_guardrail or 'it did not say why'}"

    @property
    def ended_early(self) -> bool:
        """Someone or something ended the run before its plan was complete."""
        stopped = self.stopped_by_guardrail or self.stopped_by_objective
        return self.interrupted_by is not None or self.ended_by in ("guardrail", CRASH) or stopped is not None

    @property
    def cut_off(self) -> bool:
        """Requests that it abandoned are nobody's failure: it was interrupted or killed, or failed itself."""
        return self.interrupted_by is not None or self.ended_by in (None, CRASH)

    @property
    def from_snapshots(self) -> bool:
        """Its numbers come from the snapshots, since not every request is on record."""
        return self.records != ALL

    @property
    def open(self) -> bool:
        return self.load_kind == "open"

    @property
    def closed(self) -> bool:
        return self.load_kind == "closed"

    @property
    def batch(self) -> bool:
        return self.load_kind == "batch"

    def load_s(self, last_due_at_s: float, last_end_s: float) -> float:
        """Return when the load ended, given when the last request was due and when the last one ended.

        A batch is a load until its last request has ended. A trace, or a run that was killed, ended with the second in
        which its last request was due.
        """
        if self.batch:
            return last_end_s
        ended_at_s = math.inf if self.ended_at_s is None else self.ended_at_s
        planned = self.ended_at_s is not None and all(stage.for_s is not None for stage in self.stages)
        return ended_at_s if planned else min(ended_at_s, float(math.ceil(last_due_at_s)))

    def measured_spans(self, until_s: float, from_s: float = 0.0) -> list["Span"]:
        """Return when each measured stage ran, and the pauses between them, as `spans` does.

        Together they are the measured span. A pause beside a warm-up or at an end of the run is not part of it.
        """
        measured: list[Span] = []
        pauses: list[Span] = []
        between = False
        for span in self.spans(until_s, from_s):
            if span.stage.pause:
                pauses.append(span)
                continue
            if not span.stage.warmup:
                measured += [*(pauses if between else []), span]
            pauses, between = [], not span.stage.warmup
        return measured

    def measured_s(self, until_s: float, from_s: float = 0.0) -> float:
        """Return the length of the measured span in seconds, given when the load ended and began."""
        return math.fsum(span.seconds for span in self.measured_spans(until_s, from_s))

    def spans(self, until_s: float, from_s: float = 0.0) -> Iterator["Span"]:
        """Yield when each stage ran, given when the load ended and began; stages not reached have length 0."""
        begins_at_s = 0.0
        for stage in self.stages:
            ends_at_s = begins_at_s + (math.inf if stage.for_s is None else stage.for_s)
            yield Span(stage, min(max(begins_at_s, from_s), until_s), min(ends_at_s, until_s))
            begins_at_s = ends_at_s


class Span(NamedTuple):
    """The interval in which a stage ran, in seconds since the run's start."""

    stage: StageInfo
    begins_at_s: float
    ends_at_s: float

    @property
    def seconds(self) -> float:
        return self.ends_at_s - self.begins_at_s
