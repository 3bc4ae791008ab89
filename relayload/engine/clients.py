"""The clients of one process: one for each target, with its own connections, breakers, quota and retry budget."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from random import Random

from relayload.client.caller import Caller
from relayload.core.resilience.breaker import StateChange
from relayload.engine.messages import Assignment
from relayload.engine.permit import Permit
from relayload.profile import Profile
from relayload.transport import Transport

OnTransition = Callable[[str, StateChange], None]
"""Receives the name of the target whose breaker changed its state, and the change."""


class Clients:
    """One caller for each target, by name."""

    def __init__(
        self,
        profile: Profile,
        transports: Mapping[str, Transport],
        assignment: Assignment,
        on_transition: OnTransition,
        permit: Permit,
    ) -> None:
        self._transports = transports
        self._callers = {
            name: Caller(
                transports[name],
                profile.client_policy(target),
                Random(f"{profile.seed}:client:{assignment.worker}:{name}"),
                partial(on_transition, name),
                permit,
            )
            for name, target in profile.named_targets.items()
        }

    def __getitem__(self, target: str) -> Caller:
        return self._callers[target]

    def resize(self, quotas: Mapping[str, Sequence[int]]) -> float:
        """Set the amounts of each target's limits. Return the last instant that was given to a call before."""
        return max((self._callers[name].resize(amounts) for name, amounts in quotas.items()), default=-inf)

    @property
    def kernel_timestamps(self) -> bool:
        """True if the kernel stamps the arrival of answers from every target."""
        return all(transport.kernel_timestamps for transport in self._transports.values())

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()
