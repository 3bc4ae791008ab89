"""The process that renders the page of a run, as the process that serves the page sees it: it forwards bytes alone."""

import logging
import subprocess
import sys
from socket import socketpair

import gevent
from gevent.event import Event
from gevent.queue import Empty, Queue

from relayload.core.model.frames import next_frame
from relayload.report.page_renderer.messages import (
    Answer,
    Failed,
    Message,
    answer_of,
    framed,
)

_LOG = logging.getLogger("relayload")
_COMMAND = (sys.executable, "-m", "relayload.report.page_renderer")
_GONE = "the process that renders this page has ended; the run goes on, and the next one has its page again"
_MOST_BACKLOG_BYTES = 256 << 20
_ANSWERS_WITHIN_S = 60.0


class RendererProcess:
    """A renderer that runs. If it ends, whoever asks is told so, and nobody else takes notice."""

    def __init__(self) -> None:
        self._socket, theirs = socketpair()
        with theirs:
            self._process = subprocess.Popen(
                _COMMAND, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, start_new_session=True
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

    def tell(self, message: Message) -> None:
        """Send a message, as soon as there is time. One that reads nothing for too long is ended."""
        if self.ended:
            return
        data = framed(message)
        self._backlog_bytes += len(data)
        if self._backlog_bytes > _MOST_BACKLOG_BYTES:
            self.end()
            return
        self._messages.put(data)

    def answer(self, message: Message) -> Answer:
        """Send a message and return the answer; one at a time."""
        self.tell(message)
        try:
            answer: Answer = Failed(_GONE) if self.ended else self._answers.get(timeout=_ANSWERS_WITHIN_S)
        except Empty:
            self.end()
            return Failed(_GONE)
        return answer

    def end(self) -> None:
        """End it, and forget what it has not read."""
        if not self.ended:
            self._ended.set()
            self._answers.put(Failed(_GONE))  # for whoever waits
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
                    self._answers.put(answer_of(data))
        except OSError:
            pass
        if not self.ended:
            _LOG.warning("the process that renders the page has ended; the run goes on without the page")
            self.end()
