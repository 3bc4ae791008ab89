"""Reading streams in turns: many at one wake-up of the process, rather than one at each.

Where the kernel stamps what arrives, nothing is lost by reading it a little later, and waking up costs more than
reading. Only streams whose chunks are far apart take part, since chunks that wait unread together share one stamp.
"""

from collections.abc import Callable
from typing import Any, Final

from gevent import get_hub, monkey

INTERVAL_S: Final = 0.002
"""Between two sweeps, and how late a stream that takes part is read at most."""
CALM_GAP_S: Final = 2 * INTERVAL_S
"""Streams with gaps this long take part."""

_READABLE: Final = 1
"""EPOLLIN."""


class Sweeper:
    """Calls the readers of those sockets that have something to read, all of them every INTERVAL_S."""

    def __init__(self) -> None:
        self._poll = monkey.get_original("select", "epoll")()
        self._readers: dict[int, Callable[[], object]] = {}
        self._timer: Any = None

    def add(self, descriptor: int, read: Callable[[], object]) -> None:
        self._readers[descriptor] = read
        self._poll.register(descriptor, _READABLE)
        if self._timer is None:
            self._timer = get_hub().loop.timer(INTERVAL_S, INTERVAL_S)
            self._timer.start(self._sweep)

    def remove(self, descriptor: int) -> None:
        """Before the descriptor is closed."""
        del self._readers[descriptor]
        self._poll.unregister(descriptor)
        if not self._readers:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _sweep(self) -> None:
        for descriptor, _ in self._poll.poll(0):
            read = self._readers.get(descriptor)
            if read is not None:  # else an earlier reader of this sweep has closed it
                read()
