"""The clients of one process: one for each target, with its own breakers, quota and retry budget.

Each key of a target has connections of its own, as tenants have.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from random import Random

from relayload.client.caller import Caller, SharedState
from relayload.core.resilience.breaker import StateChange
from relayload.engine.messages import Assignment
from relayload.engine.permit import Permit
from relayload.profile import Profile
from relayload.profile.job import Addressee
from relayload.transport import Transport

OnTransition = Callable[[str, StateChange], None]
"""Receives the name of the target whose breaker changed its state, and the change."""


Transports = Mapping[str, Mapping[str | None, Transport]]
"""By the name of the target, one for each key by its name."""


class Clients:
    """One caller for each key of each target."""

    def __init__(
        self,
        profile: Profile,
        transports: Transports,
        assignment: Assignment,
        on_transition: OnTransition,
        permit: Permit,
    ) -> None:
        self._transports = transports
        self._states = {
            name: SharedState(profile.client_policy(target), partial(on_transition, name))
            for name, target in profile.named_targets.items()
        }
        """By the name of the target."""
        self._by_quota: dict[str, SharedState] = {}
        """By the name of their quota, that of the target or one that is for a key alone."""
        self._callers = {name: self._of_target(name, profile, assignment, permit) for name in transports}

    def of(self, addressee: Addressee) -> Caller:
        """Return what sends to a target with a key."""
        return self._callers[addressee.name][addressee.key]

    def enforces(self, target: str) -> bool:
        """Return whether the breakers of a target refuse anything."""
        return self._states[target].breakers.policy.enforce

    def resize(self, quotas: Mapping[str, Sequence[int]]) -> float:
        """Set the amounts of each quota's limits. Return the last instant that was given to a call before."""
        return max((self._by_quota[name].resize(amounts) for name, amounts in quotas.items()), default=-inf)

    @property
    def kernel_timestamps(self) -> bool:
        """True if the kernel stamps the arrival of answers from every target."""
        return all(transport.kernel_timestamps for transport in self._all_transports)

    def close(self) -> None:
        for transport in self._all_transports:
            transport.close()

    @property
    def _all_transports(self) -> Iterator[Transport]:
        return (transport for by_key in self._transports.values() for transport in by_key.values())

    def _of_target(
        self, name: str, profile: Profile, assignment: Assignment, permit: Permit
    ) -> dict[str | None, Caller]:
        rng = Random(f"{profile.seed}:client:{assignment.worker}:{name}")
        shared = self._states[name]
        callers: dict[str | None, Caller] = {}
        for key, transport in self._transports[name].items():
            quota = profile.quota_name(name, key)
            state = self._by_quota[quota] = shared if quota == name else shared.with_own_quota()
            callers[key] = Caller(transport, state, rng, permit, key)
        return callers
