"""A Locust that starts before it is known what to run.

Importing Locust takes about as long as reading a profile, so `relayload run` does both at once: Locust starts first,
imports all that it needs, and waits for its order, a line of JSON on its stdin. If its launcher ends without one, it
exits silently.

An order may be for a series: then each further line orders a run, for which the Locust stays up, and it tells of itself
and of each run by a line of JSON on another pipe. The end of stdin ends the series.
"""

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from relayload.engine.fake_relays import Fakes

if TYPE_CHECKING:
    from relayload.profile import Profile

WAITS = "RELAYLOAD_WAITS_FOR_ORDER"
LOG_NAME = "locust.log"


@dataclass(frozen=True, slots=True)
class Order:
    """What to run, and where to record.

    `sets` are the overrides of the profile, instead of those of the command line. `environ` holds more variables of the
    process, `fakes` the base URLs of fake relays that run already, by the name of their target.
    """

    profile: str
    run_dir: str
    """The directory of the log, and of the recording unless it is a series."""
    sets: Sequence[str]
    environ: Mapping[str, str]
    fakes: Mapping[str, str]
    answers: int | None = None
    """The descriptor of the pipe on which a series answers; None for a single run."""
    expect_workers: int = 0
    """How many workers of other hosts a series waits for."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """A run of a series: where to record, and further overrides of the profile."""

    run_dir: str
    sets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a series tells: that it is ready, or with an exit code that a run has ended."""

    exit_code: int | None = None


def line_of(message: Order | RunOrder | Answer) -> bytes:
    """Return a message as it travels."""
    return f"{json.dumps(asdict(message))}\n".encode()


class EarlyLocust:
    """The launcher's side: a process that waits. One that never gets its order is killed on exit."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], descriptors: Sequence[int] = ()) -> None:
        """The process inherits `descriptors`."""
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 -- until there is a log
        self._fakes: Fakes | None = None
        self._ordered = False
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**environment, WAITS: "1"},
            pass_fds=descriptors,
            start_new_session=True,  # a terminal's Ctrl-C reaches Locust through us alone, and once
        )

    def prepare(self, profile: "Profile") -> None:
        """Start the fake relays of the profile, which has turned out valid."""
        self._fakes = Fakes(profile)
        self._fakes.begin()

    def begin(
        self,
        profile: Path,
        run_dir: Path,
        sets: Sequence[str] = (),
        environ: Mapping[str, str] = MappingProxyType({}),
        fakes: Mapping[str, str] = MappingProxyType({}),
    ) -> "subprocess.Popen[bytes]":
        """Let it run, into a directory with a log. If it has died already, its exit code shows that.

        `fakes` are fake relays of somebody else, which it leaves alone.
        """
        own = {} if self._fakes is None else self._fakes.answering()
        self.order(Order(str(profile), str(run_dir), list(sets), dict(environ), {**fakes, **own}))
        self.end_orders()
        return self._process

    def order(self, order: Order | RunOrder) -> "subprocess.Popen[bytes]":
        """Send an order. If the process has died already, its exit code shows that."""
        self._ordered = True
        assert self._process.stdin is not None, "is a pipe"
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line_of(order))
            self._process.stdin.flush()
        return self._process

    def end_orders(self) -> None:
        """Close its stdin: nothing more is ordered."""
        assert self._process.stdin is not None, "is a pipe"
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def finish(self, log: BinaryIO) -> None:
        """Clean up after its end: append what it printed before it had a log, and stop the fake relays."""
        self._output.seek(0)
        log.write(self._output.read())
        self._stop_fakes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._ordered:
            self._process.kill()
            self._process.communicate()
        self._stop_fakes()
        self._output.close()

    def _stop_fakes(self) -> None:
        if self._fakes is not None:
            self._fakes.stop()


def awaited_order() -> Order | None:
    """Wait for the order, on Locust's side, and print to the run's log from then on. Return None if none is due."""
    if os.environ.pop(WAITS, None) is None:
        return None
    line = first_line(0)
    if line is None:
        os._exit(0)
    order = Order(**json.loads(line))
    os.environ.update(order.environ)
    if order.answers is None:
        _replace((0,), os.devnull, os.O_RDONLY)
    _replace((1, 2), Path(order.run_dir) / LOG_NAME, os.O_WRONLY | os.O_APPEND)
    return order


def first_line(descriptor: int) -> bytes | None:
    """Read one line and nothing after it; None if the pipe ends before it does."""
    read = bytearray()
    while (piece := os.read(descriptor, 1)) != b"\n":
        if not piece:
            return None
        read += piece
    return bytes(read)


def _replace(descriptors: tuple[int, ...], path: str | Path, flags: int) -> None:
    file = os.open(path, flags)
    for descriptor in descriptors:
        os.dup2(file, descriptor)
    os.close(file)
