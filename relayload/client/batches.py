"""Runs a list of requests in its own greenlets, batch by batch."""

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
    """A running list of requests. Exceptions other than CallFailed are bugs, and are raised by `wait`."""

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
        """The running greenlets, with the position of each one's request."""
        self._over = Event()
        self._bug: Exception | None = None
        self._began_at_s = clock.now_s()
        self._ended_at_s: float | None = None
        self._start_ready()

    def status(self) -> BatchStatus:
        """How many requests are queued, running, done and failed."""
        return self._batch.status()

    @property
    def results(self) -> list[Completion | None]:
        """The results in the order of the requests; None for one that is not done, or failed."""
        return self._batch.results

    @property
    def errors(self) -> dict[int, CallFailed]:
        """The errors of failed requests by position."""
        return self._batch.errors

    @property
    def makespan_s(self) -> float:
        """Seconds from the start to the end of the last request, or until now."""
        return (clock.now_s() if self._ended_at_s is None else self._ended_at_s) - self._began_at_s

    def wait(self, timeout_s: float | None = None) -> list[Completion | None]:
        """Wait for the end, at most `timeout_s` seconds, and return the results so far."""
        self._over.wait(timeout_s)
        if self._bug is not None:
            raise self._bug
        return self.results

    def stop(self) -> list[Completion | None]:
        """Start no further requests, cut off the running ones, and return the results so far."""
        self._batch.stop()
        running = dict(self._running)
        gevent.killall(list(running))
        for number in running.values():
            if self._batch.state(number) is ItemState.RUNNING:  # killed before it could start, so not yet recorded
                self._batch.failed(number, _cut_off())
        self._start_ready()
        return self.results

    def _start_ready(self) -> None:
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
        except Exception as bug:  # our own, raised again by `wait`
            self._bug = bug
            self._over.set()
            return
        self._start_ready()


def _cut_off() -> CutOff:
    return CutOff("the batch was stopped while this request ran", None, ())
