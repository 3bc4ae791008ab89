"""CPU time and memory of a process of this machine and its children."""

from collections.abc import Iterator
from contextlib import suppress

import psutil

from relayload import clock
from relayload.core.errors import AuthorError, Fault
from relayload.core.overhead.findings import Resources

_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


class ProcessMeter:
    """Measures a process tree between `begin` and `end`. A child that ends in between counts until its last sample."""

    def __init__(self, pid: int) -> None:
        """Raises AuthorError if there is no such process, or it may not be read."""
        try:
            self._root = psutil.Process(pid)
            self._root.cpu_times()
        except _GONE:
            message = f"there is no process {pid} here whose CPU time can be read"
            raise AuthorError([Fault(message, path="--relay-pid")]) from None
        self._seen: dict[int, psutil.Process] = {}
        self._cpu_s: dict[int, float] = {}
        self._from_s: dict[int, float] = {}
        self._began_at_s = 0.0
        self._rss_before = self._rss_most = self._most = 0

    def begin(self) -> None:
        """Measure from now on."""
        self._seen, self._cpu_s, self._from_s = {}, {}, {}
        self._rss_most = self._most = 0
        self._began_at_s = clock.now_s()
        self.sample()
        self._from_s = dict(self._cpu_s)
        self._rss_before = self._rss_most

    def sample(self) -> None:
        """Look at the processes that there are now."""
        rss, count = 0, 0
        for process in self._tree():
            with suppress(*_GONE):
                times = process.cpu_times()
                self._cpu_s[process.pid] = times.user + times.system
                rss += process.memory_info().rss
                count += 1
        self._rss_most, self._most = max(self._rss_most, rss), max(self._most, count)

    def end(self, requests: int) -> Resources:
        """Return what they took for so many requests."""
        self.sample()
        cpu_s = sum(spent - self._from_s.get(pid, 0.0) for pid, spent in self._cpu_s.items())
        for_s = clock.now_s() - self._began_at_s
        return Resources(
            processes=self._most,
            cpu_s=cpu_s,
            cpu_s_per_request=cpu_s / requests if requests else None,
            cpu_share=cpu_s / for_s if for_s > 0 else 0.0,
            rss_before_bytes=self._rss_before,
            rss_most_bytes=self._rss_most,
        )

    def _tree(self) -> Iterator[psutil.Process]:
        with suppress(*_GONE):
            for process in (self._root, *self._root.children(recursive=True)):
                yield self._seen.setdefault(process.pid, process)


def pid_of_port(port: int) -> int:
    """Return the process that listens on a TCP port of this machine. Raises AuthorError if none is seen to."""
    pids = {process.pid for process in psutil.process_iter() if port in _listens_on(process)}
    roots = pids - {child.pid for pid in pids for child in _children(pid)}
    if not roots:
        message = f"no process that may be read listens on port {port} here: name it by --relay-pid"
        raise AuthorError([Fault(message, path="--relay-port")])
    return min(roots)


def _listens_on(process: psutil.Process) -> set[int]:
    with suppress(*_GONE):
        held = process.net_connections(kind="tcp")
        return {each.laddr.port for each in held if each.status == psutil.CONN_LISTEN}
    return set()


def _children(pid: int) -> list[psutil.Process]:
    with suppress(*_GONE):
        return psutil.Process(pid).children(recursive=True)
    return []
