"""The circuit breakers of one target: one per model, one per endpoint, one per key, or one for all."""

from collections.abc import Callable
from enum import StrEnum

from relayload.core.resilience.breaker import Breaker, StateChange
from relayload.core.resilience.breaker_policy import BreakerPolicy


class Scope(StrEnum):
    """What calls must share to share a breaker."""

    MODEL = "model"
    ENDPOINT = "endpoint"
    KEY = "key"
    ALL = "all"


class Breakers:
    """Creates a breaker when a call first needs it."""

    def __init__(self, policy: BreakerPolicy, scope: Scope, on_transition: Callable[[StateChange], None]) -> None:
        self.policy = policy
        self._scope = scope
        self._on_transition = on_transition
        self._breakers: dict[str, Breaker] = {}

    def of(self, model: str, endpoint: str, key: str | None = None) -> Breaker:
        """Return the breaker for a call of this model at this endpoint, such as `/chat/completions`.

        `key` is the name of the key that it goes with; None if that has none.
        """
        name = self._name(model, endpoint, key)
        breaker = self._breakers.get(name)
        if breaker is None:
            breaker = self._breakers[name] = Breaker(self.policy, name, self._on_transition)
        return breaker

    def all(self) -> dict[str, Breaker]:
        """Return the breakers created so far by name: a model, an endpoint, a key, or `all`."""
        return dict(self._breakers)

    def _name(self, model: str, endpoint: str, key: str | None) -> str:
        if self._scope is Scope.MODEL:
            return model
        if self._scope is Scope.ENDPOINT:
            return endpoint
        return key if self._scope is Scope.KEY and key is not None else Scope.ALL.value
