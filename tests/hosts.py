"""Hosts of a test's own: network namespaces on a switch, each with its own files, name and monotonic clock.

Where namespaces can't be made, all hosts are this one, and meet on the loopback device.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from support import PATIENCE_S, wait_for

_NUMBERS = count()
_OURS = "relayload"
_NAMESPACES = Path("/run/netns")
_BOOT = 'hostname "$1"; test -z "$2" || mount -t tmpfs tmpfs "$2"; echo booted; exec sleep infinity'
"""In the namespaces of a host: takes its name, and the directory that is to be empty there. Holds them to its end."""


class Network:
    """A switch and the hosts on it; `apart` tells whether they are hosts of their own."""

    def __init__(self) -> None:
        _remove_left_over()
        self._tag = f"{_OURS}-{os.getpid()}-{next(_NUMBERS)}"
        self._namespaces: list[str] = []
        self._hosts: list[Host] = []
        self._logs = tempfile.TemporaryDirectory()
        self.why_not = self._attempt()
        self.apart = not self.why_not

    def host(self, name: str, *, ahead_s: int = 0, without: Path | None = None) -> "Host":
        """Add a host whose monotonic clock is ahead, and on which a directory is empty."""
        number = len(self._hosts) + 1
        address = f"10.77.0.{number}" if self.apart else "127.0.0.1"
        host = Host(name, address)
        self._hosts.append(host)
        if self.apart:
            log = Path(self._logs.name, f"{name}.log")
            host.boot(self._new_namespace(number, address), ahead_s, without, log)
            host.port = (self._tag, f"port{number}")
        return host

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for host in self._hosts:
            host.close()
        for namespace in self._namespaces:
            subprocess.run(["ip", "netns", "del", namespace], check=False)
        self._logs.cleanup()

    def _attempt(self) -> str:
        """Make the switch; return why that is not possible here."""
        if sys.platform != "linux" or not all(map(shutil.which, ("ip", "unshare", "nsenter", "mount", "hostname"))):
            return "namespaces are Linux's, and made by ip and unshare"
        for arguments in (
            ("ip", "netns", "add", self._tag),
            ("ip", "-n", self._tag, "link", "add", "switch", "type", "bridge"),
            ("ip", "-n", self._tag, "link", "set", "switch", "up"),
            (*_unshare(1), "mount", "-t", "tmpfs", "tmpfs", "/mnt"),
        ):
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
            if arguments[1] == "netns" and done.returncode == 0:
                self._namespaces.append(self._tag)
            if done.returncode:
                return f"no namespaces can be made here: {done.stderr.strip()}"
        return ""

    def _new_namespace(self, number: int, address: str) -> str:
        name, port = f"{self._tag}-{number}", f"port{number}"
        _ip("netns", "add", name)
        self._namespaces.append(name)
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", port, "netns", self._tag)
        _ip("-n", self._tag, "link", "set", port, "master", "switch", "up")
        _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        return name


class Host:
    """One host, and the processes on it."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self.port = ("", "")
        """The switch and the port on it."""
        self._enter: list[str] = []
        self._processes: list[HostProcess] = []

    def boot(self, namespace: str, ahead_s: int, without: Path | None, log: Path) -> None:
        """Make the other namespaces of this host."""
        prefix = ["ip", "netns", "exec", namespace, *_unshare(ahead_s)]
        holder = self.start(*prefix, "sh", "-c", _BOOT, "sh", self.name, str(without or ""), log=log)
        assert holder.first_line() == "booted", holder.output
        pid = holder.popen.pid
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._enter = ["nsenter", "--target", child, "--mount", "--uts", "--net", "--time"]

    def start(self, *command: str | Path, log: Path, **environ: str) -> "HostProcess":
        """Start a program on this host."""
        enter = [*self._enter, f"--wdns={log.parent}"] if self._enter else []
        self._processes.append(HostProcess([*enter, *map(str, command)], log, environ))
        return self._processes[-1]

    def python(self, *arguments: str | Path, log: Path, **environ: str) -> "HostProcess":
        return self.start(sys.executable, *arguments, log=log, **environ)

    @property
    def prefix(self) -> list[str]:
        """What goes before a command so that it runs on this host."""
        return self._enter

    def link(self, state: str) -> None:
        """Plug in (`up`) or unplug (`down`) the cable."""
        switch, port = self.port
        _ip("-n", switch, "link", "set", port, state)

    def close(self) -> None:
        for process in reversed(self._processes):
            process.end()


class HostProcess:
    """A process on a host."""

    def __init__(self, command: list[str], log: Path, environ: Mapping[str, str]) -> None:
        self._log = log
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                command,
                cwd=log.parent,
                env={**_unproxied(), **environ},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def first_line(self) -> str:
        """Wait for the first line of output."""
        wait_for(lambda: "\n" in self.output or not self.running)
        return self.output.partition("\n")[0]

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        return self.popen.wait(timeout_s)

    def end(self) -> None:
        if self.running:
            self.popen.kill()  # what was forked is killed with it (--kill-child)
            self.popen.wait(PATIENCE_S)
        print(f"== {self._log}\n{self.output}")  # noqa: T201 -- pytest shows it where the test failed


def need(network: Network) -> None:
    """Skip the test unless there are hosts of their own."""
    if not network.apart:
        pytest.skip(network.why_not)


def _remove_left_over() -> None:
    """Remove namespaces of tests that were killed, with what runs in them."""
    for name in [path.name for path in _NAMESPACES.glob(f"{_OURS}-*-*")]:
        if not Path(f"/proc/{name.split('-')[1]}").exists():
            pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
            for pid in pids.split():
                os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", name], check=False)


def _unshare(ahead_s: int) -> list[str]:
    return ["unshare", "--mount", "--uts", "--time", "--monotonic", str(ahead_s), "--fork", "--kill-child"]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _unproxied() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
