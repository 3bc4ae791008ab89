"""What a run is, apart from its requests: the content of `run.json`."""

import math
from collections.abc import Iterator
from types import MappingProxyType
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, field

from relayload.core.model.amounts import (
    MOST_OBJECTIVES,
    MOST_PRICES,
    MOST_STAGES,
    MOST_TARGETS,
    Count,
    Instant,
    Length,
    Worker,
)
from relayload.core.model.health import Thresholds
from relayload.core.model.objective_options import ObjectiveSpec, Written
from relayload.core.price import Price


class ProfileInfo(Struct, frozen=True, kw_only=True):
    """Which profile was run."""

    name: str
    sha256: str
    file: str | None = None
    """The effective profile, in the directory of the recording."""


_INTERRUPTIONS = MappingProxyType(
    {
        "sigint": "Ctrl-C",
        "sigterm": "SIGTERM",
        "stop": "a stop from outside",
        "workers": "the loss of the last worker",
    }
)


class StageInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stage as planned. `for_s` is None where only the run knows its end, as in a batch or a trace."""

    name: str
    for_s: Length | None
    warmup: bool = False
    """Whether it is left out of the statistics, as a warm-up or a cool-down."""


class TargetInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of several targets."""

    base_url: str
    prices: Annotated[dict[str, Price], Meta(max_length=MOST_PRICES)] = {}
    """By model, in US dollars per million tokens."""


class WorkerInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a worker last told of itself, for those whose last line is not there."""

    worker: Worker
    started: Count
    dropped: Count = 0
    drained: bool = False
    """It ended in order, and wrote that down as its last line; others died."""


class RunInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    """Of the target, without credentials; of several, of the first."""
    targets: Annotated[dict[str, TargetInfo], Meta(max_length=MOST_TARGETS)] = {}
    """By name where there are several. The first is what the others are compared with."""
    paired: bool = False
    """Every arrival went to each of the targets."""
    streaming: tuple[str, ...] = ()
    """Scenarios of which every answer is asked for as a stream."""
    cautions: tuple[str, ...] = ()
    """What everyone who reads the results must know, such as that certificates were not verified."""
    objectives: Annotated[tuple[str | ObjectiveSpec, ...], Meta(max_length=MOST_OBJECTIVES)] = ()
    """Their text, and where they have any, their options."""
    written: Annotated[dict[str, Written], Meta(max_length=MOST_OBJECTIVES)] = {}
    """Where the profile has each of them, by its id."""
    thresholds: Thresholds = Thresholds()
    prices: Annotated[dict[str, Price], Meta(max_length=MOST_PRICES)] = {}
    """By model, in US dollars per million tokens: what the run was priced by. `any` stands for the others."""
    versions: dict[str, str] = field(default_factory=dict)
    platform: str = ""
    ended_at_s: Instant | None = None
    """When the load ended: nothing was due later, though answers may have come later."""
    ended_by: str | None = None
    """`schedule`, `stop`, `sigint`, `sigterm`, `workers`, `guardrail`, `objective` ..."""
    stopped_by_guardrail: str | None = None
    """Which guardrail stopped the run, and why."""
    stopped_by_objective: str | None = None
    """Which objective was broken so that the run stopped early, and how."""
    offered: Count | None = None
    """Arrivals that were due until the run ended; None in a closed load. Of a batch, those whose turn came."""
    requests: Count | None = None
    """How many a batch has; None in other loads."""
    exit_code: int | None = None
    last_told: tuple[WorkerInfo, ...] = ()
    uid: str = ""
    """Stamped by the master of the run, so that its parts are known from those of any other run; empty in recordings
    of earlier versions. Of a merged run, those of its parts, joined."""
    schema_version: int = 1

    @property
    def identity(self) -> tuple[str, ...]:
        """What all parts of one run have in common, and no other run has."""
        return (self.uid,) if self.uid else (self.run_id, self.started_at)

    @property
    def copies(self) -> int:
        """How many requests an arrival makes, all with its index."""
        return len(self.targets) if self.paired else 1

    @property
    def interrupted_by(self) -> str | None:
        """Who ended it before its plan was through, in words; None where nobody did."""
        return _INTERRUPTIONS.get(self.ended_by or "")

    @property
    def guardrail_reason(self) -> str | None:
        """Which guardrail stopped it and why, in words; None where none did."""
        if self.ended_by != "guardrail" and not self.stopped_by_guardrail:
            return None
        return f"a guardrail stopped the run: {self.stopped_by_guardrail or 'it did not say why'}"

    @property
    def ended_early(self) -> bool:
        """Before its plan was through, whoever or whatever ended it."""
        stopped = self.stopped_by_guardrail or self.stopped_by_objective
        return self.interrupted_by is not None or self.ended_by == "guardrail" or stopped is not None

    @property
    def closed(self) -> bool:
        return self.load_kind == "closed"

    @property
    def batch(self) -> bool:
        return self.load_kind == "batch"

    def measured_s(self, until_s: float) -> float:
        """Seconds of the measured stages, given when the load ended."""
        return math.fsum(span.seconds for span in self.spans(until_s) if not span.stage.warmup)

    def stage_s(self, name: str, until_s: float) -> float:
        """Seconds that the stages of a name lasted, given when the load ended; 0 if none was reached."""
        return math.fsum(span.seconds for span in self.spans(until_s) if span.stage.name == name)

    def spans(self, until_s: float) -> Iterator["Span"]:
        """When each stage was, given when the load ended; those that were not reached have no seconds."""
        begins_at_s = 0.0
        for stage in self.stages:
            ends_at_s = begins_at_s + (math.inf if stage.for_s is None else stage.for_s)
            yield Span(stage, min(begins_at_s, until_s), min(ends_at_s, until_s))
            begins_at_s = ends_at_s


class Span(NamedTuple):
    """When a stage was, in seconds since the run's start."""

    stage: StageInfo
    begins_at_s: float
    ends_at_s: float

    @property
    def seconds(self) -> float:
        return self.ends_at_s - self.begins_at_s
