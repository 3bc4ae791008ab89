"""Batch load: runs a fixed list of requests to completion, each started as soon as a slot is free."""

from collections import deque
from collections.abc import Callable, Iterable
from math import inf

from relayload import clock
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.batches import Batches
from relayload.core.traffic.leases import Grant
from relayload.engine.greenlet_pool import GreenletPool
from relayload.engine.permit import Permit
from relayload.engine.run_clock import RunClock
from relayload.engine.timer import Timer, new_timer

_MOST_AT_ONCE = 32
"""Requests started per turn of the event loop, so that many free slots do not delay the reading of answers."""

_IDLE_S = 0.25
"""The sleep while nothing is due; a request that ends, or is granted, wakes the executor at once."""

_AHEAD_S = 0.25
"""The time for which requests are held in stock: as they begin now, and beyond those that a slot is free for."""


class BatchExecutor:
    """The executor of a batch load: the requests of the list that are granted to one process.

    A request is due when a slot is free for it: as this process begins, or when another request ends. Those of a batch
    begin when those of the batch before have ended. `arrival` makes one of its place in the list and of the instant at
    which it is due. `ask` asks for more requests.
    """

    def __init__(
        self,
        batches: Batches,
        arrival: Callable[[int, float], Arrival],
        run_clock: RunClock,
        start: Callable[[Arrival, float], None],
        permit: Permit,
        ask: Callable[[], None],
    ) -> None:
        self._batches = batches
        self._arrival = arrival
        self._run_clock = run_clock
        self._start = start
        self._permit = permit
        self._ask = ask
        self._pool = GreenletPool(self._run)
        self._queue: deque[int] = deque()
        self._due: deque[Arrival] = deque()
        self._slots = batches.max_concurrent
        self._granted = self._begun = self.ended = 0
        self._batch = -1
        """The number of the batch whose requests begin now."""
        self._complete = self._stopped = False
        self._until_s = inf
        self._timer: Timer | None = None
        self._crash: BaseException | None = None

    @property
    def in_flight(self) -> int:
        return self._pool.busy

    @property
    def ahead(self) -> int:
        """The number of requests that are granted and have not begun."""
        return len(self._queue) + len(self._due)

    @property
    def wanted(self) -> int:
        """How many requests it wants to have been granted by now: those that begin before it can ask again."""
        if self._stopped:
            return self._granted
        begun_per_s = self._begun / max(1.0, self._run_clock.elapsed_s())
        return self._begun + max(0, self._slots - self._occupied) + round(_AHEAD_S * begun_per_s)

    @property
    def finished(self) -> bool:
        """True once nothing is in flight and nothing more will begin."""
        self._stop_in_time()
        nothing_left = self._stopped or (self._complete and not self._queue)
        return nothing_left and not self._occupied

    @property
    def crash(self) -> BaseException | None:
        """An exception of our own code, in a request or in the executor."""
        return self._crash or self._pool.crash

    def begin(self) -> None:
        """Start the first requests when the run begins, and every other one as soon as a slot is free."""
        self._timer = new_timer(self._on_timer)
        self._timer.set(self._run_clock.begins_at_s)

    def take(
        self,
        grants: Iterable[Grant],
        granted_to: int,  # noqa: ARG002 -- as every executor takes it
        *,
        complete: bool,
        slots: int | None,
    ) -> None:
        """Take more requests, and this part of the slots."""
        before = self._granted
        for grant in grants:
            indices = range(grant.first, self._batches.requests if grant.end is None else grant.end)
            self._queue.extend(indices)
            self._granted += len(indices)
        self._complete = complete
        if slots is not None:
            self._slots = slots
        self._wake()
        if self._granted > before:
            self._ask_for_more()

    def refuse(self, arrival: Arrival) -> None:  # noqa: ARG002 -- as every executor takes it
        """Start none of the requests that are left."""
        self.end_at(self._run_clock.elapsed_s())

    def end_at(self, until_s: float) -> None:
        """Start no request after `until_s`, in seconds of the run."""
        self._until_s = min(self._until_s, until_s)

    def abandon(self) -> None:
        """Kill the requests in flight and wait until each has been recorded."""
        self._stopped = True
        self._begun -= len(self._due)
        self._due.clear()
        self._pool.abandon()
        self._pool.dismiss()
        self._close()

    @property
    def _occupied(self) -> int:
        """The number of slots in use."""
        return self._begun - self.ended

    def _admit(self) -> None:
        """Make requests due for which there is a free slot."""
        self._stop_in_time()
        due_at_s = max(0.0, self._run_clock.elapsed_s())
        while self._has_room():
            index = self._queue.popleft()
            self._begun += 1
            self._due.append(self._arrival(index, due_at_s))

    def _has_room(self) -> bool:
        """Return whether the next request may begin: a slot is free, and nothing of an earlier batch is in flight."""
        if self._stopped or not self._queue or clock.now_s() >= self._permit.until_s:
            return False
        batch = self._queue[0] // self._batches.batch_size
        if not self._occupied:
            self._batch = batch
        return batch == self._batch and self._occupied < self._slots

    def _on_timer(self) -> None:
        """Start what is due; runs in the event loop."""
        try:
            if self._run_clock.elapsed_s() >= 0:
                self._admit()
            for _ in range(min(_MOST_AT_ONCE, len(self._due))):
                arrival = self._due.popleft()
                self._pool.start(arrival, self._run_clock.elapsed_s() - arrival.intended_at_s)
            if self._timer is not None:
                self._timer.set(clock.now_s() + (0.0 if self._due else _IDLE_S))
        except BaseException as error:  # ours: the loop would only print it
            self._crash = error
            self._close()

    def _run(self, arrival: Arrival, late_s: float) -> None:
        """Send one request, then free its slot."""
        try:
            self._start(arrival, late_s)
        finally:
            self.ended += 1
            self._admit()
            if self._due:
                self._wake()
            self._ask_for_more()

    def _wake(self) -> None:
        if self._timer is not None:
            self._timer.set(max(clock.now_s(), self._run_clock.begins_at_s))

    def _ask_for_more(self) -> None:
        if self.wanted > self._granted and not self._complete:
            self._ask()

    def _stop_in_time(self) -> None:
        if self._run_clock.elapsed_s() >= self._until_s:
            self._stopped = True

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
