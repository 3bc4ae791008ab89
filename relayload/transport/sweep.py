"""Polls sockets in turns: reads many calm streams at one wake-up, and learns when sockets were still empty.

With kernel timestamps, nothing is lost by reading a little later, and a wake-up costs more than a read. Only streams
whose chunks are far apart are read in turns, because chunks that wait unread together share one stamp.

Streams that wait for their first token are read as soon as something arrives. They are polled as well, before all
others and between them: a socket that a poll finds empty has received everything that is read later after that poll.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from gevent import get_hub, monkey

from relayload import clock

INTERVAL_S: Final = 0.002
"""The time between two sweeps, and so the most by which a stream is read late."""
CALM_GAP_S: Final = 2 * INTERVAL_S
"""Streams with gaps of at least this length take part."""

_READABLE: Final = 1
"""EPOLLIN."""
_READS_BETWEEN: Final = 16
"""How many calm streams are read before those that wait are polled again: about 0.2 ms of work."""


class PolledSockets:
    """Sockets that are polled together. Every one that has something to read is read at once."""

    __slots__ = ("_poll", "_readers", "_sweeper", "empty_at_s")

    def __init__(self, sweeper: "Sweeper") -> None:
        self._sweeper = sweeper
        self._poll = monkey.get_original("select", "epoll")()
        self._readers: dict[int, Callable[[], object]] = {}
        self.empty_at_s = 0.0
        """When the last poll was made that is over. Each of the sockets was empty then, or has been read since."""

    def __len__(self) -> int:
        return len(self._readers)

    def add(self, descriptor: int, read: Callable[[], object]) -> None:
        """Poll a socket that is empty now; `read` reads once."""
        self._readers[descriptor] = read
        self._poll.register(descriptor, _READABLE)
        self._sweeper.start()

    def remove(self, descriptor: int) -> None:
        """Stop polling a socket; call this before it is closed."""
        del self._readers[descriptor]
        self._poll.unregister(descriptor)

    def read_all(self, between: Callable[[], None] | None = None) -> None:
        """Read each socket that has something to read; call `between` after some of them."""
        if not self._readers:
            return
        at_s = clock.now_s()
        ready = iter(self._poll.poll(0, len(self._readers)))
        while some := list(islice(ready, _READS_BETWEEN)):
            for descriptor, _ in some:
                read = self._readers.get(descriptor)
                if read is not None:  # otherwise an earlier reader of this poll has closed it
                    read()
            if between is not None:
                between()
        self.empty_at_s = at_s


class Sweeper:
    """Polls every INTERVAL_S, as long as there are sockets to poll."""

    def __init__(self) -> None:
        self.calm = PolledSockets(self)
        """Streams that are read in turns."""
        self.waiting = PolledSockets(self)
        """Streams that wait for their first token."""
        self._timer: Any = None

    def start(self) -> None:
        if self._timer is None:
            self._timer = get_hub().loop.timer(INTERVAL_S, INTERVAL_S)
            self._timer.start(self._sweep)

    def _sweep(self) -> None:
        self.waiting.read_all()
        self.calm.read_all(self.waiting.read_all)
        if not (self.calm or self.waiting):
            self._timer.stop()
            self._timer.close()
            self._timer = None
