"""The instant at which bytes reached this host, as the kernel saw it.

A busy generator reads late; the kernel does not. Linux notes the wall-clock time of every received segment
(`SO_TIMESTAMPNS`, see socket(7)) and `recvmsg` hands it out beside the bytes: that of the last segment read from.
Segments that wait unread are merged and keep the stamp of the last, so a stamp is exact as long as the reader is
not later than the gap to the next segment.
"""

import contextlib
import socket
import struct
import sys
from typing import Final

import gevent
from gevent import monkey

from relayload import clock

_SO_TIMESTAMPNS: Final = 35
"""On every architecture of Linux's asm-generic; Python 3.11 has no name for it."""
_TIMESPEC = struct.Struct("@ll")
_read_timespec = _TIMESPEC.unpack
ANCILLARY_BYTES: Final = socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
"""Room that `recvmsg` needs for a stamp."""
_PROBE_TRIES = 100
_PROBE_PAUSE_S = 0.001

Ancillary = list[tuple[int, int, bytes]]

PlainSocket: type[socket.socket] = monkey.get_original("socket", "socket")
"""The standard library's socket, which never waits cooperatively, whether or not gevent has patched it."""


def request_stamps(sock: socket.socket) -> None:
    """Have the kernel stamp what this socket receives, where it can."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


class ArrivalClock:
    """Turns stamps into instants on the monotonic clock.

    Holds a socket that asks for stamps: the kernel stops making them when the last such socket is closed, and takes
    some milliseconds to begin anew.
    """

    def __init__(self) -> None:
        self.unstamped = 0
        """Reads that came without a stamp."""
        self._holder = PlainSocket()
        request_stamps(self._holder)
        self.stamped = _probe()
        """Whether this system gives stamps."""

    @property
    def kernel(self) -> bool:
        """Whether all instants so far came from the kernel."""
        return self.stamped and self.unstamped == 0

    def at_s(self, ancillary: Ancillary, earliest_s: float) -> float:
        """When these bytes arrived; `earliest_s` is an instant they cannot precede, such as that of the bytes before.

        The stamp's age is taken on the wall clock, a moment after it was made. If that clock was stepped in between,
        the result would be impossible; then it is the instant of reading.
        """
        now_s = clock.now_s()
        if not ancillary:
            self.unstamped += 1
            return now_s
        seconds, nanoseconds = _read_timespec(ancillary[0][2])
        at_s = now_s - (clock.wall_ns() - seconds * 1_000_000_000 - nanoseconds) * 1e-9
        return at_s if earliest_s <= at_s <= now_s else now_s

    def close(self) -> None:
        self._holder.close()


def _probe() -> bool:
    """Whether bytes come with stamps. The kernel begins to make them a moment after it was asked to."""
    with PlainSocket() as listener, PlainSocket() as receiver:
        try:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            receiver.connect(listener.getsockname())
        except OSError:  # no IPv4 loopback here
            return False
        request_stamps(receiver)
        sender, _ = listener.accept()
        with sender:
            return any(_stamped_byte(sender, receiver) for _ in range(_PROBE_TRIES))


def _stamped_byte(sender: socket.socket, receiver: socket.socket) -> bool:
    sender.send(b"?")
    _, ancillary, _, _ = receiver.recvmsg(1, ANCILLARY_BYTES)
    if not ancillary:
        gevent.sleep(_PROBE_PAUSE_S)
    return bool(ancillary)
