"""The port where the workers of one machine meet their master, kept free until it listens there.

Locust's workers are told the port before their master has it, so that it can't be one that the master finds for itself.
"""

import socket
import sys
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"


class MasterPort:
    """A port of this machine's own address that nobody else is given as long as this is open.

    Linux lets two sockets have one port while neither listens and both ask for that (SO_REUSEADDR, as ZeroMQ's do), and
    gives it to no third that takes any port: so a socket that never listens keeps a port for one that will. On other
    systems the port is free when this is made, and no more can be had.
    """

    def __init__(self) -> None:
        self._keeper = socket.socket()
        self._keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._keeper.bind((LOOPBACK, 0))
        self.number = int(self._keeper.getsockname()[1])
        if sys.platform != "linux":
            self._keeper.close()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a process inherits that keeps the port from its start to its end."""
        return () if self._keeper.fileno() < 0 else (self._keeper.fileno(),)

    def close(self) -> None:
        self._keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def workers(processes: int, port: int) -> list[str]:
    """Locust's options for so many processes that meet at this port; none for a single one."""
    if processes == 1:
        return []
    where = ("--master-bind-host", LOOPBACK, "--master-bind-port", str(port), "--master-port", str(port))
    return ["--processes", str(processes), *where]
