"""The interface of every executor, and the choice of the one for a profile."""

from collections.abc import Callable, Iterable
from typing import Protocol

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.draws import uniform
from relayload.core.traffic.leases import Grant
from relayload.engine.arrival_rate import ArrivalRateExecutor, DropReason
from relayload.engine.batch import BatchExecutor
from relayload.engine.closed_loop import ClosedLoopExecutor
from relayload.engine.messages import Assignment
from relayload.engine.permit import Permit
from relayload.engine.run_clock import RunClock
from relayload.profile import Profile
from relayload.profile.loads import BatchLoad, ClosedLoad, OpenLoad
from relayload.profile.plan import arrivals, asked_by, batch_arrivals, batches, stages, to_send
from relayload.profile.think_time import span


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

    @property
    def ahead(self) -> int:
        """The number of requests that are granted to this process and have not begun, as far as it is known."""

    @property
    def wanted(self) -> int:
        """In a batch: how many requests it would like to have been granted by now."""

    @property
    def ended(self) -> int:
        """In a batch: how many of those that it was granted have ended."""

    def take(self, grants: Iterable[Grant], granted_to: int, *, complete: bool, slots: int | None) -> None:
        """Take what was granted, and a part of the requests in flight; None is no limit beyond the profile's.

        Every index below `granted_to` is granted to somebody. If `complete`, no further grants will come.
        """

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
    permit: Permit,
    ask: Callable[[], None],
) -> Executor:
    """Return the executor for the profile's load.

    It calls `drop(arrival, reason)` for every arrival that it can't start, and `ask()` when it lacks grants.
    """
    load = profile.load
    if isinstance(load, OpenLoad):
        schedule = to_send(profile, arrivals(profile))
        return ArrivalRateExecutor(schedule, run_clock, load.max_in_flight, send, drop, permit)
    executor: Executor
    if isinstance(load, BatchLoad):
        executor = BatchExecutor(batches(profile, load), batch_arrivals(profile, load), run_clock, send, permit, ask)
    else:
        executor = _closed_loop(profile, load, assignment, run_clock, send, permit)
    executor.end_at(profile.guardrails.until_s)
    return executor


def _closed_loop(
    profile: Profile,
    load: ClosedLoad,
    assignment: Assignment,
    run_clock: RunClock,
    send: Callable[[Arrival, float], None],
    permit: Permit,
) -> ClosedLoopExecutor:
    think_time = span(load.think_time)
    return ClosedLoopExecutor(
        stages(profile),
        assignment.worker,
        run_clock,
        send,
        lambda index: think_time.at(uniform(profile.seed, index, "think_time")),
        permit,
        asked_by(profile),
    )
