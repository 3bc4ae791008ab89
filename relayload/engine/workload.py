"""A load as the master sees it: how it is dealt out to workers, how much of it was offered, and when it is complete."""

import math
from collections.abc import Iterator, Mapping
from typing import Protocol

from relayload.core.errors import AuthorError
from relayload.core.resilience.guard import Caps, Spent, parts_of, share_of
from relayload.core.traffic.arrivals import Arrival, Share
from relayload.engine.messages import WorkerStatus
from relayload.profile import Profile
from relayload.profile.loads import BatchLoad, OpenLoad
from relayload.profile.plan import arrivals, batches, is_cut_short, stages

Statuses = Mapping[int, WorkerStatus]
"""The latest status of each worker, by its number."""


class Workload(Protocol):
    """The load of a run, whatever its kind. Instants are seconds of the run."""

    @property
    def dealt_anew(self) -> bool:
        """True if the other workers take over the share of one that is gone."""

    @property
    def requests(self) -> int | None:
        """The number of requests, if it is fixed."""

    def deal(self, workers: int) -> None:
        """Begin with so many workers."""

    def caps(self, worker: int, share: Share, statuses: Statuses) -> Caps:
        """Return what a worker may send and spend in the whole run if it holds that share from now on."""

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
        return _Open(profile)
    return _Batch(profile, load) if isinstance(load, BatchLoad) else _Closed(profile)


class _Closed:
    """A closed load: requests begin when users are ready for them."""

    dealt_anew = True
    requests = None

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._caps = profile.guardrails.caps

    def deal(self, workers: int) -> None:
        """Do nothing: Locust distributes the users."""

    def caps(self, worker: int, share: Share, statuses: Statuses) -> Caps:
        """Return an even share of what is left."""
        spent = {number: Spent(status.admitted, status.usd) for number, status in statuses.items()}
        own = spent.get(worker, Spent())
        return share_of(self._caps, list(spent.values()), own, share.number, share.of)

    def due(self, elapsed_s: float, statuses: Statuses) -> int:  # noqa: ARG002 -- as every workload takes it
        return _started(statuses)

    def offered(self, until_s: float, statuses: Statuses) -> int | None:  # noqa: ARG002 -- as every workload takes it
        return None

    def complete_at_s(self) -> float:
        return 0.0

    def cut_short(self, statuses: Statuses) -> bool:  # noqa: ARG002 -- as every workload takes it
        return is_cut_short(self._profile)


class _Open(_Closed):
    """An open load: the arrivals of a schedule."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        self._total_s = sum(stage.for_s for stage in stages(profile))
        self._arrivals = _ArrivalCount(arrivals(profile))

    def due(self, elapsed_s: float, statuses: Statuses) -> int:
        return self._arrivals.by(elapsed_s) + sum(status.follow_ups for status in statuses.values())

    def offered(self, until_s: float, statuses: Statuses) -> int | None:  # noqa: ARG002 -- as every workload takes it
        return self._arrivals.by(until_s)

    def complete_at_s(self) -> float:
        """Return when the stages end, which go on after the last arrival.

        A replay without stages ends with its last row, unless `max_duration` cuts it.
        """
        return self._total_s if math.isfinite(self._total_s) or is_cut_short(self._profile) else 0.0


class _Batch:
    """A batch load: a list that is dealt out once, since only a worker itself knows which requests it has sent."""

    dealt_anew = False

    def __init__(self, profile: Profile, load: BatchLoad) -> None:
        self._batches = batches(load)
        self._caps = profile.guardrails.caps
        self.requests: int | None = self._batches.requests
        self._sizes: list[int] = []
        """The number of requests of each worker, in the order of their numbers."""

    def deal(self, workers: int) -> None:
        self._sizes = [len(self._batches.of(Share(number, workers)).indices) for number in range(workers)]

    def caps(self, worker: int, share: Share, statuses: Statuses) -> Caps:  # noqa: ARG002 -- as every workload takes it
        """Return a share in proportion to the worker's requests."""
        return parts_of(self._caps, self._sizes)[share.number]

    def due(self, elapsed_s: float, statuses: Statuses) -> int:  # noqa: ARG002 -- as every workload takes it
        return _started(statuses)

    def offered(self, until_s: float, statuses: Statuses) -> int | None:  # noqa: ARG002 -- as every workload takes it
        """Return the requests whose turn had come; what a stop left in the queue was never offered."""
        return sum(self._turns(size, statuses.get(worker)) for worker, size in enumerate(self._sizes))

    def complete_at_s(self) -> float:
        return 0.0

    def cut_short(self, statuses: Statuses) -> bool:
        return _started(statuses) < self._batches.requests

    @staticmethod
    def _turns(size: int, status: WorkerStatus | None) -> int:
        """Return how many requests of a worker's share had their turn: all if it never reported its end."""
        return status.started if status and status.drained else size


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

    def _following(self) -> Arrival | None:
        """Return the next arrival, or None. An unreadable row of a trace ends the run in the generators, not here."""
        try:
            return next(self._schedule, None)
        except AuthorError:
            return None
