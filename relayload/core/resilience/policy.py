"""The complete configuration of a client's behaviour, set by a profile or an application."""

from dataclasses import dataclass

from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.breakers import Scope
from relayload.core.resilience.classify import Classifier
from relayload.core.resilience.dialects import classifier
from relayload.core.resilience.limit import Limit
from relayload.core.resilience.meaning import COUNTED, FailureMatcher
from relayload.core.resilience.retry import RetryPolicy

WATCHED = BreakerPolicy(enforce=False)
"""A breaker that refuses nothing and only counts the trips it would have made."""


_COMMON = classifier()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPolicy:
    """How a client treats its relay. The default only measures: one attempt per request, and no enforcing breaker."""

    classifier: Classifier = _COMMON
    retry: RetryPolicy | None = None
    limits: tuple[Limit, ...] = ()
    """The client's own quota; empty means unlimited."""
    quota_from_headers: bool = False
    """Follow what the relay reports as remaining, instead of own limits."""
    breaker: BreakerPolicy = WATCHED
    breaker_scope: Scope = Scope.MODEL
    counted: FailureMatcher = COUNTED
    """What counts against the breaker."""
    deadline_s: float | None = None
    """The most seconds that a request may take, including all waits and attempts."""
