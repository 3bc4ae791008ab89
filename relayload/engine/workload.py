"""A load as the master sees it: what of it is granted to whom, how much was offered, and when it is complete."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from relayload.core.errors import AuthorError
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.leases import ArrivalLeases, BatchLeases, Grant
from relayload.core.traffic.rate_changes import RateChange
from relayload.engine.messages import Renewal, WorkerStatus
from relayload.engine.rescheduling import due_after
from relayload.profile import Profile
from relayload.profile.loads import BatchLoad, OpenLoad
from relayload.profile.plan import arrivals, batches, is_cut_short, stages

Statuses = Mapping[int, WorkerStatus]
"""The latest status of each worker, by its number."""


class Workload(Protocol):
    """The load of a run, whatever its kind. Instants are seconds of the run."""

    @property
    def requests(self) -> int | None:
        """The number of requests, if it is fixed."""

    @property
    def slots(self) -> int | None:
        """The most requests in flight; None for no limit."""

    @property
    def granted_to(self) -> int:
        """Each index below this one is granted to somebody."""

    @property
    def complete(self) -> bool:
        """True if nothing more will be granted."""

    def grants(
        self, renewal: Renewal, members: Sequence[int], alive: Sequence[int], elapsed_s: float
    ) -> tuple[Grant, ...]:
        """Return the grants that a worker has not confirmed, new ones included.

        New arrivals are shared out among the `members`; `alive` are the workers whose leases are not over.
        """

    def waiting(self, alive: Sequence[int]) -> list[int]:
        """Return the workers that would now be granted something for which they asked before."""

    def end_at(self, until_s: float) -> None:
        """Grant nothing that is due after `until_s`."""

    def change_rate(self, changes: Sequence[RateChange], elapsed_s: float) -> None:
        """Go on with these changes of the rate, the last of which is new and in force after `elapsed_s`.

        Only an open load has a rate.
        """

    def due(self, elapsed_s: float, statuses: Statuses) -> int:
        """Return how many requests should have begun by an instant, which must not go back."""

    def offered(self, until_s: float, statuses: Statuses) -> int | None:
        """Return how many arrivals were due by an instant; None if requests begin at answers and not at instants."""

    def complete_at_s(self) -> float:
        """Return when a load ends of which everything was sent; 0 if it ends with its last answer."""

    def cut_short(self, statuses: Statuses) -> bool:
        """Return whether a part of the load is left when `max_duration` ends the run."""


def new_workload(profile: Profile) -> Workload:
    """Return the workload of the profile."""
    load = profile.load
    if isinstance(load, OpenLoad):
        return _Open(profile, load)
    return _Batch(profile, load) if isinstance(load, BatchLoad) else _Closed(profile)


class _Closed:
    """A closed load: requests begin when users are ready for them, and Locust distributes the users."""

    requests: int | None = None
    slots: int | None = None
    granted_to = 0
    complete = True

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def grants(
        self,
        renewal: Renewal,  # noqa: ARG002 -- as every workload takes it
        members: Sequence[int],  # noqa: ARG002
        alive: Sequence[int],  # noqa: ARG002
        elapsed_s: float,  # noqa: ARG002
    ) -> tuple[Grant, ...]:
        return ()

    def waiting(self, alive: Sequence[int]) -> list[int]:  # noqa: ARG002 -- as every workload takes it
        return []

    def end_at(self, until_s: float) -> None:
        """Do nothing: nothing is granted."""

    def change_rate(self, changes: Sequence[RateChange], elapsed_s: float) -> None:
        """Do nothing: users set the rate."""

    def due(self, elapsed_s: float, statuses: Statuses) -> int:  # noqa: ARG002 -- as every workload takes it
        return _started(statuses)

    def offered(self, until_s: float, statuses: Statuses) -> int | None:  # noqa: ARG002 -- as every workload takes it
        return None

    def complete_at_s(self) -> float:
        return 0.0

    def cut_short(self, statuses: Statuses) -> bool:  # noqa: ARG002 -- as every workload takes it
        return is_cut_short(self._profile)


class _Leased:
    """A load of which every request is leased to one worker."""

    _leases: ArrivalLeases | BatchLeases

    @property
    def granted_to(self) -> int:
        return self._leases.granted_to

    @property
    def complete(self) -> bool:
        return self._leases.complete

    def end_at(self, until_s: float) -> None:
        self._leases.end_at(until_s)

    def change_rate(self, changes: Sequence[RateChange], elapsed_s: float) -> None:
        """Do nothing, unless there is a rate."""


class _Open(_Leased):
    """An open load: the arrivals of a schedule."""

    requests: int | None = None

    def __init__(self, profile: Profile, load: OpenLoad) -> None:
        self._profile = profile
        self._total_s = sum(stage.for_s for stage in stages(profile))
        self._arrivals = _ArrivalCount(arrivals(profile))
        self._leases: ArrivalLeases = ArrivalLeases(arrivals(profile))
        self.slots: int | None = load.max_in_flight
        self._changes: Sequence[RateChange] = ()

    def change_rate(self, changes: Sequence[RateChange], elapsed_s: float) -> None:
        self._changes, counted = changes, self._arrivals.by(elapsed_s)
        later, again = (due_after(arrivals(self._profile, changes), elapsed_s) for _ in range(2))
        if self._changes is changes:  # none came while others went on
            self._arrivals.go_on(counted, later)
            self._leases.reschedule(again)

    def grants(
        self,
        renewal: Renewal,
        members: Sequence[int],
        alive: Sequence[int],  # noqa: ARG002 -- as every workload takes it
        elapsed_s: float,
    ) -> tuple[Grant, ...]:
        return self._leases.renew(renewal.worker, renewal.held, members, elapsed_s)

    def waiting(self, alive: Sequence[int]) -> list[int]:  # noqa: ARG002 -- as every workload takes it
        return []

    def due(self, elapsed_s: float, statuses: Statuses) -> int:
        return self._arrivals.by(elapsed_s) + sum(status.follow_ups for status in statuses.values())

    def offered(self, until_s: float, statuses: Statuses) -> int | None:  # noqa: ARG002 -- as every workload takes it
        return self._arrivals.by(until_s)

    def complete_at_s(self) -> float:
        """Return when the stages end, which go on after the last arrival.

        A replay without stages ends with its last row, unless `max_duration` cuts it.
        """
        return self._total_s if math.isfinite(self._total_s) or is_cut_short(self._profile) else 0.0

    def cut_short(self, statuses: Statuses) -> bool:  # noqa: ARG002 -- as every workload takes it
        return is_cut_short(self._profile)


class _Batch(_Leased):
    """A batch load: a list of which workers get more as they have slots free."""

    def __init__(self, profile: Profile, load: BatchLoad) -> None:
        self._batches = batches(profile, load)
        self._leases: BatchLeases = BatchLeases(self._batches.requests, self._batches.batch_size)
        self._wanted: dict[int, Renewal] = {}
        self.requests: int | None = self._batches.requests
        self.slots: int | None = self._batches.max_concurrent

    def grants(
        self,
        renewal: Renewal,
        members: Sequence[int],  # noqa: ARG002 -- as every workload takes it
        alive: Sequence[int],
        elapsed_s: float,  # noqa: ARG002
    ) -> tuple[Grant, ...]:
        self._wanted[renewal.worker] = renewal
        return self._leases.renew(renewal.worker, renewal.held, renewal.wanted, renewal.ended, alive)

    def waiting(self, alive: Sequence[int]) -> list[int]:
        if not self._leases.has_more(alive):
            return []
        wanted = {worker: self._wanted[worker].wanted for worker in alive if worker in self._wanted}
        return [worker for worker, count in wanted.items() if count > self._leases.granted(worker)]

    def due(self, elapsed_s: float, statuses: Statuses) -> int:  # noqa: ARG002 -- as every workload takes it
        return _started(statuses)

    def offered(self, until_s: float, statuses: Statuses) -> int | None:  # noqa: ARG002 -- as every workload takes it
        """Return the requests whose turn had come; what a stop left in the queue was never offered."""
        return sum(self._turns(worker, statuses.get(worker)) for worker in {*statuses, *self._wanted})

    def complete_at_s(self) -> float:
        return 0.0

    def cut_short(self, statuses: Statuses) -> bool:
        return _started(statuses) < self._batches.requests

    def _turns(self, worker: int, status: WorkerStatus | None) -> int:
        """Return how many requests of a worker had their turn: all that it was granted if it never reported its end."""
        if status is not None and status.drained:
            return status.started - status.follow_ups + status.dropped
        return self._leases.granted(worker)


def _started(statuses: Statuses) -> int:
    return sum(status.started for status in statuses.values())


class _ArrivalCount:
    """Counts the arrivals of a schedule as time passes."""

    def __init__(self, schedule: Iterator[Arrival]) -> None:
        self._schedule = schedule
        self._next: Arrival | None = next(schedule, None)
        self._count = 0

    def by(self, elapsed_s: float) -> int:
        """Return the number of arrivals due by an instant, which must not go back."""
        while self._next is not None and self._next.intended_at_s <= elapsed_s:
            self._count += 1
            self._next = self._following()
        return self._count

    def go_on(self, count: int, later: Iterator[Arrival]) -> None:
        """Go on after so many arrivals with those of another schedule."""
        self._schedule, self._count = later, count
        self._next = self._following()

    def _following(self) -> Arrival | None:
        """Return the next arrival, or None. An unreadable row of a trace ends the run in the generators, not here."""
        try:
            return next(self._schedule, None)
        except AuthorError:
            return None
