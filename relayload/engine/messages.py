"""The messages between a run's master and its generators, whatever carries them."""

from decimal import Decimal

from msgspec import Struct

from relayload.core.model.run import RunInfo
from relayload.core.resilience.allowance import Allowance, Draw
from relayload.core.traffic.leases import Grant
from relayload.core.traffic.rate_changes import RateChange
from relayload.recording.compression import Compression


class Assignment(Struct, frozen=True, kw_only=True):
    """The receiver takes part in a run from now on. What it may send comes with its leases."""

    version: str
    """The version of relayload that sends this."""
    run_id: str
    run: RunInfo
    run_dir: str
    """The directory of the recording, for processes of that host."""
    compression: Compression
    """How to compress records that are shipped: what the sender can undo at the least CPU time."""
    base_urls: dict[str, str]
    """URLs by the name of the target."""
    profile_sha256: str
    profile_file: str = ""
    """The profile with that hash, on the host with `host_id`, if it is not the one that processes were started with."""
    overrides: tuple[str, ...] = ()
    """What this run changes of the profile with that hash: `path.to.value=YAML`."""
    worker: int
    """The worker's number in this run; never reused, even if the worker dies."""
    begins_at_s: float
    """When the run begins, on the monotonic clock of the host with `host_id`."""
    host_id: str
    alone: bool
    """True if no other process takes part or ever will: then everything is leased to this one, for ever."""


class EndRun(Struct, frozen=True, kw_only=True):
    """Start nothing that is due after `until_s`; abandon what is in flight `grace_s` later."""

    until_s: float
    grace_s: float


class RateChanges(Struct, frozen=True, kw_only=True):
    """All changes of the rate so far, in order of time."""

    changes: tuple[RateChange, ...]


class ClockReading(Struct, frozen=True, kw_only=True):
    """A question for the receiver's monotonic clock, and its answer. The worker asks, the master answers."""

    asked_at_s: float
    """On the clock of who asks."""
    received_at_s: float = 0.0
    """On the clock of who answers, as is the next."""
    answered_at_s: float = 0.0
    host_id: str = ""
    """The host of who answers."""


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


class Renewal(Struct, frozen=True, kw_only=True):
    """A worker asks for the next lease, and says what it has. The lease is counted from the sending of this."""

    run_id: str
    worker: int
    sequence: int
    """Counts the renewals of the worker, from 1."""
    held: int = 0
    """The number of the last grant that it received."""
    in_force: int = 0
    """The number of the last lease whose parts of slots and quotas are in force, and none larger."""
    wanted: int = 0
    """In a batch: how many requests it would like to have been granted by now."""
    ended: int = 0
    """In a batch: how many of those that it was granted have ended."""
    requests: Draw = Draw()
    micro_usd: Draw = Draw()
    rate_changes: int = 0
    """How many changes of the rate are in its schedule. A worker that lacks one is not answered but told of it."""
    leaving: bool = False
    """It takes no further grants, since it was asked to end."""
    process: str = ""
    """The name of the process, by which a master of the same machine finds it dead."""
    status: WorkerStatus | None = None
    """Its progress, about twice a second; None where it asks at once for what it lacks."""


class Lease(Struct, frozen=True, kw_only=True):
    """The master's answer to a renewal. A worker without a slot, or without a part of a quota, may send nothing."""

    worker: int
    sequence: int
    """The number of the renewal."""
    grants: tuple[Grant, ...] = ()
    """All that the worker has not confirmed, in the order of their numbers."""
    granted_to: int = 0
    """Every arrival with an index below this is granted to somebody."""
    complete: bool = False
    """No further grants will come."""
    slots: int | None = None
    """The most requests in flight; None for no limit."""
    quotas: dict[str, tuple[int, ...]] = {}
    """The amounts of the limits of each target's client, by the name of the target."""
    requests: Allowance | None = None
    micro_usd: Allowance | None = None
    """None for no cap."""


class RecordsPiece(Struct, frozen=True, kw_only=True):
    """Lines of a worker's records file that the master does not have yet, from a byte of it on."""

    run_uid: str
    worker: int
    offset: int
    data: bytes
    compression: Compression


class RecordsAck(Struct, frozen=True, kw_only=True):
    """The answer to a piece: the bytes of the file that the master has."""

    run_uid: str
    size: int
    refusal: str | None = None
    """Why the master takes no more."""


class ContentWanted(Struct, frozen=True, kw_only=True):
    """A worker without a profile asks for a piece of the master's: of its parcel, or of one of the files in it."""

    version: str
    """The version of relayload that asks."""
    offset: int
    sha256: str = ""
    """The hash of the content; empty for the parcel, whose hash is not known yet."""
    compression: Compression = Compression.GZIP
    """What the sender can undo at the least CPU time."""


class Content(Struct, frozen=True, kw_only=True):
    """The answer: a piece of a content, which may be repeated and come late."""

    offset: int = 0
    sha256: str = ""
    """The hash of the whole content."""
    size: int = 0
    """The bytes of the whole content."""
    data: bytes = b""
    compression: Compression = Compression.GZIP
    refusal: str | None = None
    """Why there is none, for the users of both."""


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a worker can't take part in any run."""

    reason: str


class Hello(Struct, frozen=True, kw_only=True):
    """A worker that listens from now on."""

    version: str
    """Its version of relayload."""
    profile_sha256: str
    host: str
    """The name of its host."""
    host_id: str = ""
    """Its host, whatever the name."""
