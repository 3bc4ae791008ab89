"""What a call and its caller exchange: the next action, the observation of an attempt, and the final result."""

from enum import StrEnum

from msgspec import Struct

from relayload.core.model.record import FailureKind
from relayload.core.resilience.classify import AttemptSignals
from relayload.core.resilience.retry_after import Remaining


class WaitReason(StrEnum):
    """Why a call waits."""

    QUOTA = "quota"
    BACKOFF = "backoff"


class StoppedBy(StrEnum):
    """Why a request that could have been retried was not. The values appear in recordings."""

    ATTEMPTS = "attempts"
    BUDGET = "budget"
    BREAKER = "breaker"
    DEADLINE = "deadline"
    RETRY_AFTER = "asked_wait"
    """The relay asked for a longer wait than `max_retry_after_s`."""
    CONTENT = "content"
    """The answer had begun, and its consumer cannot take back what it has read."""


class Send(Struct, frozen=True, gc=False):
    """Make attempt `number`, counted from 1, within `within_s` seconds (None: limited only by its timeouts)."""

    number: int
    within_s: float | None = None


class Wait(Struct, frozen=True, gc=False):
    """Wait this many seconds, then ask for the next action again."""

    seconds: float
    reason: WaitReason


class Done(Struct, frozen=True, gc=False):
    """The request is over."""

    kind: FailureKind | None
    """The kind of the last attempt, which decides the result; None if nothing was sent."""
    stopped_by: StoppedBy | None = None
    """None for an answer, and for a failure that is not retried."""
    kinds: tuple[FailureKind, ...] = ()
    """The kinds of all attempts."""
    throttled_s: float = 0.0
    """Seconds waited for quota."""
    backoff_s: float = 0.0
    """Seconds waited before retries."""

    @property
    def short_circuited(self) -> bool:
        """Whether the breaker refused the request before anything was sent."""
        return self.kind is None and self.stopped_by is StoppedBy.BREAKER


class Observation(Struct, frozen=True, gc=False):
    """The result of an attempt."""

    signals: AttemptSignals
    content_begun: bool = False
    """Whether the first content token of a stream had arrived."""
    used_tokens: int | None = None
    """Input and output tokens; None if the relay did not report them."""
    ttft_s: float | None = None
    service_s: float | None = None
    told: Remaining | None = None
    """What the relay reported as remaining, if the quota follows it."""
    wall_s: float | None = None
    """When it ended, in seconds since the Unix epoch; only needed to read waits given as dates."""
    headers_at_s: float | None = None
    """When `told` arrived, which is long before the end of a stream; None means at the end."""

    def tokens(self, expected: int) -> int:
        """Return the tokens used. If the relay did not report them: 0 for a refusal, else what was expected."""
        if self.used_tokens is not None:
            return self.used_tokens
        return 0 if (self.signals.status or 0) >= 400 else expected
