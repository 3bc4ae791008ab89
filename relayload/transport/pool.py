"""Keep-alive connections to one target. The most recently used one is reused first."""

from gevent.lock import BoundedSemaphore
from msgspec import Struct

from relayload import clock
from relayload.transport.connection import Connection
from relayload.transport.dial import Dialler
from relayload.transport.failures import Failure, WireError


class Lease(Struct, gc=False):
    """A connection for one request, and how long each step took, in seconds; None for a step that was skipped."""

    connection: Connection
    blocked_s: float
    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None


class Pool:
    """At most `max_connections` connections at a time, including idle ones; None means no limit."""

    def __init__(self, dialler: Dialler, max_connections: int | None = None) -> None:
        self._dialler = dialler
        self._slots = None if max_connections is None else BoundedSemaphore(max_connections)
        self._idle: list[Connection] = []
        self._closed = False

    def lease(self, connect_s: float | None, until_s: float | None, *, new: bool = False) -> Lease:
        """Take an idle connection or open one, waiting for a free slot; `new` always opens one. Give it back later.

        `connect_s` limits opening; everything must be done by the instant `until_s`. Raises WireError.
        """
        begun_s = clock.now_s()
        self._wait_for_slot(until_s)
        blocked_s = clock.now_s() - begun_s if self._slots else 0.0
        try:
            connection = None if new else self._idle_connection()
            return Lease(connection, blocked_s) if connection else self._dialled(blocked_s, connect_s, until_s)
        except BaseException:
            self._free_slot()
            raise

    def give_back(self, connection: Connection) -> None:
        """Keep the connection for the next request, if it is still open."""
        if not connection.open:
            pass
        elif self._closed:
            connection.close()
        else:
            self._idle.append(connection)
        self._free_slot()

    def close(self) -> None:
        """Close idle connections now, and those in use when they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _idle_connection(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        return None

    def _dialled(self, blocked_s: float, connect_s: float | None, until_s: float | None) -> Lease:
        left_s = None if until_s is None else max(0.0, until_s - clock.now_s())
        if connect_s is None or (left_s is not None and left_s < connect_s):
            dialled = self._dialler.dial(left_s, Failure.TOTAL_TIMEOUT)
        else:
            dialled = self._dialler.dial(connect_s, Failure.CONNECT_TIMEOUT)
        return Lease(dialled.connection, blocked_s, dialled.dns_s, dialled.connect_s, dialled.tls_s)

    def _wait_for_slot(self, until_s: float | None) -> None:
        if self._slots is None:
            return
        left_s = None if until_s is None else max(0.0, until_s - clock.now_s())
        if not self._slots.acquire(timeout=left_s):
            raise WireError(Failure.TOTAL_TIMEOUT)

    def _free_slot(self) -> None:
        if self._slots is not None:
            self._slots.release()
