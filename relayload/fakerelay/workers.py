"""Runs several processes behind one address.

The kernel distributes connections. Nothing is shared: each process has its own limits, slots, prompt cache and
statistics.
"""

import os
import signal
import threading
from collections.abc import Callable

ServeOne = Callable[[int, Callable[[], None], bool], None]
"""Serves as worker `number`, calls back when ready, and ends with stdin if the flag is set."""

_ENDINGS = {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD}


def serve_many(count: int, serve_one: ServeOne, announce: Callable[[], None], *, watch_stdin: bool) -> None:
    """Fork the workers, announce when all are ready, and end them all on a signal or when one ends."""
    life_read, life_write = os.pipe()
    ready_read, ready_write = os.pipe()
    children = []
    for worker in range(count):
        child = os.fork()
        if child == 0:
            os.close(life_write)
            os.dup2(life_read, 0)  # its stdin ends when this process ends, for any reason
            serve_one(worker, lambda: _signal_ready(ready_write), True)
            os._exit(0)
        children.append(child)
    os.close(life_read)
    os.close(ready_write)
    died = not _all_ready(ready_read, count)
    if not died:
        announce()
        died = _await_ending(watch_stdin) == signal.SIGCHLD
    os.close(life_write)
    for child in children:
        os.waitpid(child, 0)
    if died:
        raise SystemExit("a worker of the fake relay has ended: so have all the others")


def _signal_ready(ready_write: int) -> None:
    os.write(ready_write, b".")


def _all_ready(ready_read: int, count: int) -> bool:
    ready = 0
    while ready < count:
        received = os.read(ready_read, count)
        if not received:
            return False
        ready += len(received)
    return True


def _await_ending(watch_stdin: bool) -> signal.Signals:
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    if watch_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    return signal.Signals(signal.sigwait(_ENDINGS))


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
