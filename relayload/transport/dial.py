"""From an origin to an open connection: addresses, TLS, each step timed. Waits in the calling greenlet."""

import errno
import os
import socket
import ssl
from dataclasses import dataclass

import gevent
from gevent import get_hub

from relayload import clock
from relayload.transport.connection import READ_BYTES, Connection
from relayload.transport.failures import Failure, WireError, dial_failure
from relayload.transport.origin import Origin
from relayload.transport.resolve import Address, Addresses
from relayload.transport.stamps import ArrivalClock, PlainSocket, request_stamps
from relayload.transport.tls import TlsConnection, TlsSession

_READABLE, _WRITABLE = 1, 2
_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK}


@dataclass(slots=True)
class Dialled:
    """A new connection and what its making took, in seconds; None where there was no such step."""

    connection: Connection
    dns_s: float | None
    connect_s: float
    tls_s: float | None


class Dialler:
    """Opens connections to one origin."""

    def __init__(self, origin: Origin, arrivals: ArrivalClock, context: ssl.SSLContext | None) -> None:
        self._origin = origin
        self._arrivals = arrivals
        self._context = context
        self._addresses = Addresses(origin.host, origin.port)

    def dial(self, timeout_s: float | None, late: Failure = Failure.CONNECT_TIMEOUT) -> Dialled:
        """Open a connection. Raises WireError: `late` if it takes too long."""
        try:
            with gevent.Timeout(timeout_s, TimeoutError):
                return self._dial(timeout_s)
        except TimeoutError:
            raise WireError(late) from None
        except OSError as error:
            raise WireError(dial_failure(error)) from error

    def _dial(self, timeout_s: float | None) -> Dialled:
        begun_s = clock.now_s()
        addresses, dns_s = self._addresses.lookup()
        looked_up_s = clock.now_s()
        sock = self._connect(addresses, None if timeout_s is None else begun_s + timeout_s)
        connected_s = clock.now_s()
        try:
            connection = self._connection(sock)
        except BaseException:
            sock.close()
            raise
        tls_s = clock.now_s() - connected_s if self._context else None
        return Dialled(connection, dns_s, connected_s - looked_up_s, tls_s)

    def _connect(self, addresses: list[Address], until_s: float | None) -> socket.socket:
        """Try the addresses in order; each has its share of the time that is left."""
        for left in range(len(addresses), 0, -1):
            address = addresses[-left]
            share_s = None if until_s is None else max(0.0, until_s - clock.now_s()) / left
            try:
                with gevent.Timeout(share_s, TimeoutError):
                    sock = _connected(address)
            except OSError:
                if left == 1:
                    raise
            else:
                self._addresses.prefer(address)
                return sock
        raise socket.gaierror(socket.EAI_NONAME, "no addresses")

    def _connection(self, sock: socket.socket) -> Connection:
        if self._context is None:
            return Connection(sock, self._arrivals)
        session = TlsSession(self._context, self._origin.host)
        _shake_hands(sock, session)
        return TlsConnection(sock, self._arrivals, session)


def _connected(address: Address) -> socket.socket:
    family, place = address
    sock = PlainSocket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request_stamps(sock)
        error = sock.connect_ex(place)
        if error in _UNDER_WAY:
            _wait(sock, _WRITABLE)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
    except BaseException:
        sock.close()
        raise
    return sock


def _shake_hands(sock: socket.socket, session: TlsSession) -> None:
    while True:
        try:
            session.tls.do_handshake()
        except ssl.SSLWantReadError:
            _send(sock, session.outgoing.read())
            session.incoming.write(_receive(sock))
        except ssl.SSLError:
            _send(sock, session.outgoing.read())  # the alert that tells the peer why
            raise
        else:
            _send(sock, session.outgoing.read())
            return


def _send(sock: socket.socket, data: bytes) -> None:
    unsent = memoryview(data)
    while unsent:
        try:
            unsent = unsent[sock.send(unsent) :]
        except BlockingIOError:
            _wait(sock, _WRITABLE)


def _receive(sock: socket.socket) -> bytes:
    while True:
        try:
            data = sock.recv(READ_BYTES)
        except BlockingIOError:
            _wait(sock, _READABLE)
            continue
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "closed by the peer")
        return data


def _wait(sock: socket.socket, events: int) -> None:
    hub = get_hub()
    watcher = hub.loop.io(sock.fileno(), events)
    try:
        hub.wait(watcher)
    finally:
        watcher.close()
