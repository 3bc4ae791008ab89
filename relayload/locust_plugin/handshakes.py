"""Watches the handshakes of Locust's sockets, to say why two sides do not talk. ZeroMQ itself tries again, silently."""

import logging
import os
import socket as sockets
import sys
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import urlsplit

import gevent
import zmq

from relayload import clock
from relayload.core.exit_codes import ExitCode
from relayload.engine.join_secret import OPTION, VARIABLE
from relayload.locust_plugin.options import OWN_MESSAGE

_LOG = logging.getLogger("relayload")
_FAILED = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
_REFUSED = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
_SIGNATURE = b"\xff" + bytes(8) + b"\x7f\x03"
"""How ZMTP 3 begins, as far as the other side needs it to name its mechanism."""
_GREETING = 64
_MECHANISM = slice(12, 32)
_ANSWERS_WITHIN_S = 2.0
_FAILURES = 3
"""So many handshakes fail with a master of the same mechanism before it is said to have another secret."""
_LOGGED_EVERY_S = 30.0

NULL, CURVE = "NULL", "CURVE"
WRITE = f"write {OPTION} FILE, or set {VARIABLE}"


class Watch:
    """Calls back for each handshake of a socket that succeeded or failed, until it is closed."""

    def __init__(self, socket: Any, on_event: Callable[[int, str], None]) -> None:
        self._on_event = on_event
        self._monitor = socket.get_monitor_socket(_FAILED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
        self._socket = socket
        self._watching = gevent.spawn(self._watch)

    def close(self) -> None:
        self._watching.kill()
        self._socket.disable_monitor()

    def _watch(self) -> None:
        while True:
            event, endpoint = self._monitor.recv_multipart()
            self._on_event(int.from_bytes(event[:2], sys.byteorder), endpoint.decode())


class MasterSought:
    """A worker's handshakes: ends it, once, when it is clear that it can't join this master."""

    def __init__(self, mechanism: str, *, secret: bool) -> None:
        self._mechanism, self._secret = mechanism, secret
        self._failures = 0
        self._met = False

    def on_event(self, event: int, endpoint: str) -> None:
        """Take note of a handshake. Silence proves nothing: a tunnel hangs up, too, while its master is not up."""
        self._met = self._met or event == zmq.EVENT_HANDSHAKE_SUCCEEDED
        if self._met:
            return
        address = urlsplit(endpoint)
        theirs = mechanism_of(address.hostname or "", address.port or 0, self._mechanism)
        self._failures += theirs == self._mechanism
        if why := self._why(theirs):
            leave(f"the master at {address.netloc} {why}")

    def _why(self, theirs: str | None) -> str | None:
        if theirs is None:
            return None
        if theirs == self._mechanism:
            return "has another join secret" if self._secret and self._failures >= _FAILURES else None
        if not self._secret:
            return f"wants a join secret: {WRITE}"
        if theirs == CURVE:
            return "encrypts its channel, which ZeroMQ can't do here: install the wheel of pyzmq, which has CURVE"
        return f"has no join secret, or a ZeroMQ without CURVE: {WRITE} there, too"


class WorkersRefused:
    """A master's handshakes: logs, now and then, that somebody was refused."""

    def __init__(self, *, secret: bool) -> None:
        self._why = "it has no join secret, or another one" if secret else "it has a join secret, and this master none"
        self._again_at_s = 0.0

    def on_event(self, event: int, _: str) -> None:
        if event & _REFUSED:
            self.log()

    def log(self) -> None:
        """Log it unless that was done a short time ago."""
        if clock.now_s() >= self._again_at_s:
            self._again_at_s = clock.now_s() + _LOGGED_EVERY_S
            _LOG.warning("a connection of a worker was refused: %s", self._why)


def mechanism_of(host: str, port: int, own: str = NULL) -> str | None:
    """Ask whoever listens there for the mechanism of its ZeroMQ socket; None if it does not answer.

    It is told our own, so that a master with another one knows whom it refused.
    """
    greeting = b""
    try:
        with sockets.create_connection((host, port), _ANSWERS_WITHIN_S) as connection:
            connection.sendall(_SIGNATURE)
            while len(greeting) < _GREETING:
                piece = connection.recv(_GREETING - len(greeting))
                if not piece:
                    return None
                greeting += piece
            connection.sendall(b"\0" + own.encode().ljust(20, b"\0") + bytes(32))
    except OSError:
        return None
    return greeting[_MECHANISM].rstrip(b"\0").decode("ascii", "replace")


def leave(why: str) -> NoReturn:
    """End this worker, which has not begun to take part."""
    sys.stderr.write(f"{OWN_MESSAGE}this worker takes no part: {why}\n")
    sys.stderr.flush()
    os._exit(ExitCode.BAD_INPUT)
