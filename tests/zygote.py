"""Processes that have imported what they need already: forks of one that imports it once, and waits.

To import Locust takes longer than all else that most runs of the tests do. A fork is like `python -m MODULE` but for
that: it has a session, a directory, variables, a command line and outputs of its own.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from select import select

POSSIBLE = hasattr(os, "pidfd_open")
"""Elsewhere, as on macOS, tests start a new Python each time."""
_MOST_BYTES = 150_000
"""One message of a socket holds as much."""
_NUMBER_BYTES = 8
_fork, _waitpid = os.fork, os.waitpid  # gevent replaces them, and the sockets and `select` that we imported in time


class Fork:
    """A process that was forked, with what the tests need of a `subprocess.Popen`."""

    def __init__(self, news: int) -> None:
        self._news = news
        self.pid = self._read()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative where a signal ended it; None while it runs."""
        return self._ended(0)

    def wait(self, timeout_s: float) -> int:
        """The exit code. Raises TimeoutExpired."""
        if (code := self._ended(timeout_s)) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout_s)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _ended(self, timeout_s: float) -> int | None:
        if self.returncode is None and select([self._news], [], [], timeout_s)[0]:
            self.returncode = self._read()
            os.close(self._news)
        return self.returncode

    def _read(self) -> int:
        return int.from_bytes(os.read(self._news, _NUMBER_BYTES), signed=True)


class Zygote:
    """The process that is forked. It ends when the one that started it does."""

    def __init__(self, *imports: str) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._control.send(json.dumps(imports).encode())

    def fork(self, arguments: Sequence[str], cwd: Path, environ: Mapping[str, str], output: int) -> Fork:
        """`python -m ARGUMENTS`, which writes to one descriptor all that it says."""
        news, theirs = os.pipe()
        message = json.dumps([*arguments, str(cwd), dict(environ)]).encode()
        assert len(message) < _MOST_BYTES, "is one message"
        socket.send_fds(self._control, [message], [output, theirs])
        os.close(theirs)
        return Fork(news)

    def end(self) -> None:
        self._control.close()
        self._process.wait()


def _arguments_of_a_fork(control: socket.socket) -> list[str]:
    """Fork whenever we are asked to, and return in the forks alone."""
    running: dict[int, tuple[int, int]] = {}
    while True:
        for ready in select([control, *running], [], [])[0]:
            if ready is not control:
                pid, news = running.pop(ready)
                _write(news, os.waitstatus_to_exitcode(_waitpid(pid, 0)[1]))
                os.close(news)
                os.close(ready)
                continue
            message, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, 2)
            if not message:
                os._exit(0)
            output, news = descriptors
            if not (pid := _fork()):
                control.close()
                for pidfd, (_, others) in running.items():
                    os.close(pidfd)
                    os.close(others)
                return _begun(json.loads(message), output, news)
            os.close(output)
            running[os.pidfd_open(pid)] = pid, news


def _begun(message: list, output: int, news: int) -> list[str]:
    """Be the process that was asked for; its arguments."""
    *arguments, cwd, environ = message
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if gevent := sys.modules.get("gevent"):
        gevent.reinit()
        gevent.get_hub().loop.update_now()  # which is when Locust was imported, and what timers count from
    sys.path[0] = cwd
    _write(news, os.getpid())
    os.close(news)
    return arguments


def _write(news: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # a test that failed waits for it no more
        os.write(news, number.to_bytes(_NUMBER_BYTES, signed=True))


if __name__ == "__main__":
    own_end = socket.socket(fileno=int(sys.argv[1]))
    for imported in json.loads(own_end.recv(_MOST_BYTES)):
        importlib.import_module(imported)
    gc.collect()
    gc.freeze()
    sys.argv = ["", *_arguments_of_a_fork(own_end)]
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
