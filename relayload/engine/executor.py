"""What every executor does, whatever the kind of load, and which one a profile asks for."""

from collections.abc import Callable
from typing import Protocol

from relayload.core.traffic.arrivals import Arrival, Share
from relayload.core.traffic.draws import uniform
from relayload.core.traffic.limits import LIMIT_GUARD_S
from relayload.engine.arrival_rate import ArrivalRateExecutor, Bounds, DropReason
from relayload.engine.batch import BatchExecutor
from relayload.engine.closed_loop import ClosedLoopExecutor
from relayload.engine.messages import Assignment
from relayload.profile import Profile
from relayload.profile.loads import BatchLoad, ClosedLoad, OpenLoad
from relayload.profile.plan import arrivals, batch_scenarios, batches, stages
from relayload.profile.think_time import span

_FORGET_S = 2.0
"""Older arrivals are left to others: Locust's master gives a silent worker's share away after four seconds."""


class Executor(Protocol):
    """Starts one process's requests of a run at their instants, each in a greenlet.

    It is made with `send(arrival, late_s)`, which sends one and returns once it has ended. Instants are seconds of the
    run.
    """

    @property
    def in_flight(self) -> int:
        """How many requests have begun and not ended."""

    @property
    def finished(self) -> bool:
        """Whether nothing will begin any more."""

    @property
    def crash(self) -> BaseException | None:
        """A failure of our own, in a request or here."""

    def assign(self, share: Share, from_s: float) -> None:
        """Take this share of the arrivals from that instant on. Only those of an open load are dealt out anew."""

    def begin(self) -> None:
        """Start requests from now on."""

    def refuse(self, arrival: Arrival) -> None:
        """A guardrail has let no request through for this arrival, nor will it for a later one."""

    def end_at(self, until_s: float) -> None:
        """Start nothing that is due after that instant."""

    def abandon(self) -> None:
        """Kill what is in flight, and wait until each has written its record."""


def new_executor(
    profile: Profile,
    assignment: Assignment,
    begins_at_s: float,
    send: Callable[[Arrival, float], None],
    drop: Callable[[Arrival, DropReason], None],
) -> Executor:
    """The executor of the profile's load, for the share that a process is assigned.

    `drop(arrival, reason)` is told of an arrival that can't be started.
    """
    load = profile.load
    if isinstance(load, ClosedLoad):
        return _closed_loop(profile, load, assignment, begins_at_s, send)
    if isinstance(load, BatchLoad):
        share = batches(load).of(Share(assignment.share_number, assignment.share_of))
        return BatchExecutor(share, batch_scenarios(profile, load), begins_at_s, send)
    return ArrivalRateExecutor(arrivals(profile), begins_at_s, _bounds(load, assignment), send, drop)


def _closed_loop(
    profile: Profile,
    load: ClosedLoad,
    assignment: Assignment,
    begins_at_s: float,
    send: Callable[[Arrival, float], None],
) -> ClosedLoopExecutor:
    think_time = span(load.think_time)
    return ClosedLoopExecutor(
        stages(profile),
        assignment.worker,
        begins_at_s,
        send,
        lambda index: think_time.at(uniform(profile.seed, index, "think_time")),
    )


def _bounds(load: OpenLoad, assignment: Assignment) -> Bounds:
    return Bounds(
        max_in_flight=load.max_in_flight,
        latest_s=LIMIT_GUARD_S if load.limits else None,
        forget_s=None if assignment.alone else _FORGET_S,
    )
