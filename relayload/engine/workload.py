"""A load as its master sees it: how it is dealt out to workers, how much of it was offered, and when it is complete."""

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
"""What each worker has last told, by its number."""


class Workload(Protocol):
    """The load of a run, whatever its kind. Instants are seconds of the run."""

    @property
    def dealt_anew(self) -> bool:
        """Whether the others take over what a worker that is gone has not sent."""

    @property
    def requests(self) -> int | None:
        """How many there are in all, where that is fixed."""

    def deal(self, workers: int) -> None:
        """It begins, with so many workers."""

    def caps(self, worker: int, share: Share, statuses: Statuses) -> Caps:
        """What a worker may send and spend in the whole run, if it has that share from now on."""

    def due(self, elapsed_s: float, statuses: Statuses) -> int:
        """How many requests should have begun until an instant, which must not go back."""

    def offered(self, until_s: float, statuses: Statuses) -> int | None:
        """How many arrivals were due until an instant; None where requests wait for answers, not for instants."""

    def complete_at_s(self) -> float:
        """When a load ends of which everything was sent; 0 where it ends with its last answer."""

    def cut_short(self, statuses: Statuses) -> bool:
        """Whether something is left of it where `max_duration` ends it."""


def new_workload(profile: Profile) -> Workload:
    """That of the profile's load."""
    load = profile.load
    if isinstance(load, OpenLoad):
        return _Open(profile)
    return _Batch(profile, load) if isinstance(load, BatchLoad) else _Closed(profile)


class _Closed:
    """Requests begin as users come to them."""

    dealt_anew = True
    requests = None

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._caps = profile.guardrails.caps

    def deal(self, workers: int) -> None:
        """Locust spreads the users."""

    def caps(self, worker: int, share: Share, statuses: Statuses) -> Caps:
        """An even share of what is left."""
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
    """Arrivals of a schedule."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        self._total_s = sum(stage.for_s for stage in stages(profile))
        self._arrivals = _ArrivalCount(arrivals(profile))

    def due(self, elapsed_s: float, statuses: Statuses) -> int:
        return self._arrivals.by(elapsed_s) + sum(status.follow_ups for status in statuses.values())

    def offered(self, until_s: float, statuses: Statuses) -> int | None:  # noqa: ARG002 -- as every workload takes it
        return self._arrivals.by(until_s)

    def complete_at_s(self) -> float:
        """When the stages end: after its last arrival they go on without any.

        A replay without stages ends with its last row, unless `max_duration` cuts it.
        """
        return self._total_s if math.isfinite(self._total_s) or is_cut_short(self._profile) else 0.0


class _Batch:
    """A list of requests, dealt out once: nobody but a worker itself knows which of its requests it has sent."""

    dealt_anew = False

    def __init__(self, profile: Profile, load: BatchLoad) -> None:
        self._batches = batches(load)
        self._caps = profile.guardrails.caps
        self.requests: int | None = self._batches.requests
        self._sizes: list[int] = []
        """How many requests each worker has, in the order of their numbers."""

    def deal(self, workers: int) -> None:
        self._sizes = [len(self._batches.of(Share(number, workers)).indices) for number in range(workers)]

    def caps(self, worker: int, share: Share, statuses: Statuses) -> Caps:  # noqa: ARG002 -- as every workload takes it
        """In proportion to the sizes of the shares, which are not even."""
        return parts_of(self._caps, self._sizes)[share.number]

    def due(self, elapsed_s: float, statuses: Statuses) -> int:  # noqa: ARG002 -- as every workload takes it
        return _started(statuses)

    def offered(self, until_s: float, statuses: Statuses) -> int | None:  # noqa: ARG002 -- as every workload takes it
        """Once it has ended, the requests whose turn came: what a stop left in the queue was never offered."""
        return sum(self._turns(size, statuses.get(worker)) for worker, size in enumerate(self._sizes))

    def complete_at_s(self) -> float:
        return 0.0

    def cut_short(self, statuses: Statuses) -> bool:
        return _started(statuses) < self._batches.requests

    @staticmethod
    def _turns(size: int, status: WorkerStatus | None) -> int:
        """How many requests of a worker's share had their turn: all, where it never told of its end."""
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
        """Arrivals due until that instant, which must not go back."""
        while self._next is not None and self._next.intended_at_s <= elapsed_s:
            self._count += 1
            self._next = self._following()
        return self._count

    def _following(self) -> Arrival | None:
        """None also where a row of a trace does not read: the generators, which get there too, end the run."""
        try:
            return next(self._schedule, None)
        except AuthorError:
            return None
