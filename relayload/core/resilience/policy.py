"""Everything that a client is told about how to behave: one value that a profile or an application writes."""

from dataclasses import dataclass, replace

from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.breakers import Scope
from relayload.core.resilience.classify import Classifier
from relayload.core.resilience.dialects import classifier
from relayload.core.resilience.limit import Limit
from relayload.core.resilience.meaning import COUNTED, FailureMatcher
from relayload.core.resilience.retry import RetryPolicy

WATCHED = BreakerPolicy(enforce=False)
"""A breaker that refuses nothing and counts the trips that there would have been."""


_COMMON = classifier()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPolicy:
    """How a client treats its relay. As it stands it measures: one attempt a request, a breaker that only watches."""

    classifier: Classifier = _COMMON
    retry: RetryPolicy | None = None
    limits: tuple[Limit, ...] = ()
    """The client's own quota; none sends as it likes."""
    quota_from_headers: bool = False
    """Follow what the relay says it has left, instead of limits of one's own."""
    breaker: BreakerPolicy = WATCHED
    breaker_scope: Scope = Scope.MODEL
    counted: FailureMatcher = COUNTED
    """What counts against the breaker."""
    deadline_s: float | None = None
    """A request is given up after so long, with all its waits and attempts."""

    def share(self, number: int, of: int) -> "ClientPolicy":
        """That of one of several processes, which keep to the quota together. Raises ValueError if it is too small."""
        return replace(self, limits=tuple(limit.share(number, of) for limit in self.limits))
