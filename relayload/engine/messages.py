"""What a run's master and its generators tell each other, whatever carries it."""

from decimal import Decimal

from msgspec import Struct


class Assignment(Struct, frozen=True, kw_only=True):
    """A run, and the share of its arrivals that is the receiver's from an instant of the run on."""

    run_id: str
    run_dir: str
    base_urls: dict[str, str]
    """By the name of the target."""
    profile_sha256: str
    worker: int
    """The number of the worker in this run: never reused, even when the worker dies."""
    share_number: int
    share_of: int
    from_s: float
    elapsed_s: float
    """Since the run's beginning when this was sent; negative before it."""
    alone: bool
    """No other process takes part, or ever will: nobody else starts what this one is late with."""
    max_requests: int | None = None
    """The most that this worker may send in the whole run, and spend; None for no cap."""
    max_usd: Decimal | None = None


class EndRun(Struct, frozen=True, kw_only=True):
    """Start nothing due later than `until_s`; give what is in flight `grace_s`, then abandon it."""

    until_s: float
    grace_s: float


class WorkerStatus(Struct, kw_only=True):
    """How far one process is. All numbers are totals, so a lost message is no loss."""

    worker: int = 0
    started: int = 0
    follow_ups: int = 0
    """Of those started, later turns of conversations, which the schedule does not know."""
    dropped: int = 0
    in_flight: int = 0
    finished: bool = False
    """Every arrival of its own was started or dropped, and nothing is in flight."""
    drained: bool = False
    """Finished for good: its recording is closed."""
    crash: str | None = None
    admitted: int = 0
    """Requests that were let through by the guard."""
    usd: Decimal = Decimal(0)
    """What they cost, with the most that those in flight may."""
    guardrail: str | None = None
    """Why the guard lets through no more."""
