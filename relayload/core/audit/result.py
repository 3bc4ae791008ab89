"""What `relayload audit` tells: what was asked of whom, what was found, and what that means for the exit code."""

from msgspec import Struct, field

from relayload.core.audit.findings import Audit
from relayload.core.model.verdict import ObjectiveResult, Status

SCHEMA_VERSION = 1


class AuditResult(Struct, frozen=True, kw_only=True):
    """The content of `audit.json`."""

    profile: str
    profile_sha256: str
    targets: dict[str, str]
    """The base URLs of those that were asked, by name."""
    models: tuple[str, ...]
    started_at: str
    verdict: Status = Status.NOT_JUDGED
    """STOPPED where it ended before everything was asked, NOT JUDGED where the reference alone was."""
    reference: str | None = None
    """The target, or the base URL in the recording, that the others are compared with."""
    recorded_at: str | None = None
    """When the recording of the reference was made."""
    audit: Audit = field(default_factory=Audit)
    objectives: tuple[ObjectiveResult, ...] = ()
    """The objectives on usage, models and right answers: those of the profile, and the usual ones of other metrics."""
    not_compared: str | None = None
    """Why no model was compared."""
    requests: int = 0
    usd: float | None = None
    """What all of it cost; None without prices."""
    recordings: tuple[str, ...] = ()
    """The directories of the runs."""
    ended_by: str | None = None
    """What ended it before everything was asked."""
    versions: dict[str, str] = {}
    platform: str = ""
    exit_code: int = 0
    schema_version: int = SCHEMA_VERSION
