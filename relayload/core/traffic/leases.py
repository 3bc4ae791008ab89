"""What the master leases to its workers: which arrivals each may send, and until when.

A worker renews its lease about twice a second. Each reply is valid for `LEASE_S` from the instant at which the worker
*sent* the renewal, by the worker's own clock. So nobody's clock is compared with another's, and a worker that is cut
off, or was stopped, knows by itself that it may send nothing more.

What was put into a reply is granted for good, even if the reply is lost: it is sent again until the worker confirms it,
and nobody else ever gets it. What its holder does not record is lost. What was not granted yet goes to the others.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import floor, inf

from msgspec import Struct

from relayload.core.errors import AuthorError
from relayload.core.traffic.arrivals import Arrival

LEASE_S = 3.0
"""Less than the four seconds of silence after which Locust starts a worker's users elsewhere."""
FRESH_S = 1.5
"""A worker that was silent for longer gets no share of new arrivals."""
_AHEAD_S = 2.0
"""How long before they are due arrivals are granted at the earliest."""
_PICK_UP_S = 0.75
"""A share that its worker has not picked up so long before it is due goes to whoever renews next."""
_SLICES_PER_S = 2


class Grant(Struct, frozen=True):
    """Arrivals that one worker may send: those of [first, end) with `index % of == part`; `end` None is no end."""

    number: int
    """Counts the grants of its worker, from 1."""
    first: int
    end: int | None
    part: int = 0
    of: int = 1

    def owns(self, index: int) -> bool:
        return self.first <= index and (self.end is None or index < self.end) and index % self.of == self.part

    @property
    def size(self) -> int:
        """The number of indices; 0 without an end."""
        if self.end is None:
            return 0
        return len(range(self.first + (self.part - self.first) % self.of, self.end, self.of))


EVERYTHING = Grant(1, 0, None)
"""The only grant of a process that runs alone."""


class Members:
    """The workers of a run, by when each last renewed its lease. Instants are the master's."""

    def __init__(self) -> None:
        self._renewed_at_s: dict[int, float] = {}

    def renew(self, worker: int, now_s: float) -> None:
        self._renewed_at_s[worker] = now_s

    def within(self, seconds: float, now_s: float) -> list[int]:
        """Return the workers that renewed within so many seconds, in ascending order."""
        return sorted(worker for worker, at_s in self._renewed_at_s.items() if now_s - at_s < seconds)

    def silent_s(self, worker: int, now_s: float) -> float:
        """Return how long ago a worker renewed; infinite if it never did."""
        return now_s - self._renewed_at_s.get(worker, -inf)

    def excuse(self, seconds: float) -> None:
        """Count so many seconds, in which the master itself was held up, as nobody's silence."""
        for worker in self._renewed_at_s:
            self._renewed_at_s[worker] += seconds

    @property
    def latest(self) -> int | None:
        """The worker that renewed last; None if none ever did."""
        return max(self._renewed_at_s, key=self._renewed_at_s.__getitem__, default=None)


class Ledger:
    """What was granted to each worker, and which grants it has not confirmed."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._unconfirmed: dict[int, deque[Grant]] = {}

    def grant(self, worker: int, first: int, end: int, part: int = 0, of: int = 1) -> None:
        """Grant arrivals to a worker, for good."""
        number = self._numbers[worker] = self._numbers.get(worker, 0) + 1
        self._unconfirmed.setdefault(worker, deque()).append(Grant(number, first, end, part, of))

    def unconfirmed(self, worker: int, held: int) -> tuple[Grant, ...]:
        """Return the grants to send to a worker that has received those up to number `held`."""
        grants = self._unconfirmed.setdefault(worker, deque())
        while grants and grants[0].number <= held:
            grants.popleft()
        return tuple(grants)


@dataclass(slots=True)
class _Slice:
    """Arrivals of half a second, divided by residue among the workers that were there."""

    first: int
    end: int
    due_at_s: float
    workers: tuple[int | None, ...]
    """Who gets which residue; None leaves it to whoever renews next."""
    open: set[int] = field(init=False)
    """The residues that nobody was granted yet."""

    def __post_init__(self) -> None:
        self.open = set(range(len(self.workers)))

    def parts_for(self, worker: int, elapsed_s: float) -> list[int]:
        late = elapsed_s >= self.due_at_s - _PICK_UP_S
        return sorted(part for part in self.open if late or self.workers[part] in (worker, None))


class ArrivalLeases:
    """Grants the arrivals of an open load, each to one worker, shortly before they are due.

    `elapsed_s` is run time at the master, which never goes back.
    """

    def __init__(self, arrivals: Iterable[Arrival]) -> None:
        self._ledger = Ledger()
        self._unreadable = False
        self._walk = _by_slice(self._readable(arrivals))
        self._ahead = next(self._walk, None)
        self._slices: deque[_Slice] = deque()
        self._end = 0
        self._until_s = inf

    @property
    def granted_to(self) -> int:
        return self._slices[0].first if self._slices else self._end

    @property
    def complete(self) -> bool:
        return self._ahead is None and not self._slices and not self._unreadable

    def end_at(self, until_s: float) -> None:
        self._until_s = until_s

    def reschedule(self, later: Iterable[Arrival]) -> None:
        """Go on with these arrivals, of which those with an index that was shared out already stay where they are."""
        self._walk = _by_slice(arrival for arrival in self._readable(later) if arrival.index >= self._end)
        self._ahead = next(self._walk, None)

    def renew(self, worker: int, held: int, members: Sequence[int], elapsed_s: float) -> tuple[Grant, ...]:
        """Return the grants that a worker, which holds those up to number `held`, has not confirmed, new ones included.

        New arrivals are shared out among the `members`.
        """
        self._cut(members, elapsed_s)
        for piece in self._slices:
            for part in piece.parts_for(worker, elapsed_s) if worker in members else ():
                piece.open.discard(part)
                self._ledger.grant(worker, piece.first, piece.end, part, len(piece.workers))
        while self._slices and not self._slices[0].open:
            self._slices.popleft()
        return self._ledger.unconfirmed(worker, held)

    def _cut(self, members: Sequence[int], elapsed_s: float) -> None:
        """Share out the slices that are due soon."""
        while self._ahead is not None and self._ahead.ends_at_s <= elapsed_s + _AHEAD_S:
            if self._ahead.due_at_s > self._until_s:
                return
            ahead = self._ahead
            self._slices.append(_Slice(ahead.first, ahead.end, ahead.due_at_s, tuple(members) or (None,)))
            self._end, self._ahead = ahead.end, next(self._walk, None)

    def _readable(self, arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
        """Yield the arrivals before an unreadable row of a trace, which the workers meet, too, and end the run for."""
        try:
            yield from arrivals
        except AuthorError:
            self._unreadable = True


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A slice that nobody has a share of yet."""

    first: int
    end: int
    due_at_s: float
    ends_at_s: float


def _by_slice(arrivals: Iterable[Arrival]) -> Iterator[_Ahead]:
    for number, slot in groupby(arrivals, lambda arrival: floor(arrival.intended_at_s * _SLICES_PER_S)):
        due_at_s = None
        for arrival in slot:
            if due_at_s is None:
                first, due_at_s = arrival.index, arrival.intended_at_s
            last = arrival.index
        assert due_at_s is not None, "no group is empty"
        yield _Ahead(first, last + 1, due_at_s, (number + 1) / _SLICES_PER_S)


class BatchLeases:
    """Grants the requests of a batch load in order, a few at a time, to whoever has a slot free.

    A batch begins when every request of the one before has ended, or is lost with its worker.
    """

    def __init__(self, requests: int, batch_size: int) -> None:
        self._ledger = Ledger()
        self._requests = requests
        self._batch_size = batch_size
        self._granted: dict[int, int] = {}
        self._ended: dict[int, int] = {}
        self._next = 0
        self._ending = False

    @property
    def granted_to(self) -> int:
        return self._next

    @property
    def complete(self) -> bool:
        return self._ending or self._next == self._requests

    def end_at(self, until_s: float) -> None:  # noqa: ARG002 -- as of every load: nothing is due at an instant here
        self._ending = True

    def granted(self, worker: int) -> int:
        """Return how many requests were granted to a worker."""
        return self._granted.get(worker, 0)

    def renew(self, worker: int, held: int, wanted: int, ended: int, alive: Sequence[int]) -> tuple[Grant, ...]:
        """Return the grants that a worker has not confirmed, new ones included.

        It wants `wanted` requests in all, and `ended` of those that it had have ended. `alive` are the workers whose
        leases are not over.
        """
        self._ended[worker] = max(ended, self._ended.get(worker, 0))
        more = wanted - self.granted(worker)
        while more > 0 and self.has_more(alive):
            batch_ends = self._next - self._next % self._batch_size + self._batch_size
            first, end = self._next, min(self._next + more, batch_ends, self._requests)
            self._ledger.grant(worker, first, end)
            self._granted[worker] = self.granted(worker) + end - first
            self._next = end
            more -= end - first
        return self._ledger.unconfirmed(worker, held)

    def has_more(self, alive: Sequence[int]) -> bool:
        """Return whether a request may be granted now."""
        begun = self._next % self._batch_size
        return not self.complete and bool(begun or all(self._idle(worker) for worker in alive))

    def _idle(self, worker: int) -> bool:
        return self.granted(worker) == self._ended.get(worker, 0)
