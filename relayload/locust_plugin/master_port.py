"""The port on which the workers of one machine meet their master, kept free until the master listens.

Locust's workers need the port before their master has it, so the master can't choose one itself.
"""

import socket
import sys
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"


class MasterPort:
    """A loopback port that the system gives to nobody else while this is open.

    Linux lets two sockets bind one port while neither listens and both set SO_REUSEADDR, as ZeroMQ does, and does not
    hand that port out as a free one: a socket that never listens keeps it for one that will. On other systems the port
    is free when this is made, which is all that can be had.
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
        """The descriptors that a process inherits to keep the port from its start to its end."""
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
    """Return Locust's options for so many processes that meet at this port; none for a single process."""
    if processes == 1:
        return []
    where = ("--master-bind-host", LOOPBACK, "--master-bind-port", str(port), "--master-port", str(port))
    return ["--processes", str(processes), *where]
