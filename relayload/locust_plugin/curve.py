"""Authenticates and encrypts Locust's channel by CURVE (ZeroMQ), with keys derived from the join secret.

Whoever has the secret has both pairs of keys. The master admits the workers' key alone (by ZAP), and a worker talks to
nobody but a master with the master's key. Source: https://rfc.zeromq.org/spec/26 (CurveZMQ), /27 (ZAP).
"""

from contextlib import suppress
from typing import Any

import gevent
import zmq
from zmq.utils import z85

from relayload.engine.join_secret import JoinSecret

_ZAP = "inproc://zeromq.zap.01"
_ADMITTED, _REFUSED = (b"200", b"OK"), (b"400", b"no key of this master's join secret")


class CurveKeys:
    """The pairs of keys of a join secret. Their text prints nowhere."""

    def __init__(self, secret: JoinSecret) -> None:
        self._master, self._worker = (z85.encode(secret.key(side)) for side in (b"curve master", b"curve worker"))
        self.master_public, self.worker_public = zmq.curve_public(self._master), zmq.curve_public(self._worker)

    def secure_master(self, socket: Any) -> "Admission":
        """Have a socket that is to bind accept workers alone."""
        admission = Admission(socket.context, z85.decode(self.worker_public))
        socket.curve_server = True
        socket.curve_secretkey = self._master
        socket.zap_domain = b"relayload"
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)  # without a handler nobody is admitted, instead of everybody
        return admission

    def secure_worker(self, socket: Any) -> None:
        """Have a socket that is to connect talk to the master alone."""
        socket.curve_serverkey = self.master_public
        socket.curve_publickey, socket.curve_secretkey = self.worker_public, self._worker


class Admission:
    """Says which keys may connect to the sockets of one context."""

    def __init__(self, context: Any, key: bytes) -> None:
        self._key = key
        self._socket = context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind(_ZAP)
        self._answering = gevent.spawn(self._answer)

    def close(self) -> None:
        self._answering.kill()
        self._socket.close()

    def _answer(self) -> None:
        while True:
            with suppress(ValueError):  # of a question with too few parts
                version, request, _, _, _, mechanism, *credentials = self._socket.recv_multipart()
                answer = _ADMITTED if mechanism == b"CURVE" and credentials == [self._key] else _REFUSED
                self._socket.send_multipart([version, request, *answer, b"", b""])
