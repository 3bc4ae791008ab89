"""Starts `locust` as a process of its own, watches its progress, and ends it. Does not import Locust."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import BinaryIO, Self

from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.core.model.progress import Progress
from relayload.ending_signals import ending_signals
from relayload.locust_plugin.early import LOG_NAME, EarlyLocust
from relayload.locust_plugin.master_port import MasterPort, workers
from relayload.locust_plugin.options import LAUNCHER_PID, OWN_MESSAGE, Exports, WebOptions
from relayload.recording import progress

_RECORDING = "run.json"
_LOCUSTFILE = Path(__file__).with_name("locustfile.py")
_POLL_S = 0.2
_LAST_LINES = 20
_NO_EXPORTS = Exports()
_LOCUSTS = "LOCUST_"
"""The prefix of Locust's own variables, which must not change a `relayload run`: LOCUST_RUN_TIME would end it."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run: a profile with its overrides, into a directory, in so many processes."""

    profile: Path
    sets: Sequence[str]
    run_dir: Path
    processes: int = 1
    environ: Mapping[str, str] = field(default_factory=dict)
    """Variables of its process beside those that it inherits."""
    early: EarlyLocust | None = None
    """A Locust that waits for this run; without one, Locust is started when the run is."""
    fakes: Mapping[str, str] = field(default_factory=dict)
    """The base URLs of fake relays that run already, for one that waits."""
    exports: Exports = _NO_EXPORTS
    web: WebOptions | None = None

    @property
    def command(self) -> list[str]:
        """Locust's command line without the number of processes. It never holds secrets."""
        return command_of(self.profile, self.sets, self.run_dir, self.exports, self.web)


def begin_early(
    profile: Path,
    sets: Sequence[str],
    out: Path | None,
    processes: int,
    exports: Exports = _NO_EXPORTS,
    web: WebOptions | None = None,
) -> EarlyLocust:
    """Start a Locust that imports while the profile is read, and then waits to be part of a `Launch`."""
    with MasterPort() as port:
        command = [*command_of(profile, sets, out, exports, web), *workers(processes, port.number)]
        return EarlyLocust(command, environment(), port.descriptors)


def command_of(
    profile: Path,
    sets: Sequence[str],
    out: Path | None,
    exports: Exports = _NO_EXPORTS,
    web: WebOptions | None = None,
) -> list[str]:
    """Return Locust's command line without the number of processes. It never holds secrets."""
    command = [sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--only-summary"]
    command += ["--headless"] if web is None else web.arguments
    command += ["--relay-profile", str(profile)]
    if out is not None:
        command += ["--relay-out", str(out)]
    for assignment in sets:
        command += ["--relay-set", assignment]
    return command + exports.arguments


def environment() -> dict[str, str]:
    """Return the variables of a Locust that this process starts."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_LOCUSTS)}
    return {**own, LAUNCHER_PID: str(os.getpid()), "PYTHONIOENCODING": "utf-8"}


def run(launch: Launch, watch: Callable[[Progress | None], None]) -> int:
    """Run to the end and return Locust's exit code. Ctrl-C, SIGTERM and SIGHUP are passed on, with codes of their own.

    A Locust that another signal ends, such as SIGKILL, has crashed; the log's last line says so.

    `watch` is called a few times a second with the progress, or None before there is any. Locust's output goes to
    `locust.log` in the run's directory, in UTF-8. Raises AuthorError if that can't be written to.
    """
    with begun_log(launch.run_dir) as log, Interruption(launch.run_dir) as interruption:
        process = _started(launch, log) if launch.early is None else _ordered(launch, launch.early)
        interruption.follow(process)
        while process.poll() is None:
            watch(progress.read(launch.run_dir))
            time.sleep(_POLL_S)
        if launch.early is not None:
            launch.early.finish(log)
        if interruption.exit_code is None and process.returncode < 0:
            log.write(_killed(launch.run_dir, -process.returncode).encode())
            return ExitCode.CRASH
    return interruption.exit_code or process.returncode


def _killed(run_dir: Path, number: int) -> str:
    """Return the last line of the log of a Locust that a signal ended, and that could not say so itself."""
    name = next((one.name for one in signal.Signals if one == number), f"signal {number}")
    kept = f"{run_dir} has what was recorded until then, and 'relayload gate {run_dir}' judges it"
    return f"{OWN_MESSAGE}{name} ended Locust: {kept if recorded(run_dir) else 'nothing was recorded'}\n"


def _ordered(launch: Launch, early: EarlyLocust) -> "subprocess.Popen[bytes]":
    return early.begin(launch.profile, launch.run_dir, launch.sets, launch.environ, launch.fakes)


def _started(launch: Launch, log: BinaryIO) -> "subprocess.Popen[bytes]":
    # A session of its own, so that a terminal's Ctrl-C reaches Locust through us alone, and once.
    with MasterPort() as port:
        return subprocess.Popen(
            [*launch.command, *workers(launch.processes, port.number)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**environment(), **launch.environ},
            pass_fds=port.descriptors,
            start_new_session=True,
        )


def begun_log(run_dir: Path) -> BinaryIO:
    """Begin the log of a Locust, in a directory that is made for it, and lock it until it is closed.

    Raises AuthorError if the directory can't be written to, or if another run has locked it.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        log = (run_dir / LOG_NAME).open("ab")  # a Locust that was begun early writes to it beside us
        _lock(log, run_dir)
        log.truncate(0)
        return log
    except OSError as error:
        raise AuthorError([Fault(f"can't be written to: {error.strerror}", file=str(run_dir))]) from None


def check_unused(run_dir: Path) -> None:
    """Raise AuthorError if another run has locked the log there."""
    with suppress(OSError), (run_dir / LOG_NAME).open("rb+") as log:
        _lock(log, run_dir)


def _lock(log: BinaryIO, run_dir: Path) -> None:
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.close()
        raise AuthorError(
            [Fault("another run is recording there: name another directory", file=str(run_dir))]
        ) from None
    except OSError:
        pass  # a file system without locks


def recorded(run_dir: Path) -> bool:
    """Return whether a run has begun in that directory; until then it leaves nothing but a log."""
    return (run_dir / _RECORDING).exists()


def last_words(run_dir: Path) -> str:
    """Return what to print about a run without a verdict: our own message, or the end of Locust's log."""
    try:
        lines = (run_dir / LOG_NAME).read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except OSError:
        return f"{OWN_MESSAGE}{run_dir} was removed while the run went on: nothing of it is recorded\n"
    ours = [line for line in lines if line.startswith(OWN_MESSAGE)]
    return "".join(ours or lines[-_LAST_LINES:])


class Interruption:
    """A context in which Ctrl-C, SIGTERM and SIGHUP go to the process that is followed, instead of ending this one.

    Until that process records, nothing has to be ended in order, and its Python would answer a SIGINT with a traceback,
    or lose it; so its whole group gets SIGTERM, whichever signal came.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._early: int | None = None
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    @property
    def exit_code(self) -> int | None:
        """The exit code of a run that was ended before it began."""
        return None if self._early is None else 128 + self._early

    def expect(self, run_dir: Path) -> None:
        """Go by the recording in this directory from now on: another run is to begin."""
        self._run_dir = run_dir

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        """Pass signals on to this process, also one that has come already."""
        self._process = process
        if self._early is not None:
            self._end()

    def __enter__(self) -> Self:
        for number in ending_signals():
            self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        if self._process is not None and recorded(self._run_dir):
            self._process.send_signal(number)
            return
        self._early = self._early or number
        self._end()

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
