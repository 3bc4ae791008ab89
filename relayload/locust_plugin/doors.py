"""Who may take part in a run: those that have its join secret, where there is one.

CURVE authenticates both sides and encrypts. Where ZeroMQ is built without it, joins are by HMAC. Neither is ever left
out silently: a secret that can't be used ends the process.
"""

from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

import logging
import sys
from typing import Any

import zmq

from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.engine.join_secret import JoinSecret
from relayload.locust_plugin import sockets
from relayload.locust_plugin.curve import CurveKeys
from relayload.locust_plugin.handshakes import CURVE, NULL, WRITE, MasterSought, Watch, WorkersRefused
from relayload.locust_plugin.hmac_sockets import Dealer, JoiningDealer, JoiningRouter, PlainRouter
from relayload.locust_plugin.nodes import options_of, runner_of
from relayload.locust_plugin.options import OWN_MESSAGE
from relayload.transport.origin import is_loopback

_LOG = logging.getLogger("relayload")
_OPEN = (
    "no join secret: whoever reaches %s:%d can take part in the run, and read what master and workers send each other; "
    f"{WRITE}"
)
_READABLE = "ZeroMQ has no CURVE here: joins are authenticated, but what master and workers send can be read on its way"


def may_close() -> bool:
    """Return whether a secret could be used here."""
    return sockets.misfit() is None


class Doors:
    """The doors of this process, to which all sockets of Locust's have to come."""

    def __init__(self, secret: JoinSecret | None) -> None:
        """Raises AuthorError if there is a secret and this Locust can't be made to use it."""
        self._secret = secret
        self._curve = CurveKeys(secret) if secret and zmq.has("curve") else None
        try:
            sockets.install(self._passage)
        except sockets.Unfit as error:
            if secret is not None:
                raise AuthorError([Fault(f"the join secret can't be used: {error}")]) from None

    def check(self, environment: Environment, **_: Any) -> None:
        """Warn of a door that is open to others. Exits with code 2 if Locust went round a door."""
        runner = runner_of(environment)
        if not isinstance(runner, MasterRunner | WorkerRunner):
            return
        if self._secret is not None and not self._kept(runner):
            sys.stderr.write(f"{OWN_MESSAGE}the join secret is not in force: Locust made its socket in another way\n")
            raise SystemExit(ExitCode.BAD_INPUT)
        options = options_of(environment)
        if isinstance(runner, WorkerRunner) or is_loopback(options.master_bind_host):
            return
        if self._secret is None:
            _LOG.warning(_OPEN, options.master_bind_host, options.master_bind_port)
        elif self._curve is None:
            _LOG.warning("%s", _READABLE)

    def _kept(self, runner: MasterRunner | WorkerRunner) -> bool:
        passage = sockets.passage_of(runner)
        if not isinstance(passage, _Passage):
            return False
        if self._curve is not None:
            return bool(passage.socket.mechanism == zmq.CURVE)
        return isinstance(passage.socket, JoiningRouter | JoiningDealer)

    def _passage(self, socket: Any) -> "_Passage":
        behind = _master if socket.type == zmq.ROUTER else _worker
        return behind(socket, self._secret, self._curve)


class _Passage:
    """A socket behind its door."""

    def __init__(self, socket: Any, *closed_first: Any) -> None:
        self.socket = socket
        self._closed_first = closed_first

    def close(self) -> None:
        for each in self._closed_first:
            each.close()


def _master(socket: Any, secret: JoinSecret | None, curve: CurveKeys | None) -> _Passage:
    refused = WorkersRefused(secret=secret is not None)
    watch = Watch(socket, refused.on_event)
    if curve is not None:
        return _Passage(socket, watch, curve.secure_master(socket))
    return _Passage(PlainRouter(socket) if secret is None else JoiningRouter(socket, secret, refused.log), watch)


def _worker(socket: Any, secret: JoinSecret | None, curve: CurveKeys | None) -> _Passage:
    sought = MasterSought(CURVE if curve else NULL, secret=secret is not None)
    watch = Watch(socket, sought.on_event)
    if curve is not None:
        curve.secure_worker(socket)
        return _Passage(socket, watch)
    return _Passage(Dealer(socket) if secret is None else JoiningDealer(socket, secret), watch)
