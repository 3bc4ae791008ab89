"""Batch load: runs a fixed list of requests to completion, each started as soon as a slot is free."""

from collections import deque
from collections.abc import Callable, Sequence
from math import inf

from relayload import clock
from relayload.core.resilience.batch import Batch
from relayload.core.traffic.arrivals import Arrival, Share
from relayload.core.traffic.batches import BatchShare
from relayload.engine.greenlet_pool import GreenletPool
from relayload.engine.run_clock import RunClock
from relayload.engine.timer import Timer, new_timer

_MOST_AT_ONCE = 32
"""Requests started per turn of the event loop, so that many free slots do not delay the reading of answers."""

_IDLE_S = 3600.0
"""The sleep while nothing is due; the next request that ends wakes the executor."""


class BatchExecutor:
    """The executor of a batch load: one process's share of the list.

    A request is due when a slot is free for it: as this process begins, or when another request ends. `scenarios` has
    the scenario of every request of the whole list, by index.
    """

    def __init__(
        self,
        share: BatchShare,
        scenarios: Sequence[int],
        run_clock: RunClock,
        start: Callable[[Arrival, float], None],
    ) -> None:
        self._batch: Batch[int, None, None] = Batch(
            share.indices, batch_size=share.batch_size or None, max_concurrent=share.max_concurrent or None
        )
        self._scenarios = scenarios
        self._run_clock = run_clock
        self._start = start
        self._pool = GreenletPool(self._run)
        self._numbers: dict[int, int] = {}
        """Numbers in the queue, by index, of the requests that are due or in flight."""
        self._due: deque[Arrival] = deque()
        self._until_s = inf
        self._timer: Timer | None = None
        self._crash: BaseException | None = None

    @property
    def in_flight(self) -> int:
        return self._pool.busy

    @property
    def finished(self) -> bool:
        """True once nothing is in flight and nothing more will begin."""
        self._stop_in_time()
        return self._batch.finished

    @property
    def crash(self) -> BaseException | None:
        """An exception of our own code, in a request or in the executor."""
        return self._crash or self._pool.crash

    def begin(self) -> None:
        """Start the first requests when the run begins, and every other one as soon as a slot is free."""
        self._timer = new_timer(self._on_timer)
        self._timer.set(self._run_clock.begins_at_s)

    def assign(self, share: Share, from_s: float) -> None:
        """Do nothing: a batch is dealt out once, since only a worker itself knows which requests it has sent."""

    def refuse(self, arrival: Arrival) -> None:  # noqa: ARG002 -- as every executor takes it
        """Start none of the requests that are left."""
        self.end_at(self._run_clock.elapsed_s())

    def end_at(self, until_s: float) -> None:
        """Start no request after `until_s`, in seconds of the run."""
        self._until_s = min(self._until_s, until_s)

    def abandon(self) -> None:
        """Kill the requests in flight and wait until each has been recorded."""
        self._batch.stop()
        self._due.clear()
        self._pool.abandon()
        self._pool.dismiss()
        self._close()

    def _admit(self) -> None:
        """Make requests due for which there is a free slot."""
        self._stop_in_time()
        due_at_s = max(0.0, self._run_clock.elapsed_s())
        while (item := self._batch.next_item()) is not None:
            number, index = item
            self._numbers[index] = number
            self._due.append(Arrival(index, due_at_s, 0, self._scenarios[index]))

    def _on_timer(self) -> None:
        """Start what is due; runs in the event loop."""
        try:
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
            self._batch.done(self._numbers.pop(arrival.index), None)
            self._admit()
            if self._due and self._timer is not None:
                self._timer.set(clock.now_s())

    def _stop_in_time(self) -> None:
        if self._run_clock.elapsed_s() >= self._until_s:
            self._batch.stop()

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
