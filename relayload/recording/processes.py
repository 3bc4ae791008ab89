"""Distributes tasks over forked processes, which share everything that the parent has read without copying it.

The standard library's pools do not suit: multiprocessing's hangs if a worker is killed, and that of concurrent.futures
waits for the remaining work after a failure.
"""

import os
import pickle
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Generic, NoReturn, TypeVar

from relayload.core.metrics.tasks import RunAll, Task, bundles, one_by_one

T = TypeVar("T")

_MOST_PROCESSES = 4
_TICKETS = 256
"""A ticket is one byte."""


def usable_processes() -> int:
    """Return how many processes may share the work: 1 if forking is impossible or unsafe.

    A process that uses gevent must not be forked without gevent's knowledge.
    """
    if not hasattr(os, "fork") or "gevent" in sys.modules:
        return 1
    return min(_MOST_PROCESSES, len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)


def runner(processes: int) -> RunAll:
    """Return a function that runs tasks in this many processes, including the current one."""
    return one_by_one if processes < 2 else partial(_run_forked, processes)


def _run_forked(processes: int, tasks: Sequence[Task[T]]) -> list[T]:
    """Run the tasks: a free process takes the next ticket from a pipe. Raises the exception of a failed task."""
    bundled = bundles(tasks)
    tickets, writer = os.pipe()
    os.write(writer, bytes(range(_TICKETS))[: len(bundled)])
    os.close(writer)

    def work() -> dict[int, T]:
        done: dict[int, T] = {}
        while ticket := os.read(tickets, 1):
            for position in chain.from_iterable(bundled[ticket[0] :: _TICKETS]):
                done[position] = tasks[position].run()
        return done

    children = [_Child(work) for _ in range(min(processes, len(bundled)) - 1)]
    try:
        done = work()
        for child in children:
            done |= child.result()
    finally:
        for child in children:
            child.stop()
        os.close(tickets)
    return [done[position] for position in range(len(tasks))]


class _Child(Generic[T]):
    """A forked process that sends back the result of its work, or the exception that ended it."""

    def __init__(self, work: Callable[[], T]) -> None:
        reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _work(work, writer)
        os.close(writer)
        self._answer = os.fdopen(reader, "rb")

    def result(self) -> T:
        """Return the result, or raise the exception. Raises EOFError if the process was killed."""
        answer: T | BaseException = pickle.load(self._answer)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stop(self) -> None:
        self._answer.close()
        os.kill(self._pid, signal.SIGTERM)
        os.waitpid(self._pid, 0)


def _work(work: Callable[[], object], writer: int) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the parent ends it this way, which is no error
    try:
        try:
            answer = pickle.dumps(work())
        except BaseException as error:  # raised by the parent
            answer = pickle.dumps(error)
        with os.fdopen(writer, "wb") as file:
            file.write(answer)
    finally:
        os._exit(0)
