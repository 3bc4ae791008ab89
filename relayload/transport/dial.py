"""Opens connections to an origin: address lookup, proxy and TLS, with each step timed."""

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

import gevent

from relayload import clock
from relayload.transport.connection import Connection
from relayload.transport.failures import Failure, WireError, dial_failure
from relayload.transport.origin import Origin
from relayload.transport.proxy import Proxy, open_tunnel
from relayload.transport.resolve import Address, Addresses
from relayload.transport.sockets import connected, receive_or_end, send_all
from relayload.transport.stamps import ArrivalClock
from relayload.transport.tls import TlsConnection, TlsSession

_HANDSHAKE_BYTES = 1_000_000
"""The most that a peer may send during the handshake."""


@dataclass(slots=True)
class Dialled:
    """A new connection and how long each step took, in seconds; None for a step that did not take place."""

    connection: Connection
    dns_s: float | None
    connect_s: float
    """Connecting to the target, through the proxy if there is one."""
    tls_s: float | None


class Dialler:
    """Opens connections to one origin, through a proxy if one is given. `context` is for origins with TLS."""

    def __init__(
        self, origin: Origin, arrivals: ArrivalClock, context: ssl.SSLContext | None = None, proxy: Proxy | None = None
    ) -> None:
        self._origin = origin
        self._arrivals = arrivals
        self._context = context
        self._proxy = proxy
        next_hop = proxy.origin if proxy else origin
        self._addresses = Addresses(next_hop.host, next_hop.port)

    def dial(self, timeout_s: float | None, late: Failure = Failure.CONNECT_TIMEOUT) -> Dialled:
        """Open a connection, waiting in the calling greenlet. Raises WireError, with `late` if it takes too long."""
        try:
            with gevent.Timeout(timeout_s, TimeoutError):
                return self._dial(None if timeout_s is None else clock.now_s() + timeout_s)
        except TimeoutError:
            raise WireError(late) from None
        except OSError as error:
            raise WireError(dial_failure(error)) from error

    def _dial(self, until_s: float | None) -> Dialled:
        addresses, dns_s = self._addresses.find()
        begun_s = clock.now_s()
        sock = self._connect(addresses, until_s)
        try:
            tunnel_bytes = open_tunnel(sock, self._proxy, self._origin) if self._proxy and self._context else 0
            connected_s = clock.now_s()
            connection = self._connection(sock)
            connection.sent_bytes += tunnel_bytes
        except BaseException:
            sock.close()
            raise
        tls_s = clock.now_s() - connected_s if self._context else None
        return Dialled(connection, dns_s, connected_s - begun_s, tls_s)

    def _connect(self, addresses: list[Address], until_s: float | None) -> socket.socket:
        """Try the addresses in order, giving each an equal share of the time that is left."""
        *first, last = addresses
        for left, address in zip(range(len(addresses), 1, -1), first, strict=True):
            with suppress(OSError):
                return self._connected(address, until_s, left)
        return self._connected(last, until_s, 1)

    def _connected(self, address: Address, until_s: float | None, left: int) -> socket.socket:
        share_s = None if until_s is None else max(0.0, until_s - clock.now_s()) / left
        with gevent.Timeout(share_s, TimeoutError):
            sock = connected(address)
        self._addresses.prefer(address)
        return sock

    def _connection(self, sock: socket.socket) -> Connection:
        if self._context is None:
            return Connection(sock, self._arrivals)
        session = TlsSession(self._context, self._origin.host)
        handshake_bytes = _shake_hands(sock, session)
        connection = TlsConnection(sock, self._arrivals, session)
        connection.sent_bytes = handshake_bytes
        return connection


def _shake_hands(sock: socket.socket, session: TlsSession) -> int:
    """Do the TLS handshake and return the bytes sent. Raises OSError, also if the peer's part does not end."""
    sent_bytes = received_bytes = 0
    while received_bytes < _HANDSHAKE_BYTES:
        try:
            session.tls.do_handshake()
        except ssl.SSLWantReadError:
            sent_bytes += send_all(sock, session.outgoing.read())
            if data := receive_or_end(sock):
                received_bytes += session.incoming.write(data)
            else:
                session.incoming.write_eof()
        except ssl.SSLError:
            with suppress(OSError):
                send_all(sock, session.outgoing.read())  # the alert that tells the peer why
            raise
        else:
            return sent_bytes + send_all(sock, session.outgoing.read())
    raise ssl.SSLError("the handshake does not end")
