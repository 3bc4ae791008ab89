"""A pool of greenlets that are used again, since to make one costs more than a switch."""

from collections.abc import Callable

import gevent
from gevent import GreenletExit, get_hub, getcurrent
from greenlet import greenlet

from relayload.core.traffic.arrivals import Arrival


class GreenletPool:
    """Runs each `work(arrival, late_s)` in an idle greenlet, or in a new one.

    A job begins at once, inside the call that starts it. An exception of our own code is kept as `crash`.
    """

    def __init__(self, work: Callable[[Arrival, float], None]) -> None:
        self._work = work
        self._idle: list[greenlet] = []
        self._busy: set[greenlet] = set()
        self.crash: BaseException | None = None

    @property
    def busy(self) -> int:
        """The number of jobs that are running."""
        return len(self._busy)

    def start(self, arrival: Arrival, late_s: float) -> None:
        """Begin a job. Call this in the event loop."""
        if self._idle:
            self._idle.pop().switch(arrival, late_s)
        else:
            greenlet(self._serve, get_hub()).switch(arrival, late_s)

    def abandon(self) -> None:
        """Kill the running jobs and wait until each has ended."""
        for each in list(self._busy):
            gevent.kill(each)
        while self._busy:
            gevent.sleep(0)

    def dismiss(self) -> None:
        """Kill the idle greenlets."""
        for each in self._idle:
            gevent.kill(each)
        self._idle.clear()

    def _serve(self, arrival: Arrival, late_s: float) -> None:
        own = getcurrent()
        switch_to_hub = get_hub().switch
        busy, idle, work = self._busy, self._idle, self._work
        try:
            while True:
                busy.add(own)
                work(arrival, late_s)
                busy.discard(own)
                idle.append(own)
                arrival, late_s = switch_to_hub()
        except GreenletExit:
            pass
        except BaseException as error:  # ours: whoever watches the pool raises it
            self.crash = error
        finally:
            busy.discard(own)
