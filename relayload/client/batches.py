"""A list of requests that runs in greenlets of its own, batch by batch."""

from collections.abc import Callable, Sequence

import gevent
from gevent import Greenlet, GreenletExit
from gevent.event import Event

from relayload import clock
from relayload.client.chat_request import ChatRequest
from relayload.client.errors import CallFailed, CutOff
from relayload.client.results import Completion
from relayload.core.resilience.batch import Batch, BatchStatus, ItemState


class BatchRun:
    """The requests under way. Other failures than CallFailed are bugs, and raised by `wait`."""

    def __init__(
        self,
        ask: Callable[[ChatRequest], Completion],
        requests: Sequence[ChatRequest],
        batch_size: int,
        max_concurrent: int,
    ) -> None:
        self._ask = ask
        self._batch: Batch[ChatRequest, Completion, CallFailed] = Batch(
            requests, batch_size=batch_size, max_concurrent=max_concurrent
        )
        self._running: dict[Greenlet, int] = {}
        """And the position of each one's request."""
        self._over = Event()
        self._bug: Exception | None = None
        self._began_at_s = clock.now_s()
        self._ended_at_s: float | None = None
        self._go_on()

    def status(self) -> BatchStatus:
        """How many requests are queued, running, done and failed."""
        return self._batch.status()

    @property
    def results(self) -> list[Completion | None]:
        """In the order of the requests; None where there is none yet, or an error instead."""
        return self._batch.results

    @property
    def errors(self) -> dict[int, CallFailed]:
        """Why requests failed, by their positions."""
        return self._batch.errors

    @property
    def makespan_s(self) -> float:
        """From the beginning to the end of the last request, or until now."""
        return (clock.now_s() if self._ended_at_s is None else self._ended_at_s) - self._began_at_s

    def wait(self, timeout_s: float | None = None) -> list[Completion | None]:
        """Wait for the end, or so long, and return the results that there are."""
        self._over.wait(timeout_s)
        if self._bug is not None:
            raise self._bug
        return self.results

    def stop(self) -> list[Completion | None]:
        """Begin no further request, cut off those under way, and return the results that there are."""
        self._batch.stop()
        running = dict(self._running)
        gevent.killall(list(running))
        for number in running.values():
            if self._batch.state(number) is ItemState.RUNNING:  # killed before it could begin, so that nobody said so
                self._batch.failed(number, _cut_off())
        self._go_on()
        return self.results

    def _go_on(self) -> None:
        while (item := self._batch.next_item()) is not None:
            greenlet = gevent.spawn(self._run, *item)
            self._running[greenlet] = item[0]
            greenlet.rawlink(self._running.pop)
        if self._batch.finished and not self._over.is_set():
            self._ended_at_s = clock.now_s()
            self._over.set()

    def _run(self, number: int, request: ChatRequest) -> None:
        try:
            self._batch.done(number, self._ask(request))
        except CallFailed as error:
            self._batch.failed(number, error)
        except GreenletExit:
            self._batch.failed(number, _cut_off())
            return
        except Exception as bug:  # ours: raised again where somebody waits
            self._bug = bug
            self._over.set()
            return
        self._go_on()


def _cut_off() -> CutOff:
    return CutOff("the batch was stopped while this request ran", None, ())
