"""Runs one after the other in a Locust that stays up between them, with the workers that it has."""

import json
import os
import select
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from relayload.core.errors import AuthorError, Fault
from relayload.core.model.progress import Progress
from relayload.locust_plugin.early import Answer, EarlyLocust, Order, RunOrder
from relayload.locust_plugin.launch import Interruption, Launch, begun_log, command_of, environment
from relayload.locust_plugin.master_port import LOOPBACK, MasterPort, workers
from relayload.locust_plugin.served_ports import why_taken
from relayload.recording import progress

_POLL_S = 0.2
_LEAVES_WITHIN_S = 15.0
_ANY_ADDRESS = ("*", "0.0.0.0", "::")

Watch = Callable[[Progress | None], None]


@dataclass(frozen=True, slots=True)
class OtherHosts:
    """Workers of other hosts: how many to wait for, and where the master listens to them."""

    expect_workers: int
    bind_host: str = LOOPBACK
    bind_port: int = 5557
    secret_file: Path | None = None
    """The file of the join secret."""
    secured: bool = False
    """A join secret is in that file or in the environment."""

    def check(self) -> None:
        """Raise AuthorError if no master can listen there."""
        host = "" if self.bind_host in _ANY_ADDRESS else self.bind_host
        try:
            socket.create_server((host, self.bind_port)).close()
        except OSError as error:
            where, why = f"{self.bind_host}:{self.bind_port}", why_taken(error)
            instead = "name an address of this machine, and a port that is free"
            fault = Fault(f"can't listen on {where}: {why}: {instead}", path="--master-bind-host, --master-bind-port")
            raise AuthorError([fault]) from None

    def options(self, processes: int) -> list[str]:
        """Return Locust's options of a master that has so many workers of its own besides."""
        port = str(self.bind_port)
        bound = ["--master-bind-host", self.bind_host, "--master-bind-port", port]
        if self.secret_file is not None:
            bound += ["--relay-secret-file", str(self.secret_file)]
        if not processes:
            return ["--master", *bound]
        reached = LOOPBACK if self.bind_host in _ANY_ADDRESS else self.bind_host
        return ["--processes", str(processes), *bound, "--master-host", reached, "--master-port", port]


class Series:
    """A context in which runs of one profile are carried out one after the other.

    SIGINT and SIGTERM go to Locust, which ends a run in order, and leaves.
    """

    def __init__(self, launch: Launch, other_hosts: OtherHosts | None = None) -> None:
        """`launch.run_dir` gets the log. Raises AuthorError if that can't be written to."""
        self._launch = launch
        self._log = begun_log(launch.run_dir)
        self._answers, theirs = os.pipe()
        with MasterPort() as port:
            own = other_hosts.options(launch.processes) if other_hosts else workers(launch.processes, port.number)
            command = [*command_of(launch.profile, (), None), *own]
            self._early = EarlyLocust(command, environment(), (*port.descriptors, theirs))
        os.close(theirs)
        self._read = b""
        self._interruption = Interruption(launch.run_dir)
        expected = other_hosts.expect_workers if other_hosts else 0
        sets, fakes = list(launch.sets), dict(launch.fakes)
        order = Order(str(launch.profile), str(launch.run_dir), sets, {}, fakes, theirs, expected)
        self._process: subprocess.Popen[bytes] = self._early.order(order)

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it is up. 130 and 143 after a signal."""
        code = self._process.poll()
        if code is None:
            return None
        code = self._interruption.exit_code or code
        return code if code >= 0 else 128 - code

    def ready(self, watch: Watch) -> int | None:
        """Wait until the target has answered and all workers are there. Return the exit code if it ended instead."""
        return None if self._answer(watch, self._launch.run_dir) else self.exit_code

    def run(self, run_dir: Path, sets: Sequence[str], watch: Watch) -> int:
        """Carry out a run with further overrides, and return its exit code, or that of a Locust that ended with it.

        `watch` is called a few times a second with the progress, or None before there is any.
        """
        self._interruption.expect(run_dir)
        self._early.order(RunOrder(str(run_dir), list(sets)))
        answer = self._answer(watch, run_dir)
        code = self.exit_code if answer is None else answer.exit_code
        assert code is not None, "it has ended, or the run has"
        return code

    def __enter__(self) -> Self:
        self._interruption.__enter__()
        self._interruption.follow(self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._early.end_orders()
        if kind is not None:
            self._process.terminate()
        try:
            self._process.wait(_LEAVES_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._interruption.__exit__(kind, error, traceback)
        with self._log:
            self._early.finish(self._log)
        self._early.__exit__(kind, error, traceback)
        os.close(self._answers)

    def _answer(self, watch: Watch, run_dir: Path) -> Answer | None:
        """Wait for the next answer; None if the process ends without one."""
        while True:
            ended = self._process.poll() is not None
            while select.select([self._answers], [], [], 0 if ended else _POLL_S)[0]:
                piece = os.read(self._answers, 4096)
                self._read += piece
                line, newline, rest = self._read.partition(b"\n")
                if newline:
                    self._read = rest
                    return Answer(**json.loads(line))
                if not piece:
                    break
            if ended:
                return None
            watch(progress.read(run_dir))
