"""How requests are sent: the `client:` of a profile."""

from typing import ClassVar

from relayload.core.resilience.breakers import Scope
from relayload.core.resilience.dialects import DialectName, classifier
from relayload.core.resilience.meaning import COUNTED
from relayload.core.resilience.policy import WATCHED, Budget, ClientPolicy
from relayload.core.wire.request import Timeouts
from relayload.profile.resilience import Breaker, KindRule, OwnQuota, Quota, Retry
from relayload.profile.types import Items, Part, PositiveDuration

_DEFAULT_TIMEOUTS = Timeouts()


class ClientTimeouts(Part):
    """How long one attempt may take; null is without end. A bare duration is the total."""

    short: ClassVar[str | None] = "total"

    connect: PositiveDuration | None = _DEFAULT_TIMEOUTS.connect_s
    """Until the connection stands."""
    first_token: PositiveDuration | None = _DEFAULT_TIMEOUTS.first_token_s
    """Until the first token of a stream."""
    gap: PositiveDuration | None = _DEFAULT_TIMEOUTS.gap_s
    """Between two content events of a stream."""
    total: PositiveDuration | None = _DEFAULT_TIMEOUTS.total_s
    """Until the last byte."""


class Client(Part):
    """How requests are sent: as an application would that has to live with the relay."""

    timeout: ClientTimeouts = ClientTimeouts()
    """A duration for the whole attempt, or one for each of its parts; null is without end."""
    deadline: PositiveDuration | None = None
    """For a request with all its attempts and waits; null is without end."""
    retry: Retry | None = None
    """Null makes one attempt a request."""
    quota: Quota | None = None
    """What is sent at most; null is all that the load wants."""
    breaker: Breaker | None = None
    """Null only watches, by the usual rules."""
    rules: Items[KindRule] = ()
    """What answers of this relay mean, where its dialect does not say so."""

    def policy(self, dialect: DialectName) -> ClientPolicy:
        """What the client is told, for a target of that dialect."""
        retry, quota, breaker = self.retry, self.quota, self.breaker
        budget = retry.budget if retry else None
        return ClientPolicy(
            classifier=classifier(dialect, (each.rule for each in self.rules)),
            retry=retry.policy if retry else None,
            budget=Budget(budget.share, budget.minimum) if budget else None,
            limits=quota.limits if isinstance(quota, OwnQuota) else (),
            quota_from_headers=quota == "from_headers",
            breaker=breaker.policy if breaker else WATCHED,
            breaker_scope=Scope(breaker.scope) if breaker else Scope.MODEL,
            counted=breaker.counted if breaker else COUNTED,
            deadline_s=self.deadline,
        )
