"""An open connection whose socket is watched from birth to close, so that nothing is armed per request or chunk."""

import socket
import struct
import sys
from typing import Any, Final, Protocol

from gevent import get_hub

from relayload.transport.sockets import READABLE, WRITABLE
from relayload.transport.stamps import ANCILLARY_BYTES, ArrivalClock
from relayload.transport.sweep import Sweeper

FIRST_READ_BYTES: Final = 512
"""Small, so that the first token is read from its own segment and not together with what follows it."""
READ_BYTES: Final = 65536
STREAM_READ_BYTES: Final = 16384
"""So many bytes of tokens take a millisecond or two to read, and others wait for no more than that."""
ENCODED_READ_BYTES: Final = 4096
"""What comes of them may be 200 times as much."""
_READS_A_TURN: Final = 8
SEND_BYTES: Final = 131072
"""The most that is handed to the kernel before other connections have their turn."""

_TCP_INFO_BYTES_ACKED = struct.Struct("@120xQ")
"""Of Linux's `struct tcp_info`."""
_NOTHING = memoryview(b"")


class Receiver(Protocol):
    """Who takes part in one exchange on a connection. Runs in the event loop and must not wait."""

    def sent(self) -> None:
        """The last byte of the request was handed to the kernel."""

    def received(self, data: bytes, at_s: float) -> None:
        """These bytes arrived at this instant."""

    def lost(self, error: OSError | None) -> None:
        """The connection is gone: closed by the peer in order (None), or by an error."""


class Connection:
    """A TCP connection, its socket connected and not blocking."""

    __slots__ = (
        "_broken",
        "_reader",
        "_recvmsg",
        "_sent_before_bytes",
        "_sock",
        "_sweeper",
        "_unsent",
        "_wire",
        "_writer",
        "arrivals",
        "last_at_s",
        "open",
        "read_bytes",
        "receiver",
        "requests",
        "sent_bytes",
        "unprocessed",
    )

    def __init__(self, sock: socket.socket, arrivals: ArrivalClock) -> None:
        self._sock = sock
        self._recvmsg = sock.recvmsg
        self.arrivals = arrivals
        self._unsent = _NOTHING
        """Of the request, not yet handed to the kernel or made into TLS records."""
        self._wire = _NOTHING
        """Bytes that the kernel has not taken yet."""
        self._broken: OSError | None = None
        """Why the peer takes no more of a request, while what it had said by then is read."""
        self._sent_before_bytes = 0
        self._writer: Any = None
        self._reader = get_hub().loop.io(sock.fileno(), READABLE)
        self._reader.start(self._read)
        self._sweeper: Sweeper | None = None
        """Who calls `_read`, where not the event loop itself."""
        self.receiver: Receiver | None = None
        self.open = True
        self.read_bytes = READ_BYTES
        self.requests = 0
        """Begun on this connection."""
        self.sent_bytes = 0
        """On the wire since it was opened, with what opening it took."""
        self.unprocessed = False
        """After a loss: the peer cannot have acted on the last request."""
        self.last_at_s = 0.0
        """Arrival of the last bytes or begin of the last request: what comes next cannot be earlier."""

    def send(self, request: bytes, at_s: float) -> None:
        """Begin to send a request now; its receiver is told when all of it is sent."""
        self.requests += 1
        self.last_at_s = at_s
        self._sent_before_bytes = self.sent_bytes
        self._unsent = memoryview(request)
        self._send_more()

    def read_in_turns(self, sweeper: Sweeper) -> None:
        """Be read when the sweeper comes by, and no longer as soon as something arrives."""
        self._reader.stop()
        sweeper.add(self._sock.fileno(), self._read)
        self._sweeper = sweeper

    def read_at_once(self) -> None:
        """Be read as soon as something arrives."""
        if self._sweeper is not None:
            self._leave_sweeper()
            self._reader.start(self._read)

    def close(self) -> None:
        """Close it and let go of the receiver. Does nothing the second time."""
        if self.open:
            self.open = False
            self.receiver = None
            self._leave_sweeper()
            self._reader.stop()
            self._reader.close()
            if self._writer is not None:
                self._writer.stop()
                self._writer.close()
            self._sock.close()

    def _leave_sweeper(self) -> None:
        if self._sweeper is not None:
            self._sweeper.remove(self._sock.fileno())
            self._sweeper = None

    def _send_more(self) -> None:
        if not self._wire:
            piece, self._unsent = self._unsent[:SEND_BYTES], self._unsent[SEND_BYTES:]
            self._wire = self._wrapped(piece)
        try:
            count = self._sock.send(self._wire)
        except BlockingIOError:
            count = 0
        except OSError as error:
            self._lose_unsent(error)
            return
        self.sent_bytes += count
        self._wire = self._wire[count:]
        if self._wire or self._unsent:
            self._watch_writable()
        else:
            self._all_sent()

    def _lose_unsent(self, error: OSError) -> None:
        """A request cannot be sent whole; a peer that has had a part of it may have answered before it hung up."""
        if self._broken is None and self.sent_bytes > self._sent_before_bytes:
            self._broken = error
            if self._writer is not None:
                self._writer.stop()
            if self.drain():
                return  # the event loop reads the rest, up to the end of the connection
        if self.open:
            self._lose(error)

    def _wrapped(self, piece: memoryview) -> memoryview:
        return piece

    def _watch_writable(self) -> None:
        if self._writer is None:
            self._writer = get_hub().loop.io(self._sock.fileno(), WRITABLE)
        if not self._writer.active:
            self._writer.start(self._send_more)

    def _all_sent(self) -> None:
        if self._writer is not None:
            self._writer.stop()
        if self.receiver is not None:
            self.receiver.sent()

    def drain(self) -> bool:
        """Read what has arrived by now, a bounded part of it; True if there may be more for the same receiver."""
        receiver = self.receiver
        for _ in range(_READS_A_TURN):
            if not self._read():
                return False
            if not self.open or self.receiver is not receiver:
                return False
        return True

    def _read(self) -> bool:
        """Read once; False if there was nothing."""
        try:
            data, ancillary, _, _ = self._recvmsg(self.read_bytes, ANCILLARY_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            self._lose(error)
            return True
        if data:
            self.last_at_s = at_s = self.arrivals.at_s(ancillary, self.last_at_s)
            self._take(data, at_s)
        else:
            self._lose(self._broken)
        return True

    def _take(self, data: bytes, at_s: float) -> None:
        if self.receiver is None:
            self.close()  # nobody asked for this: it would be taken for the next answer
        else:
            self.receiver.received(data, at_s)

    def _lose(self, error: OSError | None) -> None:
        self.unprocessed = self._nothing_acknowledged()
        receiver = self.receiver
        self.close()
        if receiver is not None:
            receiver.lost(error)

    def _nothing_acknowledged(self) -> bool:
        """Whether the peer has not acknowledged a byte of the last request. Where the system does not tell, True.

        An acknowledgement may be some 40 ms late: a peer that closes sooner is taken for one that has read nothing.
        """
        if sys.platform != "linux":
            return True
        info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES_ACKED.size)
        (acknowledged_bytes,) = _TCP_INFO_BYTES_ACKED.unpack(info)
        return bool(acknowledged_bytes <= self._sent_before_bytes + 1)  # the SYN counts as one
