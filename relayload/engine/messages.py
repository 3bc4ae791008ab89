"""The messages between a run's master and its generators, whatever carries them."""

from decimal import Decimal

from msgspec import Struct


class Assignment(Struct, frozen=True, kw_only=True):
    """The share of a run that the receiver sends from `from_s` on."""

    run_id: str
    run_dir: str
    base_urls: dict[str, str]
    """URLs by the name of the target."""
    profile_sha256: str
    worker: int
    """The worker's number in this run; never reused, even if the worker dies."""
    share_number: int
    share_of: int
    from_s: float
    begins_at_s: float
    """When the run begins, on the monotonic clock of the host with `host_id`."""
    host_id: str
    alone: bool
    """True if no other process takes part or ever will, so that late arrivals remain this one's own."""
    max_requests: int | None = None
    """The caps of this worker for the whole run; None for no cap."""
    max_usd: Decimal | None = None


class EndRun(Struct, frozen=True, kw_only=True):
    """Start nothing that is due after `until_s`; abandon what is in flight `grace_s` later."""

    until_s: float
    grace_s: float


class ClockReading(Struct, frozen=True, kw_only=True):
    """A question for the receiver's monotonic clock, and its answer. The worker asks, the master answers."""

    asked_at_s: float
    """On the clock of who asks."""
    received_at_s: float = 0.0
    """On the clock of who answers, as is the next."""
    answered_at_s: float = 0.0
    host_id: str = ""
    """Of who answers."""


class WorkerStatus(Struct, kw_only=True):
    """The progress of one process. All numbers are totals, so a lost message does no harm."""

    worker: int = 0
    started: int = 0
    follow_ups: int = 0
    """The later turns of conversations among those started, which the schedule does not contain."""
    dropped: int = 0
    in_flight: int = 0
    finished: bool = False
    """True once each of its arrivals was started or dropped, and nothing is in flight."""
    drained: bool = False
    """True once its recording is closed."""
    crash: str | None = None
    admitted: int = 0
    """Requests that the spend guard admitted."""
    usd: Decimal = Decimal(0)
    """What they cost, including the most that those in flight may cost."""
    guardrail: str | None = None
    """Why the guard admits no more; None while it does."""
    host: str = ""
    """The name of the worker's host."""
    clock_offset_s: float = 0.0
    """The master's monotonic clock minus the worker's; 0 on the same host."""
    clock_error_s: float = 0.0
    """How far the worker's schedule may have been off the master's clock at worst; 0 on the same host."""
    clock_steps: int = 0
    """How often the wall clock of the worker's host was stepped during the run."""
