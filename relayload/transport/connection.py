"""An open connection. Its socket is watched from open to close, so that no watcher is started per request or chunk."""

import socket
import struct
import sys
from typing import Any, Final, Protocol

from gevent import get_hub

from relayload.transport.sockets import READABLE, WRITABLE
from relayload.transport.stamps import ANCILLARY_BYTES, ArrivalClock
from relayload.transport.sweep import PolledSockets, Sweeper

FIRST_READ_BYTES: Final = 512
"""Small, so that the first token is read from its own segment, not together with what follows."""
READ_BYTES: Final = 65536
STREAM_READ_BYTES: Final = 16384
"""Parsing this many bytes of tokens takes a millisecond or two, the longest that other connections should wait."""
ENCODED_READ_BYTES: Final = 4096
"""Small, because they may decode to 200 times as much."""
_READS_A_TURN: Final = 8
SEND_BYTES: Final = 131072
"""The most that is handed to the kernel before other connections get their turn."""

_TCP_INFO_BYTES_ACKED = struct.Struct("@120xQ")
"""`tcpi_bytes_acked` in Linux's `struct tcp_info`."""
_NOTHING = memoryview(b"")


class Receiver(Protocol):
    """The consumer of one exchange on a connection. Runs in the event loop and must not wait."""

    def sent(self) -> None:
        """The last byte of the request was handed to the kernel."""

    def received(self, data: bytes, at_s: float) -> None:
        """Take bytes that arrived at the instant `at_s`."""

    def lost(self, error: OSError | None) -> None:
        """The connection is gone: closed cleanly by the peer (None), or by an error."""


class Connection:
    """A TCP connection on a connected, non-blocking socket."""

    __slots__ = (
        "_behind",
        "_broken",
        "_empty_at_s",
        "_polled",
        "_reader",
        "_recvmsg",
        "_sent_before_bytes",
        "_sock",
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
        """The part of the request that is not yet handed to the kernel or made into TLS records."""
        self._wire = _NOTHING
        """Bytes that the kernel has not taken yet."""
        self._broken: OSError | None = None
        """Why the peer takes no more of the request; what it had sent by then is still read."""
        self._sent_before_bytes = 0
        self._writer: Any = None
        self._reader = get_hub().loop.io(sock.fileno(), READABLE)
        self._reader.start(self._read)
        self._polled: PolledSockets | None = None
        """The sockets with which this one is polled."""
        self._behind = 0
        """2 if the last read may have left something behind, 1 if it took what the one before had left, else 0."""
        self._empty_at_s = 0.0
        """An instant at which nothing of the last read had arrived."""
        self.receiver: Receiver | None = None
        self.open = True
        self.read_bytes = READ_BYTES
        self.requests = 0
        """The number of requests started on this connection."""
        self.sent_bytes = 0
        """Bytes sent on the wire since the connection was opened, including the handshake."""
        self.unprocessed = False
        """After a loss: whether the peer cannot have acted on the last request."""
        self.last_at_s = 0.0
        """When the last bytes arrived or the last request started; nothing that follows can be earlier."""

    def send(self, request: bytes, at_s: float) -> None:
        """Start sending a request. The receiver's `sent` is called when all of it is sent."""
        self.requests += 1
        self.last_at_s = at_s
        self._behind = 0
        self._sent_before_bytes = self.sent_bytes
        self._unsent = memoryview(request)
        self._send_more()

    def watch(self, sweeper: Sweeper) -> None:
        """Read as soon as something arrives, and poll until then, so that it is known when this was not yet the case.

        Call this when a request is sent.
        """
        self.arrivals.streams += 1
        sweeper.waiting.add(self._sock.fileno(), self._read)
        self._polled = sweeper.waiting

    def read_in_turns(self, sweeper: Sweeper) -> None:
        """Let the sweeper read this connection, instead of reading as soon as something arrives."""
        self._leave_polled()
        self._reader.stop()
        sweeper.calm.add(self._sock.fileno(), self._read)
        self._polled = sweeper.calm

    def read_at_once(self) -> None:
        """Read as soon as something arrives."""
        if self._polled is not None:
            self._leave_polled()
            if not self._reader.active:
                self._reader.start(self._read)

    @property
    def earliest_s(self) -> float:
        """The earliest instant at which a byte of the last read can have arrived."""
        if self._polled is None or self._behind:
            return self._empty_at_s
        return max(self._empty_at_s, self._polled.empty_at_s)

    @property
    def drained(self) -> bool:
        """Whether the receiver has all that had arrived by the last read, whose stamp is then that of its last byte."""
        return self._behind < 2

    def close(self) -> None:
        """Close the connection and release the receiver. Does nothing if called again."""
        if self.open:
            self.open = False
            self.receiver = None
            self._leave_polled()
            self._reader.stop()
            self._reader.close()
            if self._writer is not None:
                self._writer.stop()
                self._writer.close()
            self._sock.close()

    def _leave_polled(self) -> None:
        if self._polled is not None:
            self._empty_at_s = self.earliest_s
            self._polled.remove(self._sock.fileno())
            self._polled = None

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
        """Handle a request that cannot be sent whole. A peer that got a part may have answered before it hung up."""
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
        """Read a bounded part of what has arrived. Returns True if there may be more for the same receiver."""
        receiver = self.receiver
        for _ in range(_READS_A_TURN):
            if not self._read():
                return False
            if not self.open or self.receiver is not receiver:
                return False
        return True

    def _read(self) -> bool:
        """Read once. Returns False if there was nothing to read."""
        try:
            data, ancillary, _, _ = self._recvmsg(self.read_bytes, ANCILLARY_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            self._lose(error)
            return True
        if data:
            if self._behind or len(data) >= self.read_bytes:
                self._note_rest(left=len(data) >= self.read_bytes)
            else:
                self._empty_at_s = self.last_at_s
            self.last_at_s = at_s = self.arrivals.at_s(ancillary, self.last_at_s)
            self._take(data, at_s)
        else:
            self._lose(self._broken)
        return True

    def _note_rest(self, *, left: bool) -> None:
        """Note whether a read left something behind, which may have arrived as early as what it took."""
        took_rest = self._behind == 2
        if not took_rest:
            self._behind, self._empty_at_s = 0, self.last_at_s
            self._empty_at_s = self.earliest_s
        self._behind = 2 if left else int(took_rest)

    def _take(self, data: bytes, at_s: float) -> None:
        if self.receiver is None:
            self.close()  # unsolicited bytes, which would be taken for the next answer
        else:
            self.receiver.received(data, at_s)

    def _lose(self, error: OSError | None) -> None:
        self.unprocessed = self._nothing_acknowledged()
        receiver = self.receiver
        self.close()
        if receiver is not None:
            receiver.lost(error)

    def _nothing_acknowledged(self) -> bool:
        """Return whether the peer has acknowledged no byte of the last request. True if the system does not report it.

        Acknowledgements may be delayed by about 40 ms: a peer that closes sooner counts as having read nothing.
        """
        if sys.platform != "linux":
            return True
        info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES_ACKED.size)
        (acknowledged_bytes,) = _TCP_INFO_BYTES_ACKED.unpack(info)
        return bool(acknowledged_bytes <= self._sent_before_bytes + 1)  # the SYN counts as one
