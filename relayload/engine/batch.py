"""Batch load: a fixed list of requests run to completion, each started as soon as there is a place for it."""

from collections import deque
from collections.abc import Callable, Sequence
from math import inf

from relayload import clock
from relayload.core.resilience.batch import Batch
from relayload.core.traffic.arrivals import Arrival, Share
from relayload.core.traffic.batches import BatchShare
from relayload.engine.greenlet_pool import GreenletPool
from relayload.engine.timer import Timer, new_timer

_MOST_AT_ONCE = 32
"""Requests that are started before the event loop has its turn: many places must not hold up what has arrived."""

_IDLE_S = 3600.0
"""Nothing is due: the next request that ends sets the timer."""


class BatchExecutor:
    """One process's share of the list; the executor of a batch load.

    A request is due when its turn comes: as this process begins, or once another has ended and made room. `scenarios`
    are those of the whole list, by index.
    """

    def __init__(
        self,
        share: BatchShare,
        scenarios: Sequence[int],
        begins_at_s: float,
        start: Callable[[Arrival, float], None],
    ) -> None:
        self._batch: Batch[int, None, None] = Batch(
            share.indices, batch_size=share.batch_size or None, max_concurrent=share.max_concurrent or None
        )
        self._scenarios = scenarios
        self._begins_at_s = begins_at_s
        self._start = start
        self._pool = GreenletPool(self._run)
        self._numbers: dict[int, int] = {}
        """Of the requests that are due or in flight: their numbers in the queue."""
        self._due: deque[Arrival] = deque()
        self._until_s = inf
        self._timer: Timer | None = None
        self._crash: BaseException | None = None

    @property
    def in_flight(self) -> int:
        return self._pool.busy

    @property
    def finished(self) -> bool:
        """Whether nothing runs and nothing more will begin."""
        self._stop_in_time()
        return self._batch.finished

    @property
    def crash(self) -> BaseException | None:
        """A failure of our own, in a request or here."""
        return self._crash or self._pool.crash

    def begin(self) -> None:
        """Start the first requests when the run begins, and each other one as soon as there is room for it."""
        self._timer = new_timer(self._on_timer)
        self._timer.set(self._begins_at_s)

    def assign(self, share: Share, from_s: float) -> None:
        """A batch is dealt out once: nobody but a worker itself knows which of its requests it has sent."""

    def refuse(self, arrival: Arrival) -> None:  # noqa: ARG002 -- as every executor takes it
        """The requests that are left get no turn."""
        self.end_at(self._elapsed_s())

    def end_at(self, until_s: float) -> None:
        """Let no request's turn come after that instant of the run."""
        self._until_s = min(self._until_s, until_s)

    def abandon(self) -> None:
        """Kill what is in flight, and wait until each has written its record."""
        self._batch.stop()
        self._due.clear()
        self._pool.abandon()
        self._pool.dismiss()
        self._close()

    def _admit(self) -> None:
        """Whatever there is room for is due now."""
        self._stop_in_time()
        due_at_s = max(0.0, self._elapsed_s())
        while (item := self._batch.next_item()) is not None:
            number, index = item
            self._numbers[index] = number
            self._due.append(Arrival(index, due_at_s, 0, self._scenarios[index]))

    def _on_timer(self) -> None:
        """In the event loop: start what is due."""
        try:
            self._admit()
            for _ in range(min(_MOST_AT_ONCE, len(self._due))):
                arrival = self._due.popleft()
                self._pool.start(arrival, self._elapsed_s() - arrival.intended_at_s)
            if self._timer is not None:
                self._timer.set(clock.now_s() + (0.0 if self._due else _IDLE_S))
        except BaseException as error:  # ours: the loop would only print it
            self._crash = error
            self._close()

    def _run(self, arrival: Arrival, late_s: float) -> None:
        """One request, and room for another after it."""
        try:
            self._start(arrival, late_s)
        finally:
            self._batch.done(self._numbers.pop(arrival.index), None)
            self._admit()
            if self._due and self._timer is not None:
                self._timer.set(clock.now_s())

    def _stop_in_time(self) -> None:
        if self._elapsed_s() >= self._until_s:
            self._batch.stop()

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def _elapsed_s(self) -> float:
        return clock.now_s() - self._begins_at_s
