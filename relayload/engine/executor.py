"""The interface of every executor, and the choice of the one for a profile."""

from collections.abc import Callable
from typing import Protocol

from relayload.core.traffic.arrivals import Arrival, Share
from relayload.core.traffic.draws import uniform
from relayload.core.traffic.limits import LIMIT_GUARD_S
from relayload.engine.arrival_rate import ArrivalRateExecutor, Bounds, DropReason
from relayload.engine.batch import BatchExecutor
from relayload.engine.closed_loop import ClosedLoopExecutor
from relayload.engine.messages import Assignment
from relayload.engine.run_clock import RunClock
from relayload.profile import Profile
from relayload.profile.loads import BatchLoad, ClosedLoad, OpenLoad
from relayload.profile.plan import arrivals, batch_scenarios, batches, stages
from relayload.profile.think_time import span

_FORGET_S = 2.0
"""Arrivals later than this are left to other workers: Locust's master drops a silent worker after four seconds, and its
share is dealt out anew."""


class Executor(Protocol):
    """Starts one process's requests of a run, each at its instant and in a greenlet.

    An executor is made with `send(arrival, late_s)`, which sends one request and returns once it has ended. Instants
    are in seconds of the run.
    """

    @property
    def in_flight(self) -> int:
        """The number of requests that have begun and not ended."""

    @property
    def finished(self) -> bool:
        """True once no further request will begin."""

    @property
    def crash(self) -> BaseException | None:
        """An exception of our own code, in a request or in the executor."""

    def assign(self, share: Share, from_s: float) -> None:
        """Take this share of the arrivals from `from_s` on. Only an open load is ever dealt out anew."""

    def begin(self) -> None:
        """Begin to start requests."""

    def refuse(self, arrival: Arrival) -> None:
        """Handle an arrival that a guardrail rejected; it rejects all later ones, too."""

    def end_at(self, until_s: float) -> None:
        """Start nothing that is due after `until_s`."""

    def abandon(self) -> None:
        """Kill the requests in flight and wait until each has been recorded."""


def new_executor(
    profile: Profile,
    assignment: Assignment,
    run_clock: RunClock,
    send: Callable[[Arrival, float], None],
    drop: Callable[[Arrival, DropReason], None],
) -> Executor:
    """Return the executor for the profile's load and the share assigned to this process.

    It calls `drop(arrival, reason)` for every arrival that it can't start.
    """
    load = profile.load
    if isinstance(load, ClosedLoad):
        return _closed_loop(profile, load, assignment, run_clock, send)
    if isinstance(load, BatchLoad):
        share = batches(load).of(Share(assignment.share_number, assignment.share_of))
        return BatchExecutor(share, batch_scenarios(profile, load), run_clock, send)
    return ArrivalRateExecutor(arrivals(profile), run_clock, _bounds(load, assignment), send, drop)


def _closed_loop(
    profile: Profile,
    load: ClosedLoad,
    assignment: Assignment,
    run_clock: RunClock,
    send: Callable[[Arrival, float], None],
) -> ClosedLoopExecutor:
    think_time = span(load.think_time)
    return ClosedLoopExecutor(
        stages(profile),
        assignment.worker,
        run_clock,
        send,
        lambda index: think_time.at(uniform(profile.seed, index, "think_time")),
    )


def _bounds(load: OpenLoad, assignment: Assignment) -> Bounds:
    return Bounds(
        max_in_flight=load.max_in_flight,
        latest_s=LIMIT_GUARD_S if load.limits else None,
        forget_s=None if assignment.alone else _FORGET_S,
    )
