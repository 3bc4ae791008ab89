"""A process that helps this one, which forwards bytes alone: one renders the page of a run, one sends its metrics."""

import subprocess
import sys
from collections.abc import Callable
from socket import socketpair

import gevent
from gevent.event import Event
from gevent.queue import Empty, Queue

from relayload.core.model.frames import framed, next_frame

_MOST_BACKLOG_BYTES = 256 << 20


class HelperProcess:
    """A helper that runs, with a socket as its stdin. If it ends, whoever asks is told so, and nobody waits."""

    def __init__(self, module: str, when_gone: Callable[[], None] = lambda: None, stderr: int | None = None) -> None:
        """Start it; `when_gone` is called where it ends by itself. Raises OSError if it can't be started."""
        self._when_gone = when_gone
        self._socket, theirs = socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        self._messages = Queue()
        self._backlog_bytes = 0
        self._answers = Queue()
        self._ended = Event()
        self._greenlets = [gevent.spawn(self._write), gevent.spawn(self._read)]

    @property
    def pid(self) -> int:
        pid: int = self._process.pid
        return pid

    @property
    def ended(self) -> bool:
        return bool(self._ended.is_set())

    def tell(self, message: bytes) -> None:
        """Send a message, as soon as there is time. One that reads nothing for too long is ended."""
        if self.ended:
            return
        data = framed(message)
        self._backlog_bytes += len(data)
        if self._backlog_bytes > _MOST_BACKLOG_BYTES:
            self.end()
            return
        self._messages.put(data)

    def answer(self, message: bytes, within_s: float | None = None) -> bytes | None:
        """Send a message and return the answer; one at a time, while other greenlets go on.

        None if it has ended. One that takes longer than `within_s` is ended.
        """
        self.tell(message)
        try:
            answer: bytes | None = None if self.ended else self._answers.get(timeout=within_s)
        except Empty:
            self.end()
            return None
        return answer

    def end(self) -> None:
        """End it, and forget what it has not read."""
        if not self.ended:
            self._ended.set()
            self._answers.put(None)  # for whoever waits
            self._socket.close()
        gevent.killall([each for each in self._greenlets if each is not gevent.getcurrent()], block=False)
        if self._process.poll() is None:
            self._process.kill()

    def _write(self) -> None:
        try:
            while True:
                data = self._messages.get()
                self._socket.sendall(data)
                self._backlog_bytes -= len(data)
        except OSError:
            self.end()

    def _read(self) -> None:
        try:
            with self._socket.makefile("rb") as reading:
                while (data := next_frame(reading)) is not None:
                    self._answers.put(data)
        except OSError:
            pass
        if not self.ended:
            self._when_gone()
            self.end()
