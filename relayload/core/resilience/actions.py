"""What a call and its caller tell each other: what to do next, what was seen, how it ended."""

from enum import StrEnum

from msgspec import Struct

from relayload.core.resilience.classify import AttemptSignals, FailureKind
from relayload.core.resilience.retry_after import Remaining


class WaitReason(StrEnum):
    """What is waited for."""

    QUOTA = "quota"
    BACKOFF = "backoff"


class StoppedBy(StrEnum):
    """Why a request that could have been tried once more was not, in the words of recordings."""

    ATTEMPTS = "attempts"
    BUDGET = "budget"
    BREAKER = "breaker"
    DEADLINE = "deadline"
    RETRY_AFTER = "asked_wait"
    """The relay asked for a longer wait than `max_retry_after_s`."""
    CONTENT = "content"
    """The answer had begun: who reads it cannot be told to forget it."""


class Send(Struct, frozen=True, gc=False):
    """Make this attempt, the first being 1, within so many seconds (None: as long as its own timeouts allow)."""

    number: int
    within_s: float | None = None


class Wait(Struct, frozen=True, gc=False):
    """Wait so long, and ask again."""

    seconds: float
    reason: WaitReason


class Done(Struct, frozen=True, gc=False):
    """The request is over."""

    kind: FailureKind | None
    """Of the last attempt, which is the answer; None where nothing was sent."""
    stopped_by: StoppedBy | None = None
    """None for an answer, and for a failure that is not to be tried again."""
    kinds: tuple[FailureKind, ...] = ()
    """Of all attempts."""
    throttled_s: float = 0.0
    """Waited for quota."""
    backoff_s: float = 0.0
    """Waited before retries."""

    @property
    def short_circuited(self) -> bool:
        """Whether the breaker refused it before anything was sent."""
        return self.kind is None and self.stopped_by is StoppedBy.BREAKER


class Observation(Struct, frozen=True, gc=False):
    """What came of an attempt."""

    signals: AttemptSignals
    content_begun: bool = False
    """The first content token of a stream had come."""
    used_tokens: int | None = None
    """Input and output; None where the relay did not say."""
    ttft_s: float | None = None
    service_s: float | None = None
    told: Remaining | None = None
    """What the relay said it has left, where the quota follows it."""
    wall_s: float | None = None
    """When it ended, since the Unix epoch: only needed to read a wait that is given as a date."""
    headers_at_s: float | None = None
    """When `told` was told, which is long before the end of a stream; None is at the end."""

    def tokens(self, expected: int) -> int:
        """Those used; where the relay did not say, a refusal has used none, and all else what was expected."""
        if self.used_tokens is not None:
            return self.used_tokens
        return 0 if (self.signals.status or 0) >= 400 else expected
