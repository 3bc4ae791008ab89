"""The `client:` of a profile: how requests are sent."""

from typing import Annotated, ClassVar

from pydantic import Field

from relayload.core.resilience.breakers import Scope
from relayload.core.resilience.dialects import DialectName, classifier
from relayload.core.resilience.policy import ClientPolicy
from relayload.core.wire.request import Timeouts
from relayload.core.wire.response_limits import DEFAULT_RESPONSE_LIMITS
from relayload.profile.resilience import BreakerConfig, KindRule, OwnQuota, Quota, Retry
from relayload.profile.types import ByteCount, Count, Items, Number, Part, PositiveDuration

_DEFAULT_TIMEOUTS = Timeouts()


class ClientTimeouts(Part):
    """How long one attempt may take; null is without end. A bare duration is the total."""

    short: ClassVar[str | None] = "total"

    connect_s: PositiveDuration | None = _DEFAULT_TIMEOUTS.connect_s
    """Until the connection stands."""
    first_token_s: PositiveDuration | None = _DEFAULT_TIMEOUTS.first_token_s
    """Until the first token of a stream."""
    gap_s: PositiveDuration | None = _DEFAULT_TIMEOUTS.gap_s
    """Between two content events of a stream."""
    total_s: PositiveDuration | None = _DEFAULT_TIMEOUTS.total_s
    """Until the last byte."""


class ClientResponseLimits(Part):
    """The most that one answer may have; past one of them the attempt fails with `too_large`."""

    header_bytes: ByteCount = DEFAULT_RESPONSE_LIMITS.header_bytes
    """The header, and whatever else brings no part of the body: interim answers, trailers, extensions of chunks."""
    headers: Count = DEFAULT_RESPONSE_LIMITS.headers
    """Header fields, repeated ones included."""
    interim: Count = DEFAULT_RESPONSE_LIMITS.interim
    """Interim answers (1xx) before the final one."""
    body_bytes: ByteCount = DEFAULT_RESPONSE_LIMITS.body_bytes
    """An answer in one piece; one that is an error, at most 1MB."""
    stream_bytes: ByteCount = DEFAULT_RESPONSE_LIMITS.stream_bytes
    """A stream, and any answer on the wire with all its framing."""
    event_bytes: ByteCount = DEFAULT_RESPONSE_LIMITS.event_bytes
    """One event of a stream."""
    inflated_bytes: ByteCount = DEFAULT_RESPONSE_LIMITS.inflated_bytes
    """A compressed body once it is inflated."""
    inflate_ratio: Annotated[Number, Field(ge=1)] = DEFAULT_RESPONSE_LIMITS.inflate_ratio
    """Inflated bytes over compressed ones, once there is a megabyte."""
    nesting: Annotated[Count, Field(le=500)] = DEFAULT_RESPONSE_LIMITS.nesting
    """Objects and arrays of JSON within one another."""
    values: Count = DEFAULT_RESPONSE_LIMITS.values
    """Values in one JSON text; the numbers of embeddings do not count."""
    buffered_bytes: ByteCount = DEFAULT_RESPONSE_LIMITS.buffered_bytes
    """All unfinished answers of one process: past it, the largest is given up."""


class Client(Part):
    """How requests are sent: as an application would that has to live with the relay."""

    timeout: ClientTimeouts = ClientTimeouts()
    """A duration for the whole attempt, or one for each of its parts; null is without end."""
    response_limits: ClientResponseLimits = ClientResponseLimits()
    """What is read of an answer at most."""
    deadline: PositiveDuration | None = None
    """For a request with all its attempts and waits; null is without end."""
    retry: Retry | None = None
    """Null makes one attempt a request."""
    quota: Quota | None = None
    """What is sent at most; null is all that the load wants."""
    breaker: BreakerConfig | None = None
    """Null only watches, by the usual rules."""
    rules: Items[KindRule] = ()
    """What answers of this relay mean, where its dialect does not say so."""

    def policy(self, dialect: DialectName) -> ClientPolicy:
        """Return the policy of the client for a target of that dialect."""
        retry, quota, breaker = self.retry, self.quota, self.breaker or BreakerConfig(enforce=False)
        return ClientPolicy(
            classifier=classifier(dialect, (each.rule for each in self.rules)),
            retry=retry.policy if retry else None,
            limits=quota.limits if isinstance(quota, OwnQuota) else (),
            quota_from_headers=quota == "from_headers",
            breaker=breaker.policy,
            breaker_scope=Scope(breaker.scope),
            counted=breaker.counted,
            deadline_s=self.deadline,
        )
