"""A connection for one question, with one deadline for all of it, whatever the peer does and whoever waits.

A timeout of each read alone never comes for a peer that sends a byte a second, and a timer alone never comes for one
that sends faster than we read. So the event loop keeps the time while nothing comes, and every read asks the clock.
"""

import io
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import gevent

from relayload.clock import now_s
from relayload.transport.origin import Origin
from relayload.transport.proxy import Proxy, open_tunnel
from relayload.transport.resolve import Addresses
from relayload.transport.sockets import connected, receive_or_end, send_all
from relayload.transport.tls import TlsSession


class TooMuch(OSError):
    """The peer has sent more than anybody wants to read."""


@contextmanager
def opened(origin: Origin, context: ssl.SSLContext | None, proxy: Proxy | None, until_s: float) -> Iterator["Line"]:
    """A line to the target, by the proxy if there is one; `context` is for targets with TLS.

    Raises OSError, and WireError where the proxy refuses.
    """
    with deadline(until_s):
        next_hop = proxy.origin if proxy else origin
        sock = _connected(next_hop, until_s)
        try:
            yield _line(sock, origin, context, proxy, until_s)
        finally:
            sock.close()


@contextmanager
def deadline(until_s: float) -> Iterator[None]:
    """Raise TimeoutError in whatever waits in here at that instant."""
    with gevent.Timeout(max(0.0, until_s - now_s()), TimeoutError):
        yield


class Line:
    """Bytes to and from a target. To be used within `deadline`, and by http.client as if it were a socket."""

    def __init__(self, sock: socket.socket, until_s: float) -> None:
        self._sock = sock
        self._until_s = until_s
        self._left_bytes = 0

    def allow(self, most_bytes: int) -> None:
        """Read no more than that from now on."""
        self._left_bytes = most_bytes

    def send(self, data: bytes) -> None:
        """Raises OSError."""
        send_all(self._sock, data)

    def receive(self, most_bytes: int) -> bytes:
        """What there is, empty at the end. Raises OSError, TimeoutError when the time is over, and TooMuch."""
        if now_s() >= self._until_s:
            raise TimeoutError
        data = self._received(min(most_bytes, self._left_bytes + 1))
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise TooMuch
        return data

    def makefile(self, _mode: str) -> io.BufferedReader:
        """For http.client."""
        return io.BufferedReader(_Bytes(self))

    def _received(self, most_bytes: int) -> bytes:
        return receive_or_end(self._sock, most_bytes)


class TlsLine(Line):
    """The same over TLS, whose records are put together in memory: half a record can't hold up the clock."""

    def __init__(self, sock: socket.socket, until_s: float, session: TlsSession) -> None:
        super().__init__(sock, until_s)
        self._session = session

    def shake_hands(self) -> None:
        """Raises OSError."""
        try:
            while not self._done():
                self._flush()
                self._take_record()
        finally:
            with suppress(OSError):
                self._flush()  # what is left to say, or the alert that tells the peer why not

    def _done(self) -> bool:
        try:
            self._session.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def send(self, data: bytes) -> None:
        self._session.tls.write(data)
        self._flush()

    def _received(self, most_bytes: int) -> bytes:
        while True:
            try:
                return self._session.tls.read(most_bytes)
            except ssl.SSLWantReadError:
                self._flush()
                self._take_record()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def _take_record(self) -> None:
        if now_s() >= self._until_s:
            raise TimeoutError
        data = receive_or_end(self._sock)
        if data:
            self._session.incoming.write(data)
        else:
            self._session.incoming.write_eof()

    def _flush(self) -> None:
        if self._session.outgoing.pending:
            send_all(self._sock, self._session.outgoing.read())


class _Bytes(io.RawIOBase):
    def __init__(self, line: Line) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._line.receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _connected(origin: Origin, until_s: float) -> socket.socket:
    """Try the addresses in order; each has its share of the time that is left."""
    addresses, _ = Addresses(origin.host, origin.port).find()
    *first, last = addresses
    for left, address in zip(range(len(addresses), 1, -1), first, strict=True):
        begun_s = now_s()
        with suppress(OSError), deadline(begun_s + (until_s - begun_s) / left):
            return connected(address)
    with deadline(until_s):
        return connected(last)


def _line(
    sock: socket.socket, origin: Origin, context: ssl.SSLContext | None, proxy: Proxy | None, until_s: float
) -> Line:
    if context is None:
        return Line(sock, until_s)
    if proxy is not None:
        open_tunnel(sock, proxy, origin)
    line = TlsLine(sock, until_s, TlsSession(context, origin.host))
    line.shake_hands()
    return line
