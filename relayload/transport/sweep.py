"""Reads streams in turns: many at one wake-up of the process, instead of one per wake-up.

With kernel timestamps, nothing is lost by reading a little later, and a wake-up costs more than a read. Only streams
whose chunks are far apart take part, because chunks that wait unread together share one stamp.
"""

from collections.abc import Callable
from typing import Any, Final

from gevent import get_hub, monkey

INTERVAL_S: Final = 0.002
"""The time between two sweeps, and so the most by which a stream is read late."""
CALM_GAP_S: Final = 2 * INTERVAL_S
"""Streams with gaps of at least this length take part."""

_READABLE: Final = 1
"""EPOLLIN."""


class Sweeper:
    """Every INTERVAL_S, calls the readers of all sockets that have something to read."""

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
        """Stop reading a descriptor; call this before it is closed."""
        del self._readers[descriptor]
        self._poll.unregister(descriptor)
        if not self._readers:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _sweep(self) -> None:
        for descriptor, _ in self._poll.poll(0):
            read = self._readers.get(descriptor)
            if read is not None:  # otherwise an earlier reader of this sweep has closed it
                read()
