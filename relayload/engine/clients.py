"""The clients of one process: for each target one, with connections, breakers, quota and retry budget of its own."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from relayload.client.caller import Caller
from relayload.core.resilience.breaker import StateChange
from relayload.engine.messages import Assignment
from relayload.profile import Profile
from relayload.transport import Transport

OnTransition = Callable[[str, StateChange], None]
"""Told the name of the target whose breaker has changed its state."""


class Clients:
    """Callers by the name of their target."""

    def __init__(
        self,
        profile: Profile,
        transports: Mapping[str, Transport],
        assignment: Assignment,
        on_transition: OnTransition,
    ) -> None:
        """Raises ValueError where a quota is too small to be shared out to so many processes."""
        self._transports = transports
        self._callers = {
            name: Caller(
                transports[name],
                profile.client_policy(target).share(assignment.share_number, assignment.share_of),
                Random(f"{profile.seed}:client:{assignment.worker}:{name}"),
                partial(on_transition, name),
            )
            for name, target in profile.named_targets.items()
        }

    def __getitem__(self, target: str) -> Caller:
        return self._callers[target]

    @property
    def kernel_timestamps(self) -> bool:
        """Whether the instants of arrival come from the kernel, at every target."""
        return all(transport.kernel_timestamps for transport in self._transports.values())

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()
