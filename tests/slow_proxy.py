"""A TCP proxy that adds a known delay to all that comes back, and on demand sends it in fewer, larger pieces."""

import contextlib
import queue
import socket
import threading
import time
from types import TracebackType
from typing import Self

_AT_ONCE = 65536


class SlowProxy:
    """Passes connections on to a port of this machine."""

    def __init__(self, port: int, delay_s: float = 0.0, gather_s: float = 0.0) -> None:
        """What comes back waits for `delay_s`; with `gather_s`, what comes within that time is sent in one piece."""
        self._to = ("127.0.0.1", port)
        self._delay_s, self._gather_s = delay_s, gather_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def __enter__(self) -> Self:
        self._thread(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for end in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._to)
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open += [near, far]
                pieces: queue.Queue[tuple[float, bytes]] = queue.Queue()
                self._thread(self._there, near, far)
                self._thread(self._take, far, pieces)
                self._thread(self._back, pieces, near)

    def _there(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(_AT_ONCE):
                far.sendall(data)
        with contextlib.suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def _take(self, far: socket.socket, pieces: "queue.Queue[tuple[float, bytes]]") -> None:
        with contextlib.suppress(OSError), far:
            while data := far.recv(_AT_ONCE):
                pieces.put((time.monotonic() + self._delay_s, data))
        pieces.put((0.0, b""))

    def _back(self, pieces: "queue.Queue[tuple[float, bytes]]", near: socket.socket) -> None:
        with contextlib.suppress(OSError), near:
            while True:
                due_at_s, data = pieces.get()
                time.sleep(max(0.0, due_at_s - time.monotonic()) + self._gather_s)
                gathered = data
                while self._gather_s and not pieces.empty():
                    _, more = pieces.get()
                    gathered += more
                if gathered:
                    near.sendall(gathered)
                if not data:
                    return

    def _thread(self, target: object, *arguments: object) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()  # type: ignore[arg-type]
