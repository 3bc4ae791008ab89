"""The circuit breakers of one target: one per model, one per endpoint, or one for all."""

from collections.abc import Callable
from enum import StrEnum

from relayload.core.resilience.breaker import Breaker, StateChange
from relayload.core.resilience.breaker_policy import BreakerPolicy


class Scope(StrEnum):
    """What calls must share to share a breaker."""

    MODEL = "model"
    ENDPOINT = "endpoint"
    ALL = "all"


class Breakers:
    """Creates a breaker when a call first needs it."""

    def __init__(self, policy: BreakerPolicy, scope: Scope, on_transition: Callable[[StateChange], None]) -> None:
        self.policy = policy
        self._scope = scope
        self._on_transition = on_transition
        self._breakers: dict[str, Breaker] = {}

    def of(self, model: str, endpoint: str) -> Breaker:
        """Return the breaker for a call of this model at this endpoint, such as `/chat/completions`."""
        key = self._key(model, endpoint)
        breaker = self._breakers.get(key)
        if breaker is None:
            breaker = self._breakers[key] = Breaker(self.policy, key, self._on_transition)
        return breaker

    def all(self) -> dict[str, Breaker]:
        """Return the breakers created so far by key: a model, an endpoint, or `all`."""
        return dict(self._breakers)

    def _key(self, model: str, endpoint: str) -> str:
        if self._scope is Scope.MODEL:
            return model
        return endpoint if self._scope is Scope.ENDPOINT else Scope.ALL.value
