"""How far a run is: a value that the master renews and a display shows."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from relayload.core.model.run import AT_BEST, HandChange, WorkerInfo


class Standing(StrEnum):
    """What the gate would say of an objective if the run ended now."""

    PASSING = "pass so far"
    UNDECIDED = "undecided"
    BROKEN = "broken so far"


class ObjectiveSoFar(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an objective stands."""

    expr: str
    unit: str
    standing: Standing
    needs: int | None = None
    """How many more requests it takes to decide it, if they are like those so far; None where that is not known."""
    observed: float | None = None
    n: int = 0
    warns: bool = False
    """It never fails the run."""


class BreakerSoFar(Struct, frozen=True, kw_only=True):
    """The breakers of a scope that have changed their state, one a worker."""

    scope: str
    states: dict[str, int]
    """How many are in each state, the worst first."""


class StageSoFar(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stage as planned."""

    name: str
    ends_at_s: float | None
    """None where only the run knows its end."""
    measured: bool = True


class Details(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a run so far, what it costs, and how its objectives stand."""

    failures: dict[str, int] = {}
    """The failed requests by kind, the most frequent first."""
    breakers: tuple[BreakerSoFar, ...] = ()
    usd: Decimal | None = None
    """None where nothing has a price, or it is not known."""
    max_usd: Decimal | None = None
    max_requests: int | None = None
    objectives: tuple[ObjectiveSoFar, ...] = ()
    would_be_invalid: tuple[str, ...] = ()
    """Why the run would be INVALID if it ended now."""


class Progress(Struct, frozen=True, kw_only=True):
    """The totals of a run so far. Latencies are of successful requests, in seconds."""

    stage: str
    elapsed_s: float
    total_s: float | None
    """None where the length is known only once the run ends."""
    offered: int
    started: int
    dropped: int
    in_flight: int
    ok: int
    failed: int
    workers: int
    told: tuple[WorkerInfo, ...] = ()
    """What each worker last reported."""
    requests: int | None = None
    """The requests of a batch; None for other loads."""
    ttft_p50_s: float | None = None
    ttft_p99_s: float | None = None
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
    stages: tuple[StageSoFar, ...] = ()
    """In order of time; empty where there are too many to show."""
    details: Details | None = None
    """None where nobody has looked yet."""
    changes: tuple[HandChange, ...] = ()
    """What was changed by hand."""

    @property
    def at_best(self) -> str:
        """Why the run passes no more, whatever its objectives say; empty where it still may."""
        told = "; ".join(change.told(self.elapsed_s) for change in self.changes)
        return f"{AT_BEST} because {told}" if told else ""
