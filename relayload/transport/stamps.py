"""The instant at which bytes reached this host, according to the kernel.

A busy generator reads late, but the kernel stamps on time. Linux records the wall-clock time of every received segment
(`SO_TIMESTAMPNS`, see socket(7)), and `recvmsg` returns that of the last segment read. Segments that wait unread are
merged and keep the stamp of the last one. So a stamp is exact for the last byte of a read that left nothing behind, and
for other bytes an upper bound.
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
"""The value on every architecture of Linux's asm-generic. Python 3.11 has no name for it."""
_TIMESPEC = struct.Struct("@ll")
_read_timespec = _TIMESPEC.unpack
ANCILLARY_BYTES: Final = socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
"""The buffer that `recvmsg` needs for a stamp."""
_NOISE_S = 1e-4
"""How far two clocks read in succession may seem apart. A larger difference is a clock step, or a pause in between."""
_UNSTAMPED_AT_MOST = 0.01
"""The most reads without a stamp, per stream."""
_PROBE_TRIES = 100
_PROBE_PAUSE_S = 0.001

Ancillary = list[tuple[int, int, bytes]]

PlainSocket: type[socket.socket] = monkey.get_original("socket", "socket")
"""The standard library's socket, which never waits cooperatively, even if gevent has patched the library."""


def request_stamps(sock: socket.socket) -> None:
    """Request kernel timestamps for what this socket receives, if the system supports them."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


class ArrivalClock:
    """Converts kernel stamps to instants on the monotonic clock.

    Holds a socket that requests stamps: the kernel stops making them when the last such socket is closed, and takes
    some milliseconds to start again.
    """

    def __init__(self) -> None:
        self.unstamped = 0
        """The number of reads without a stamp."""
        self.streams = 0
        """The number of streams that were read."""
        self.guessed_at_s = 0.0
        """The last instant that is no stamp but the time of reading."""
        self.line_ends_apart = False
        """Whether the end of a chunk of a body (CRLF) was seen to arrive later than its data."""
        self._offset_ns, self._offset_s = 0, 0.0
        self._measure_offset()
        self._holder = PlainSocket()
        request_stamps(self._holder)
        self.stamped = _probe()
        """Whether this system provides stamps."""

    @property
    def kernel(self) -> bool:
        """Whether the instants so far came from the kernel, except those of a few reads."""
        return self.stamped and self.unstamped <= self.streams * _UNSTAMPED_AT_MOST

    def at_s(self, ancillary: Ancillary, earliest_s: float) -> float:
        """Return when these bytes arrived. They cannot precede `earliest_s`, such as the arrival of the bytes before.

        Stamps are wall-clock times, and that clock may be stepped. Its offset from the monotonic clock is measured
        again when it seems to have changed. A stamp from before a step is useless after it; then the time of reading
        is used.
        """
        now_s = clock.now_s()
        if not ancillary:
            self.unstamped += 1
            self.guessed_at_s = now_s
            return now_s
        if not -_NOISE_S <= clock.wall_ns() * 1e-9 - now_s - self._offset_s <= _NOISE_S:
            self._measure_offset()
        seconds, nanoseconds = _read_timespec(ancillary[0][2])
        at_s = (seconds * 1_000_000_000 + nanoseconds - self._offset_ns) * 1e-9
        return at_s if earliest_s <= at_s <= now_s else self._possible(at_s, earliest_s, now_s)

    def _possible(self, at_s: float, earliest_s: float, now_s: float) -> float:
        """Clamp an instant that is off by no more than the clocks' noise; otherwise use the time of reading."""
        if earliest_s - _NOISE_S <= at_s <= now_s + _NOISE_S:
            return min(max(at_s, earliest_s), now_s)
        self.guessed_at_s = now_s
        return now_s

    def _measure_offset(self) -> None:
        self._offset_ns = clock.wall_offset_ns()
        self._offset_s = self._offset_ns * 1e-9

    def close(self) -> None:
        self._holder.close()


def _probe() -> bool:
    """Return whether received bytes have stamps. The kernel starts to make them a moment after the request."""
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
