"""What a run is, apart from its requests: the content of `run.json`."""

import math

from msgspec import Struct, field

from relayload.core.price import Price
from relayload.core.results.health import Thresholds


class ProfileInfo(Struct, frozen=True, kw_only=True):
    """Which profile was run."""

    name: str
    sha256: str
    file: str | None = None
    """The effective profile, in the directory of the recording."""


class StageInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stage as planned. `for_s` is None where only the trace knows its end."""

    name: str
    for_s: float | None
    warmup: bool = False
    """Whether it is left out of the statistics, as a warm-up or a cool-down."""


class WorkerInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a worker last told of itself, for those that died before their last line."""

    worker: int
    started: int
    dropped: int = 0


class RunInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The facts of a run. Those that start with `ended` are None until it ended in order."""

    run_id: str
    profile: ProfileInfo
    started_at: str
    """ISO 8601, UTC."""
    load_kind: str
    """`open`, `closed` or `batch`."""
    stages: tuple[StageInfo, ...]
    workers: int
    base_url: str
    """Of the target, without credentials."""
    cautions: tuple[str, ...] = ()
    """What everyone who reads the results must know, such as that certificates were not verified."""
    objectives: tuple[str, ...] = ()
    thresholds: Thresholds = Thresholds()
    prices: dict[str, Price] = {}
    """By model, in US dollars per million tokens: what the run was priced by. `any` stands for the others."""
    versions: dict[str, str] = field(default_factory=dict)
    platform: str = ""
    ended_at_s: float | None = None
    """When the load ended: nothing was due later, though answers may have come later."""
    ended_by: str | None = None
    """`schedule`, `stop`, `sigint`, `sigterm` ..."""
    offered: int | None = None
    """Arrivals that were due until the run ended; None in a closed load."""
    exit_code: int | None = None
    last_told: tuple[WorkerInfo, ...] = ()
    schema_version: int = 1

    @property
    def closed(self) -> bool:
        return self.load_kind == "closed"

    @property
    def measured_stages(self) -> tuple[str, ...]:
        """The names of the stages that count in the statistics, each once however often it comes."""
        return tuple(dict.fromkeys(stage.name for stage in self.stages if not stage.warmup))

    def measured_s(self, until_s: float) -> float:
        """Seconds of the measured stages, given when the load ended."""
        return math.fsum(self.stage_s(name, until_s) for name in self.measured_stages)

    def stage_s(self, name: str, until_s: float) -> float:
        """Seconds that the stages of a name lasted, given when the load ended; 0 if none was reached."""
        begins_at_s = total_s = 0.0
        for stage in self.stages:
            for_s = math.inf if stage.for_s is None else stage.for_s
            if stage.name == name:
                total_s += max(0.0, min(for_s, until_s - begins_at_s))
            begins_at_s += for_s
        return total_s
