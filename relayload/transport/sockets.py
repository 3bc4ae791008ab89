"""The steps of opening a connection, before it carries requests. Each waits in the calling greenlet."""

import errno
import os
import socket

from gevent import get_hub

from relayload.transport import open_files
from relayload.transport.resolve import Address
from relayload.transport.stamps import PlainSocket, request_stamps

READABLE, WRITABLE = 1, 2
"""Event masks of gevent's loop."""

_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK}
RECEIVE_BYTES = 65536


def connected(address: Address) -> socket.socket:
    """Return a non-blocking socket that is connected to the address and requests timestamps. Raises OSError."""
    family, place = address
    sock = PlainSocket(family, socket.SOCK_STREAM)
    try:
        open_files.check(sock.fileno())
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request_stamps(sock)
        _finish_connect(sock, sock.connect_ex(place))
    except BaseException:
        sock.close()
        raise
    return sock


def _finish_connect(sock: socket.socket, error: int) -> None:
    if error in _UNDER_WAY:
        _wait(sock, WRITABLE)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def send_all(sock: socket.socket, data: bytes) -> int:
    """Hand all data to the kernel and return its size in bytes. Raises OSError."""
    unsent = memoryview(data)
    while unsent:
        try:
            unsent = unsent[sock.send(unsent) :]
        except BlockingIOError:
            _wait(sock, WRITABLE)
    return len(data)


def receive(sock: socket.socket, most_bytes: int = RECEIVE_BYTES) -> bytes:
    """Return what has arrived, at least one byte. Raises OSError, also at the end of the connection."""
    data = receive_or_end(sock, most_bytes)
    if not data:
        raise ConnectionResetError(errno.ECONNRESET, "closed by the peer")
    return data


def receive_or_end(sock: socket.socket, most_bytes: int = RECEIVE_BYTES) -> bytes:
    """Return what has arrived, or b"" at the end of the connection. Raises OSError."""
    while True:
        try:
            return sock.recv(most_bytes)
        except BlockingIOError:
            _wait(sock, READABLE)


def _wait(sock: socket.socket, events: int) -> None:
    hub = get_hub()
    watcher = hub.loop.io(sock.fileno(), events)
    try:
        hub.wait(watcher)
    finally:
        watcher.close()
