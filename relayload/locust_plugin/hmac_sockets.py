"""Joins by HMAC on Locust's sockets, where ZeroMQ has no CURVE; and the answers of a side that has no secret."""

from collections import deque
from collections.abc import Callable
from typing import Any

import zmq

from relayload import clock
from relayload.core.printable import one_line
from relayload.engine.join_secret import JoinSecret
from relayload.engine.join_session import ASK, CHALLENGE, REFUSED, SEALED, Challenged, Joining, Session
from relayload.locust_plugin.handshakes import WRITE, leave

_ASK_AGAIN_S = 1.0
_MOST_SESSIONS = 10_000
_KIND = len(REFUSED)
_NO_SECRET = f"has no join secret: {WRITE} there, too"
_WANTS_SECRET = f"wants a join secret: {WRITE}"


class Socket:
    """A socket as Locust uses it; what is not defined here is left to ZeroMQ."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class PlainRouter(Socket):
    """The socket of a master without a secret, which tells a worker that has one."""

    def recv_multipart(self) -> list[bytes]:
        while True:
            parts: list[bytes] = self._socket.recv_multipart()
            if not parts[-1].startswith(ASK):
                return parts
            self._socket.send_multipart([parts[0], REFUSED + _NO_SECRET.encode()])


class Dealer(Socket):
    """The socket of a worker. What it receives is taken apart before Locust sees it."""

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self._received: deque[bytes] = deque()

    def recv(self) -> bytes:
        while not self._received:
            self._take(self._socket.recv())
        return self._received.popleft()

    def poll(self, timeout_ms: int) -> int:
        """Wait for a message; return how many there are."""
        until_s = clock.now_s() + timeout_ms / 1000
        while not self._received and (left_s := until_s - clock.now_s()) > 0:
            if self._socket.poll(round(left_s * 1000)):
                self._take(self._socket.recv())
        return len(self._received)

    def _take(self, frame: bytes) -> None:
        if frame.startswith(REFUSED):
            leave(f"the master {one_line(frame[_KIND:].decode('utf-8', 'replace'))}")
        self._received.append(frame)


class JoiningDealer(Dealer):
    """The socket of a worker with a secret: keeps what it is to send until it has joined."""

    def __init__(self, socket: Any, secret: JoinSecret) -> None:
        super().__init__(socket)
        self._secret = secret
        self._joining: Joining | None = None
        self._session: Session | None = None
        self._waiting: list[bytes] = []
        self._asked_at_s = -_ASK_AGAIN_S

    def send(self, message: bytes, flags: int = 0) -> None:
        if self._session is not None:
            self._socket.send(self._session.sealed(message), flags)
            return
        self._waiting.append(message)
        if clock.now_s() - self._asked_at_s >= _ASK_AGAIN_S:
            self._asked_at_s = clock.now_s()
            self._joining = self._joining or Joining(self._secret, self._socket.getsockopt(zmq.IDENTITY))
            self._socket.send(self._joining.ask, flags)

    def _take(self, frame: bytes) -> None:
        if self._session is not None:
            if (message := self._session.opened(frame)) is not None:
                self._received.append(message)
        elif frame.startswith(REFUSED):
            super()._take(frame)
        elif frame.startswith(CHALLENGE) and self._joining is not None:
            self._join(self._joining, frame)

    def _join(self, joining: Joining, challenge: bytes) -> None:
        try:
            self._session = joining.joined(challenge)
        except ValueError as error:
            leave(str(error))
        if self._session is not None:
            for message in self._waiting:
                self.send(message)
            self._waiting.clear()


class JoiningRouter(Socket):
    """The socket of a master with a secret: Locust sees what joined workers have sealed, and nothing else."""

    def __init__(self, socket: Any, secret: JoinSecret, on_refused: Callable[[], None]) -> None:
        super().__init__(socket)
        self._secret = secret
        self._on_refused = on_refused
        self._challenged: dict[bytes, Challenged] = {}

    def recv_multipart(self) -> list[bytes]:
        while True:
            identity, *parts = self._socket.recv_multipart()
            if (message := self._opened(identity, parts[-1] if parts else b"")) is not None:
                return [identity, message]

    def send_multipart(self, parts: list[bytes]) -> None:
        identity, message = parts
        if (known := self._challenged.get(identity)) is not None:
            self._socket.send_multipart([identity, known.session.sealed(message)])

    def _opened(self, identity: bytes, frame: bytes) -> bytes | None:
        known = self._challenged.get(identity)
        if frame.startswith(SEALED):
            message = known.session.opened(frame) if known else None
            if message is None:
                self._on_refused()
            return message
        if frame.startswith(ASK):
            self._challenge(identity, frame)
        elif known is None:
            self._on_refused()
            self._socket.send_multipart([identity, REFUSED + _WANTS_SECRET.encode()])
        return None

    def _challenge(self, identity: bytes, ask: bytes) -> None:
        known = self._challenged.get(identity)
        if known is None or known.ask != ask:
            while len(self._challenged) >= _MOST_SESSIONS:
                del self._challenged[next(iter(self._challenged))]
            known = self._challenged[identity] = Challenged(self._secret, identity, ask)
        self._socket.send_multipart([identity, known.challenge])
